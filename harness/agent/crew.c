/* SPDX-License-Identifier: Apache-2.0 */
/* Hiring a crew, and what its agents say. */
#include "harness/agent/crew.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/fail.h"
#include "harness/agent/crew_internal.h"

#define CALL_NS  (200 * SL_NS_PER_MS) /* between two calls for agents */
#define ASKED_NS SL_NS_PER_S          /* for an agent to take a place it offered itself for */

void crew_send(struct sl_crew *crew, const struct member *member, enum sl_wire_kind kind,
               const struct sl_packer *body)
{
    const struct sl_wire_header header = {
        .run = crew->run, .kind = kind, .agent = member->id, .trial = crew->trial};
    char subject[SL_WIRE_SUBJECT_MAX];

    sl_wire_agent_subject(member->id, subject);
    (void) !sl_peer_send(&crew->peer, subject, &header, body, NULL);
}

static struct member *find_member(struct sl_crew *crew, uint64_t id)
{
    for (size_t i = 0; i < crew->n_members; i++)
        if (crew->members[i].state != MEMBER_FREE && crew->members[i].id == id)
            return &crew->members[i];
    return NULL;
}

static void set_free(struct sl_crew *crew, struct member *member)
{
    pthread_mutex_lock(&crew->mutex); /* the heart looks at state and id */
    member->state = MEMBER_FREE;
    pthread_mutex_unlock(&crew->mutex);
    if (!member->part_fixed)
        member->part = SL_PART_ALL;
}

static void fail_trial(struct sl_crew *crew, const struct member *member, const char *why)
{
    if (!crew->failure[0])
        (void) snprintf(crew->failure, sizeof crew->failure, "agent '%s' on %s: %s",
                        member->offer.name, member->offer.host, why);
}

void crew_lose(struct sl_crew *crew, struct member *member, const char *why)
{
    fail_trial(crew, member, why);
    set_free(crew, member);
}

/* A free place for an agent; one of its own part before one that it could have besides. */
static struct member *find_place(struct sl_crew *crew, enum sl_load_part part)
{
    struct member *found = NULL;

    for (size_t i = 0; i < crew->n_members; i++) {
        struct member *member = &crew->members[i];
        if (member->state != MEMBER_FREE || (part && member->part && member->part != part))
            continue;
        if (!found || (!found->part && member->part))
            found = member;
    }
    return found;
}

static void
on_offer(struct sl_crew *crew, const struct sl_wire_header *header, struct sl_unpacker *unpacker)
{
    struct sl_wire_offer offer;

    if (find_member(crew, header->agent) || !sl_wire_unpack_offer(unpacker, &offer))
        return;
    struct member *place = find_place(crew, offer.part);
    if (!place)
        return;
    if (!place->part)
        place->part = offer.part ? offer.part : SL_PART_PUBLISH;
    place->offer = offer;
    place->asked_ns = sl_clock_now_ns();
    pthread_mutex_lock(&crew->mutex);
    place->id = header->agent;
    place->state = MEMBER_ASKED;
    place->heard_ns = place->asked_ns;
    place->clock = (struct sl_clock_estimate){0};
    pthread_mutex_unlock(&crew->mutex);
    crew_send(crew, place, SL_WIRE_KIND_HIRE, NULL);
}

static void on_hired(struct sl_crew *crew, struct member *member)
{
    pthread_mutex_lock(&crew->mutex);
    if (member->state == MEMBER_ASKED) {
        member->state = MEMBER_HIRED;
        member->heard_ns = sl_clock_now_ns();
    }
    pthread_mutex_unlock(&crew->mutex);
}

/* A tally may tell only what its part can know. */
static bool tally_fits(const struct sl_tally *tally, enum sl_load_part part)
{
    const unsigned allowed = part == SL_PART_PUBLISH ? SL_MESSAGE_TRIED | SL_MESSAGE_ANSWERED
                                                     : SL_MESSAGE_ENTERED | SL_MESSAGE_HANDLED;

    for (uint32_t i = 0; i < tally->n_events; i++)
        if (tally->states[i] & ~allowed)
            return false;
    return true;
}

static void on_stage(struct sl_crew *crew, struct member *member)
{
    struct sl_unpacker unpacker = {.at = member->body.bytes.data, .left = member->body.bytes.size};
    struct sl_tally *tally = NULL;
    enum sl_agent_stage stage =
        (enum sl_agent_stage) sl_unpack_number(&unpacker, SL_AGENT_OPENED, SL_AGENT_CLOSED);

    if (unpacker.failed ||
        (stage >= SL_AGENT_LOADED &&
         sl_tally_unpack(unpacker.at, unpacker.left, crew->config.load.events, &tally, NULL))) {
        fail_trial(crew, member, "sent a malformed result");
        return;
    }
    if (tally) {
        sl_tally_free(member->tally);
        member->tally = tally;
        if (!tally_fits(tally, member->part)) {
            fail_trial(crew, member, "told of messages that are not its own");
            return;
        }
    }
    member->stage = stage;
}

/* A message of an agent that has a place, about the trial that is played. */
static void on_trial(struct sl_crew *crew, struct member *member, enum sl_wire_kind kind)
{
    struct sl_unpacker unpacker = {.at = member->body.bytes.data, .left = member->body.bytes.size};
    char text[SL_WIRE_TEXT_MAX];

    if (kind == SL_WIRE_KIND_STAGE) {
        on_stage(crew, member);
    } else if (kind == SL_WIRE_KIND_STOPPED) {
        member->stopped = true;
    } else if (kind == SL_WIRE_KIND_FAILED) {
        fail_trial(crew, member,
                   sl_wire_unpack_text(&unpacker, text, sizeof text) ? text : "failed");
        member->stopped = true; /* its subject is gone already */
    }
}

static void on_message(struct sl_crew *crew, struct sl_unpacker *unpacker)
{
    struct sl_wire_header header;

    if (!sl_wire_unpack_header(unpacker, &header) || header.run != crew->run)
        return;
    if (header.protocol != SL_WIRE_PROTOCOL) {
        (void) snprintf(crew->foreign, sizeof crew->foreign,
                        "%.160s speaks version %u of the protocol, not %u", header.from,
                        header.protocol, SL_WIRE_PROTOCOL);
        return;
    }
    if (header.kind == SL_WIRE_KIND_OFFER) {
        on_offer(crew, &header, unpacker);
        return;
    }
    struct member *member = find_member(crew, header.agent);
    if (!member)
        return;
    if (header.kind == SL_WIRE_KIND_HIRED)
        on_hired(crew, member);
    else if (header.kind == SL_WIRE_KIND_REFUSED && member->state == MEMBER_ASKED)
        set_free(crew, member);
    else if (header.kind == SL_WIRE_KIND_LEAVE)
        crew_lose(crew, member, "was ended");
    else if (header.trial == crew->trial && sl_wire_body_add(&member->body, &header, unpacker))
        on_trial(crew, member, header.kind);
}

bool crew_take(struct sl_crew *crew)
{
    struct sl_link_message *message = sl_link_take(crew->peer.link);

    if (!message)
        return false;
    struct sl_unpacker unpacker = {.at = message->data, .left = message->size};
    on_message(crew, &unpacker);
    free(message);
    return true;
}

static void call(struct sl_crew *crew)
{
    const struct sl_wire_header header = {.run = crew->run, .kind = SL_WIRE_KIND_CALL};
    (void) !sl_peer_send(&crew->peer, SL_WIRE_CALL, &header, NULL, NULL);
}

/* Places that nobody has; those asked in vain are free again. */
static size_t count_free(struct sl_crew *crew)
{
    size_t n = 0;

    for (size_t i = 0; i < crew->n_members; i++) {
        struct member *member = &crew->members[i];
        if (member->state == MEMBER_ASKED && sl_clock_now_ns() > member->asked_ns + ASKED_NS)
            set_free(crew, member);
        n += member->state != MEMBER_HIRED;
    }
    return n;
}

/* "2 of 3 agents are missing (1 load, 1 consume); there are 'a' on host-1" */
static enum sl_status fail_missing(struct sl_crew *crew, struct sl_error *err)
{
    char missing[80] = "", there[160] = "";
    size_t n_missing[SL_N_PARTS] = {0}, n = 0, used = 0;

    for (size_t i = 0; i < crew->n_members; i++) {
        const struct member *member = &crew->members[i];
        if (member->state != MEMBER_HIRED) {
            n_missing[member->part]++;
            n++;
        } else if (used < sizeof there) {
            used += (size_t) snprintf(there + used, sizeof there - used, "%s'%s' on %s",
                                      used ? ", " : "; there are ", member->offer.name,
                                      member->offer.host);
        }
    }
    used = 0;
    for (enum sl_load_part part = SL_PART_ALL; part < SL_N_PARTS; part++)
        if (n_missing[part] && used < sizeof missing)
            used += (size_t) snprintf(missing + used, sizeof missing - used, "%s%zu %s",
                                      used ? ", " : "", n_missing[part], sl_peer_role(part));
    return sl_fail(err, SL_ENOENT, "%zu of %zu agents are missing (%s)%s%s%s", n, crew->n_members,
                   missing, there, crew->foreign[0] ? "; " : "", crew->foreign);
}

enum sl_status crew_gather(struct sl_crew *crew, uint64_t wait_ns, struct sl_error *err)
{
    uint64_t until_ns = sl_clock_now_ns() + wait_ns, next_call_ns = 0;

    while (count_free(crew)) {
        uint64_t now_ns = sl_clock_now_ns();
        if (now_ns >= until_ns)
            return fail_missing(crew, err);
        if (now_ns >= next_call_ns) {
            call(crew);
            next_call_ns = now_ns + CALL_NS;
        }
        struct pollfd fds[] = {{.fd = sl_link_fd(crew->peer.link), .events = POLLIN},
                               {.fd = crew->opts.wake_fd, .events = POLLIN}};
        struct timespec left =
            sl_clock_to_timespec(SL_MIN(next_call_ns, until_ns) - SL_MIN(now_ns, until_ns));
        if (ppoll(fds, SL_COUNT_OF(fds), &left, NULL) > 0 && fds[1].revents)
            return sl_fail(err, SL_ECLOSED, "interrupted");
        while (crew_take(crew))
            ;
    }
    return SL_OK;
}

/* All agents are there for the first time: which of them plays what is now settled. */
static enum sl_status settle_parts(struct sl_crew *crew, struct sl_error *err)
{
    uint32_t *n_of = crew->agents.n_of;

    for (size_t i = 0; i < crew->n_members; i++) {
        crew->members[i].part_fixed = true;
        crew->members[i].number = n_of[crew->members[i].part]++;
    }
    if (!n_of[SL_PART_PUBLISH])
        return sl_fail(err, SL_EINVAL,
                       "no agent takes part as load, so nothing would be published");
    return SL_OK;
}

static enum sl_status start(struct sl_crew *crew, struct sl_error *err)
{
    char subject[SL_WIRE_SUBJECT_MAX], host[SL_WIRE_NAME_MAX] = "";

    (void) gethostname(host, sizeof host - 1);
    sl_peer_name(&crew->peer, "strandline run", host);
    sl_wire_observer_subject(crew->run, subject);
    const struct sl_link_opts link = {.servers = crew->opts.servers,
                                      .name = "strandline run",
                                      .subjects = {subject},
                                      .intercept = crew_intercept,
                                      .user = crew};
    enum sl_status s = sl_link_open(&link, &crew->peer.link, err);
    if (s)
        return s;
    errno = pthread_create(&crew->heart, NULL, crew_heart_main, crew);
    if (errno)
        return sl_fail_errno(err, "cannot create a thread");
    crew->heart_beats = true;
    s = crew_gather(crew, crew->opts.wait_ns, err);
    return s ? s : settle_parts(crew, err);
}

static void init_sync(struct sl_crew *crew)
{
    pthread_condattr_t monotonic;

    (void) pthread_condattr_init(&monotonic);
    (void) pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void) pthread_mutex_init(&crew->mutex, NULL);
    (void) pthread_cond_init(&crew->heard, &monotonic);
    (void) pthread_condattr_destroy(&monotonic);
}

enum sl_status
sl_crew_open(const struct sl_crew_opts *opts, struct sl_crew **ret_crew, struct sl_error *err)
{
    SL_AUTO(sl_crew) struct sl_crew *crew = calloc(1, sizeof *crew);

    if (!crew)
        return sl_fail(err, SL_ENOMEM, "no memory for agents");
    init_sync(crew);
    crew->opts = *opts;
    for (enum sl_load_part part = SL_PART_ALL; part < SL_N_PARTS; part++)
        crew->n_members += opts->n_of[part];
    crew->members = calloc(crew->n_members, sizeof *crew->members);
    if (!crew->members)
        return sl_fail(err, SL_ENOMEM, "no memory for agents");
    size_t n = 0;
    for (enum sl_load_part part = SL_PART_ALL; part < SL_N_PARTS; part++)
        for (uint32_t i = 0; i < opts->n_of[part]; i++) {
            crew->members[n].part = part;
            crew->members[n++].part_fixed = part != SL_PART_ALL;
        }
    if (getrandom(&crew->run, sizeof crew->run, 0) != sizeof crew->run || !crew->run)
        return sl_fail_errno(err, "cannot make an id");
    enum sl_status s = start(crew, err);
    if (s)
        return s;
    crew_fill_agents(crew);
    *ret_crew = SL_TAKE(crew);
    return SL_OK;
}

void sl_crew_close(struct sl_crew *crew)
{
    if (!crew)
        return;
    pthread_mutex_lock(&crew->mutex);
    crew->ending = true;
    pthread_cond_broadcast(&crew->heard);
    pthread_mutex_unlock(&crew->mutex);
    if (crew->heart_beats)
        (void) pthread_join(crew->heart, NULL);
    for (size_t i = 0; crew->peer.link && i < crew->n_members; i++)
        if (crew->members[i].state != MEMBER_FREE)
            crew_send(crew, &crew->members[i], SL_WIRE_KIND_DISMISS, NULL);
    sl_link_close(crew->peer.link);
    for (size_t i = 0; crew->members && i < crew->n_members; i++) {
        sl_tally_free(crew->members[i].tally);
        sl_packer_release(&crew->members[i].body.bytes);
    }
    free(crew->members);
    (void) pthread_cond_destroy(&crew->heard);
    (void) pthread_mutex_destroy(&crew->mutex);
    free(crew);
}

const struct sl_agents *sl_crew_agents(const struct sl_crew *crew)
{
    return &crew->agents;
}
