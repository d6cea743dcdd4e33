/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/agent/fleet_member.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fail.h"
#include "base/wait.h"

#define CALL_NS  (200 * SL_NS_PER_MS) /* between two calls for agents */
#define ASKED_NS SL_NS_PER_S          /* for an agent to take a place it offered itself for */

void fleet_send(struct sl_fleet *fleet, const struct member *member, enum sl_wire_kind kind,
                const struct sl_packer *body)
{
    const struct sl_wire_header header = {
        .run = fleet->run, .kind = kind, .agent = member->id, .trial = fleet->trial};
    char subject[SL_WIRE_SUBJECT_MAX];

    sl_wire_agent_subject(member->id, subject);
    (void) !sl_peer_send(&fleet->peer, subject, &header, body, NULL);
}

static struct member *find_member(struct sl_fleet *fleet, uint64_t id)
{
    for (size_t i = 0; i < fleet->n_members; i++)
        if (fleet->members[i].state != MEMBER_FREE && fleet->members[i].id == id)
            return &fleet->members[i];
    return NULL;
}

void fleet_set_free(struct sl_fleet *fleet, struct member *member)
{
    pthread_mutex_lock(&fleet->mutex); /* the heart looks at state and id */
    member->state = MEMBER_FREE;
    pthread_mutex_unlock(&fleet->mutex);
    if (!member->part_fixed)
        member->part = SL_PART_ALL;
}

static void fail_trial(struct sl_fleet *fleet, const struct member *member, const char *why)
{
    if (!fleet->failure[0])
        (void) snprintf(fleet->failure, sizeof fleet->failure, "agent '%s' on %s: %s",
                        member->offer.name, member->offer.host, why);
}

void fleet_lose(struct sl_fleet *fleet, struct member *member, const char *why)
{
    fail_trial(fleet, member, why);
    fleet_set_free(fleet, member);
}

/* A free place for an agent; one of its own part before one that it could have besides. */
static struct member *find_place(struct sl_fleet *fleet, enum sl_load_part part)
{
    struct member *found = NULL;

    for (size_t i = 0; i < fleet->n_members; i++) {
        struct member *member = &fleet->members[i];
        if (member->state != MEMBER_FREE || (part && member->part && member->part != part))
            continue;
        if (!found || (!found->part && member->part))
            found = member;
    }
    return found;
}

static void
on_offer(struct sl_fleet *fleet, const struct sl_wire_header *header, struct sl_unpacker *unpacker)
{
    struct sl_wire_offer offer;

    if (find_member(fleet, header->agent) || !sl_wire_unpack_offer(unpacker, &offer))
        return;
    struct member *place = find_place(fleet, offer.part);
    if (!place)
        return;
    if (!place->part)
        place->part = offer.part ? offer.part : SL_PART_PUBLISH;
    place->offer = offer;
    place->asked_ns = sl_clock_now_ns();
    pthread_mutex_lock(&fleet->mutex);
    place->id = header->agent;
    place->state = MEMBER_ASKED;
    place->heard_ns = place->asked_ns;
    place->clock = (struct sl_clock_estimate){0};
    pthread_mutex_unlock(&fleet->mutex);
    fleet_send(fleet, place, SL_WIRE_KIND_HIRE, NULL);
}

static void on_hired(struct sl_fleet *fleet, struct member *member)
{
    pthread_mutex_lock(&fleet->mutex);
    if (member->state == MEMBER_ASKED) {
        member->state = MEMBER_HIRED;
        member->heard_ns = sl_clock_now_ns();
    }
    pthread_mutex_unlock(&fleet->mutex);
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

static void on_stage(struct sl_fleet *fleet, struct member *member)
{
    struct sl_unpacker unpacker = {.at = member->body.bytes.data, .left = member->body.bytes.size};
    struct sl_tally *tally = NULL;
    enum sl_agent_stage stage =
        (enum sl_agent_stage) sl_unpack_number(&unpacker, SL_AGENT_OPENED, SL_AGENT_CLOSED);

    if (unpacker.failed ||
        (stage >= SL_AGENT_LOADED &&
         sl_tally_unpack(unpacker.at, unpacker.left, fleet->config.load.events, &tally, NULL))) {
        fail_trial(fleet, member, "sent a malformed result");
        return;
    }
    if (tally) {
        sl_tally_free(member->tally);
        member->tally = tally;
        if (!tally_fits(tally, member->part)) {
            fail_trial(fleet, member, "told of messages that are not its own");
            return;
        }
    }
    member->stage = stage;
}

/* A message of an agent that has a place, about the trial that is played. */
static void on_trial(struct sl_fleet *fleet, struct member *member, enum sl_wire_kind kind)
{
    struct sl_unpacker unpacker = {.at = member->body.bytes.data, .left = member->body.bytes.size};
    char text[SL_WIRE_TEXT_MAX];

    if (kind == SL_WIRE_KIND_STAGE) {
        on_stage(fleet, member);
    } else if (kind == SL_WIRE_KIND_STOPPED) {
        member->stopped = true;
    } else if (kind == SL_WIRE_KIND_FAILED) {
        fail_trial(fleet, member,
                   sl_wire_unpack_text(&unpacker, text, sizeof text) ? text : "failed");
        member->stopped = true; /* its subject is gone already */
    }
}

static void on_message(struct sl_fleet *fleet, struct sl_unpacker *unpacker)
{
    struct sl_wire_header header;

    if (!sl_wire_unpack_header(unpacker, &header) || header.run != fleet->run)
        return;
    if (header.protocol != SL_WIRE_PROTOCOL) {
        (void) snprintf(fleet->foreign, sizeof fleet->foreign,
                        "%.160s speaks version %u of the protocol, not %u", header.from,
                        header.protocol, SL_WIRE_PROTOCOL);
        return;
    }
    if (header.kind == SL_WIRE_KIND_OFFER) {
        on_offer(fleet, &header, unpacker);
        return;
    }
    struct member *member = find_member(fleet, header.agent);
    if (!member)
        return;
    if (header.kind == SL_WIRE_KIND_HIRED)
        on_hired(fleet, member);
    else if (header.kind == SL_WIRE_KIND_REFUSED && member->state == MEMBER_ASKED)
        fleet_set_free(fleet, member);
    else if (header.kind == SL_WIRE_KIND_LEAVE)
        fleet_lose(fleet, member, "was ended");
    else if (header.trial == fleet->trial && sl_wire_body_add(&member->body, &header, unpacker))
        on_trial(fleet, member, header.kind);
}

bool fleet_take(struct sl_fleet *fleet)
{
    struct sl_link_message *message = sl_link_take(fleet->peer.link);

    if (!message)
        return false;
    struct sl_unpacker unpacker = {.at = message->data, .left = message->size};
    on_message(fleet, &unpacker);
    free(message);
    return true;
}

static void call_agents(struct sl_fleet *fleet)
{
    const struct sl_wire_header header = {.run = fleet->run, .kind = SL_WIRE_KIND_CALL};
    (void) !sl_peer_send(&fleet->peer, SL_WIRE_CALL, &header, NULL, NULL);
}

/* Places that nobody has; those asked in vain are free again. */
static size_t count_free(struct sl_fleet *fleet)
{
    size_t n = 0;

    for (size_t i = 0; i < fleet->n_members; i++) {
        struct member *member = &fleet->members[i];
        if (member->state == MEMBER_ASKED && sl_clock_now_ns() > member->asked_ns + ASKED_NS)
            fleet_set_free(fleet, member);
        n += member->state != MEMBER_HIRED;
    }
    return n;
}

/* "2 of 3 agents are missing (1 load, 1 consume); there are 'a' on host-1" */
static enum sl_status fail_missing(struct sl_fleet *fleet, struct sl_error *err)
{
    char missing[80] = "", there[160] = "";
    size_t n_missing[SL_N_PARTS] = {0}, n = 0, used = 0;

    for (size_t i = 0; i < fleet->n_members; i++) {
        const struct member *member = &fleet->members[i];
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
    return sl_fail(err, SL_ENOENT, "%zu of %zu agents are missing (%s)%s%s%s", n, fleet->n_members,
                   missing, there, fleet->foreign[0] ? "; " : "", fleet->foreign);
}

enum sl_status fleet_hire(struct sl_fleet *fleet, uint64_t wait_ns, struct sl_error *err)
{
    uint64_t until_ns = sl_clock_now_ns() + wait_ns, next_call_ns = 0;

    while (count_free(fleet)) {
        uint64_t now_ns = sl_clock_now_ns();
        if (now_ns >= until_ns)
            return fail_missing(fleet, err);
        if (now_ns >= next_call_ns) {
            call_agents(fleet);
            next_call_ns = now_ns + CALL_NS;
        }
        struct pollfd fds[] = {{.fd = sl_link_fd(fleet->peer.link), .events = POLLIN},
                               {.fd = fleet->wake_fd, .events = POLLIN}};
        struct timespec left =
            sl_clock_to_timespec(SL_MIN(next_call_ns, until_ns) - SL_MIN(now_ns, until_ns));
        enum sl_status status = ppoll(fds, SL_COUNT_OF(fds), &left, NULL) > 0
                                    ? sl_wake_look(fds[1].revents, err)
                                    : SL_OK;
        if (status)
            return status;
        while (fleet_take(fleet))
            ;
    }
    return SL_OK;
}
