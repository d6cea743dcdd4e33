/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/agent/agent.h"

#include <poll.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fail.h"
#include "base/wait.h"
#include "harness/agent/clock.h"
#include "harness/agent/link.h"
#include "harness/agent/part.h"
#include "harness/agent/peer.h"
#include "harness/agent/wire_config.h"

/* Between two looks for a silent observer. */
#define LOOK_MS 200
/* Of what strangers can have said as often as they like. */
#define LINES_AT_ONCE 20u
#define LINE_EVERY_NS SL_NS_PER_S

struct agent {
    const struct sl_agent_opts *opts;
    struct sl_peer peer;
    struct sl_wire_offer offer;
    uint64_t id;
    /* The run it works for, 0: none; and when its observer was heard last.  PINGs are answered on a
       thread of the link, so that the answer tells the time of the question. */
    _Atomic uint64_t run, heard_ns;
    _Atomic uint64_t trial; /* that is played, or was last; 0: none */
    char observer[SL_WIRE_FROM_MAX];
    struct sl_part part;
    struct sl_wire_body body;
    bool done;
    enum sl_status status;  /* when done */
    uint64_t began_ns;      /* the run, or its last trial */
    uint64_t lines_from_ns; /* when the first line would have been said, if one came every second */
    unsigned n_unsaid;
};

/* Lines come one a second, or some at once after a pause; what was left out is told. */
static bool may_say(struct agent *agent)
{
    uint64_t now_ns = sl_clock_now_ns(), burst_ns = LINES_AT_ONCE * LINE_EVERY_NS;
    char text[64];

    agent->lines_from_ns = SL_MAX(agent->lines_from_ns, now_ns > burst_ns ? now_ns - burst_ns : 0);
    if (agent->lines_from_ns + LINE_EVERY_NS > now_ns) {
        agent->n_unsaid++;
        return false;
    }
    agent->lines_from_ns += LINE_EVERY_NS;
    if (agent->n_unsaid) {
        (void) snprintf(text, sizeof text, "... (%u more lines, not shown)", agent->n_unsaid);
        agent->opts->say(agent->opts->user, text);
        agent->n_unsaid = 0;
    }
    return true;
}

static void say(struct agent *agent, const char *format, ...) SL_PRINTF(2, 3);

static void say(struct agent *agent, const char *format, ...)
{
    char text[2 * SL_WIRE_FROM_MAX + SL_WIRE_TEXT_MAX];
    va_list args;

    if (!agent->opts->say || !may_say(agent))
        return;
    va_start(args, format);
    (void) vsnprintf(text, sizeof text, format, args);
    va_end(args);
    agent->opts->say(agent->opts->user, text);
}

static struct sl_wire_header
reply_header(const struct agent *agent, enum sl_wire_kind kind, uint64_t run)
{
    return (struct sl_wire_header){
        .kind = kind, .run = run, .agent = agent->id, .trial = atomic_load(&agent->trial)};
}

/* What can not be sent now is not answered, and the observer finds that. */
static void
reply(struct agent *agent, enum sl_wire_kind kind, uint64_t run, const struct sl_packer *body)
{
    struct sl_wire_header header = reply_header(agent, kind, run);
    char subject[SL_WIRE_SUBJECT_MAX];

    sl_wire_observer_subject(run, subject);
    (void) !sl_peer_send(&agent->peer, subject, &header, body, NULL);
}

static void reply_text(struct agent *agent, enum sl_wire_kind kind, uint64_t run, const char *text)
{
    struct sl_packer body = {0};

    sl_pack_text(&body, text);
    reply(agent, kind, run, &body);
    sl_packer_release(&body);
}

/* On a thread of the link. */
static bool intercept(void *user, const void *data, size_t size)
{
    uint64_t now_ns = sl_clock_now_ns();
    struct agent *agent = user;
    struct sl_unpacker unpacker = {.at = data, .left = size};
    struct sl_wire_header header;
    struct sl_packer body = {0};

    if (!sl_wire_unpack_header(&unpacker, &header) || header.protocol != SL_WIRE_PROTOCOL ||
        header.kind != SL_WIRE_KIND_PING)
        return false;
    uint64_t asked_ns = sl_unpack_number(&unpacker, 0, INT64_MAX);
    if (unpacker.failed || header.run == 0 || header.run != atomic_load(&agent->run))
        return true;
    atomic_store(&agent->heard_ns, now_ns);
    sl_pack_number(&body, asked_ns);
    sl_pack_number(&body, now_ns);
    reply(agent, SL_WIRE_KIND_PONG, header.run, &body);
    sl_packer_release(&body);
    return true;
}

/* Work for nobody again. */
static void leave_run(struct agent *agent, enum sl_status status)
{
    sl_part_end(&agent->part);
    atomic_store(&agent->run, 0);
    atomic_store(&agent->trial, 0);
    agent->status = status;
    agent->done = agent->opts->once;
}

static void on_call(struct agent *agent, const struct sl_wire_header *header)
{
    struct sl_packer body = {0};

    if (atomic_load(&agent->run))
        return; /* it looks for others */
    sl_wire_pack_offer(&agent->offer, &body);
    reply(agent, SL_WIRE_KIND_OFFER, header->run, &body);
    sl_packer_release(&body);
}

/* Its answer names our own protocol, which is all that it needs. */
static void on_foreign(struct agent *agent, const struct sl_wire_header *header)
{
    say(agent, "refused a run of %s: it speaks version %u of the protocol, this agent version %u",
        header->from, header->protocol, SL_WIRE_PROTOCOL);
    reply(agent, SL_WIRE_KIND_OFFER, header->run, NULL);
}

static void on_hire(struct agent *agent, const struct sl_wire_header *header)
{
    uint64_t run = atomic_load(&agent->run);

    if (run && run != header->run) {
        reply_text(agent, SL_WIRE_KIND_REFUSED, header->run, "works for another run");
        return;
    }
    if (!run) {
        (void) snprintf(agent->observer, sizeof agent->observer, "%s", header->from);
        agent->began_ns = sl_clock_now_ns();
        atomic_store(&agent->heard_ns, agent->began_ns);
        atomic_store(&agent->run, header->run);
        say(agent, "works for %s", agent->observer);
    }
    reply(agent, SL_WIRE_KIND_HIRED, header->run, NULL);
}

static void fail_part(struct agent *agent, const struct sl_error *err)
{
    sl_part_end(&agent->part);
    say(agent, "trial %llu failed: %s", (unsigned long long) atomic_load(&agent->trial), err->text);
    reply_text(agent, SL_WIRE_KIND_FAILED, atomic_load(&agent->run), err->text);
}

static void on_open(struct agent *agent, uint64_t trial, const void *data, size_t size)
{
    struct sl_unpacker unpacker = {.at = data, .left = size};
    struct sl_error err = {0};
    enum sl_status status = SL_OK;

    SL_AUTO_FREE struct sl_subject_config *config = malloc(sizeof *config);
    atomic_store(&agent->trial, trial);
    agent->began_ns = sl_clock_now_ns();
    if (!config)
        status = sl_fail(&err, SL_ENOMEM, "out of memory for a trial");
    else if (!sl_wire_unpack_config(&unpacker, config))
        status = sl_fail(&err, SL_EPROTO, "the observer sent a trial that no run has");
    else
        status =
            sl_subject_config_aim(config, agent->opts->servers, agent->opts->credentials, &err);
    if (!status)
        status = sl_part_begin(&agent->part, config, &err);
    if (status) {
        fail_part(agent, &err);
        return;
    }
    say(agent, "trial %llu: %s %u of %u", (unsigned long long) trial,
        sl_peer_role(config->share.part), config->share.number + 1, config->share.of);
}

static void
on_tell(struct agent *agent, enum sl_agent_command command, const void *data, size_t size)
{
    struct sl_error err = {0};

    /* After a failure, which the observer has not heard of yet, nothing is there to be told. */
    if (agent->part.runs && sl_part_tell(&agent->part, command, data, size, &err))
        fail_part(agent, &err);
}

static void on_stop(struct agent *agent, uint64_t trial)
{
    sl_part_end(&agent->part);
    atomic_store(&agent->trial, trial);
    reply(agent, SL_WIRE_KIND_STOPPED, atomic_load(&agent->run), NULL);
}

/* A message of the observer that it works for, with its whole body. */
static void on_work(struct agent *agent, const struct sl_wire_header *header)
{
    const struct sl_packer *body = &agent->body.bytes;
    uint64_t trial = atomic_load(&agent->trial);
    bool same_trial = header->trial == trial;

    if (header->kind == SL_WIRE_KIND_DISMISS) {
        say(agent, "the run of %s is over", agent->observer);
        leave_run(agent, SL_OK);
    } else if (header->kind == SL_WIRE_KIND_STOP) {
        on_stop(agent, header->trial);
    } else if (header->kind == SL_WIRE_KIND_OPEN && header->trial > trial) {
        on_open(agent, header->trial, body->data, body->size);
    } else if (header->kind == SL_WIRE_KIND_GO && same_trial) {
        on_tell(agent, SL_AGENT_GO, NULL, 0);
    } else if (header->kind == SL_WIRE_KIND_OUTCOMES && same_trial) {
        on_tell(agent, SL_AGENT_OUTCOMES, body->data, body->size);
    } else if (header->kind == SL_WIRE_KIND_CLOSE && same_trial) {
        on_tell(agent, SL_AGENT_CLOSE, NULL, 0);
    }
}

static void on_message(struct agent *agent, const struct sl_link_message *message)
{
    struct sl_unpacker unpacker = {.at = message->data, .left = message->size};
    struct sl_wire_header header;

    if (!sl_wire_unpack_header(&unpacker, &header) || header.run == 0)
        return;
    if (header.protocol != SL_WIRE_PROTOCOL)
        on_foreign(agent, &header);
    else if (header.kind == SL_WIRE_KIND_CALL)
        on_call(agent, &header);
    else if (header.kind == SL_WIRE_KIND_HIRE && header.agent == agent->id)
        on_hire(agent, &header);
    else if (header.run == atomic_load(&agent->run) && header.agent == agent->id &&
             sl_wire_body_add(&agent->body, &header, &unpacker))
        on_work(agent, &header);
}

static void tell_stage(struct agent *agent)
{
    struct sl_packer body = {0};

    sl_pack_number(&body, agent->part.stage);
    if (agent->part.stage >= SL_AGENT_LOADED)
        sl_pack_bytes(&body, agent->part.tally.data, agent->part.tally.size);
    reply(agent, SL_WIRE_KIND_STAGE, atomic_load(&agent->run), &body);
    sl_packer_release(&body);
}

static void on_subject(struct agent *agent)
{
    struct sl_error err = {0};
    bool new_stage = false;

    if (sl_part_step(&agent->part, &new_stage, &err))
        fail_part(agent, &err);
    else if (new_stage)
        tell_stage(agent);
}

static void look_for_silence(struct agent *agent)
{
    uint64_t heard_ns = atomic_load(&agent->heard_ns), now_ns = sl_clock_now_ns();

    if (!atomic_load(&agent->run))
        return;
    if (agent->opts->max_ns && now_ns - agent->began_ns > agent->opts->max_ns) {
        say(agent, "%s takes too long: its run is dropped", agent->observer);
        reply_text(agent, SL_WIRE_KIND_LEAVE, atomic_load(&agent->run), "a trial took too long");
        leave_run(agent, SL_ETIMEDOUT);
        return;
    }
    if (now_ns < heard_ns + SL_PEER_SILENCE_NS)
        return;
    say(agent, "%s has not been heard of for %llu s: its run is dropped", agent->observer,
        (unsigned long long) (SL_PEER_SILENCE_NS / SL_NS_PER_S));
    leave_run(agent, SL_EGONE);
}

static enum sl_status serve(struct agent *agent, struct sl_error *err)
{
    while (!agent->done) {
        struct pollfd fds[] = {{.fd = agent->opts->wake_fd, .events = POLLIN},
                               {.fd = sl_link_fd(agent->peer.link), .events = POLLIN},
                               {.fd = sl_part_fd(&agent->part), .events = POLLIN}};
        int ready = poll(fds, SL_COUNT_OF(fds), LOOK_MS);
        enum sl_status status = ready > 0 ? sl_wake_look(fds[0].revents, err) : SL_OK;
        if (status)
            return status == SL_ECLOSED ? SL_OK : status;
        struct sl_link_message *message =
            ready > 0 && fds[1].revents ? sl_link_take(agent->peer.link) : NULL;
        if (message)
            on_message(agent, message);
        free(message);
        /* The message may have ended this subject, or begun another one. */
        if (ready > 0 && fds[2].revents && fds[2].fd == sl_part_fd(&agent->part) && !message)
            on_subject(agent);
        look_for_silence(agent);
    }
    return agent->status ? sl_fail(err, agent->status, "the observer fell silent, or took too long")
                         : SL_OK;
}

static void describe(struct agent *agent)
{
    struct sl_wire_offer *offer = &agent->offer;

    if (gethostname(offer->host, sizeof offer->host - 1) < 0 || !offer->host[0])
        (void) snprintf(offer->host, sizeof offer->host, "unknown");
    offer->pid = (uint64_t) getpid();
    offer->part = agent->opts->part;
    if (agent->opts->name)
        (void) snprintf(offer->name, sizeof offer->name, "%s", agent->opts->name);
    else
        (void) snprintf(offer->name, sizeof offer->name, "%.40s-%ld", offer->host, (long) getpid());
    sl_clock_name(offer->clock, sizeof offer->clock);
}

enum sl_status sl_agent_run(const struct sl_agent_opts *opts, struct sl_error *err)
{
    struct agent agent = {.opts = opts};
    char subject[SL_WIRE_SUBJECT_MAX];

    describe(&agent);
    sl_part_init(&agent.part);
    if (getrandom(&agent.id, sizeof agent.id, 0) != sizeof agent.id)
        return sl_fail_errno(err, "cannot make an id");
    sl_wire_agent_subject(agent.id, subject);
    sl_peer_name(&agent.peer, agent.offer.name, agent.offer.host);
    const struct sl_link_opts link = {.servers = opts->servers,
                                      .credentials = opts->credentials,
                                      .name = "strandline agent",
                                      .subjects = {SL_WIRE_CALL, subject},
                                      .intercept = intercept,
                                      .user = &agent};
    enum sl_status status = sl_link_open(&link, &agent.peer.link, err);
    if (status)
        return status;
    say(&agent, "agent '%s' waits for a run", agent.offer.name);
    status = serve(&agent, err);
    sl_part_end(&agent.part);
    if (atomic_load(&agent.run))
        reply_text(&agent, SL_WIRE_KIND_LEAVE, atomic_load(&agent.run), "was ended");
    sl_link_close(agent.peer.link);
    sl_packer_release(&agent.body.bytes);
    return status;
}
