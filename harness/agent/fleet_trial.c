/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/agent/fleet_trial.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "harness/agent/fleet_heart.h"
#include "harness/agent/wire_config.h"

#define STOP_NS (5 * SL_NS_PER_S) /* for agents to end their subjects */
/* After a look in vain another one is short, so that a run of many trials ends. */
#define SHORT_WAIT_NS (2 * SL_NS_PER_S)

static void reset_member(struct member *member)
{
    member->told_to_open = false;
    member->stage = SL_AGENT_IDLE;
    member->stopped = false;
    sl_tally_free(SL_TAKE(member->tally));
    member->body.next = 0;
}

/* Agents that ended or fell silent between two trials are no failure of the next one. */
static void forget_lost(struct sl_fleet *fleet)
{
    (void) !fleet->agents.look(fleet, NULL);
    fleet->failure[0] = '\0';
}

static enum sl_status
fleet_begin(void *user, const struct sl_subject_config *config, struct sl_error *err)
{
    struct sl_fleet *fleet = user;

    fleet->trial++;
    fleet->config = *config;
    for (size_t i = 0; i < fleet->n_members; i++)
        reset_member(&fleet->members[i]);
    forget_lost(fleet);
    enum sl_status status =
        fleet_hire(fleet, fleet->short_handed ? SHORT_WAIT_NS : fleet->wait_ns, err);
    fleet->short_handed = status == SL_ENOENT;
    for (size_t i = 0; !status && i < fleet->n_members; i++) {
        struct member *member = &fleet->members[i];
        fleet_heart_measure_clock(fleet, member);
        pthread_mutex_lock(&fleet->mutex);
        member->before = member->clock;
        pthread_mutex_unlock(&fleet->mutex);
        if (!fleet_heart_has_our_clock(member) && !member->before.n_samples)
            status = sl_fail(err, SL_ECONNECT, "agent '%s' on %s: does not tell its time",
                             member->offer.name, member->offer.host);
    }
    return status;
}

static void send_config(struct sl_fleet *fleet, struct member *member)
{
    struct sl_subject_config *config = &fleet->config;
    struct sl_packer body = {0};

    config->share = (struct sl_load_share){
        .part = member->part,
        /* The local subject is the first consumer. */
        .number = member->number + (member->part == SL_PART_CONSUME),
        .of = fleet->agents.n_of[member->part] + (member->part == SL_PART_CONSUME),
        .clock_offset_ns = fleet_heart_has_our_clock(member) ? 0 : member->before.offset_ns,
    };
    sl_wire_pack_config(config, &body);
    fleet_send(fleet, member, SL_WIRE_KIND_OPEN, &body);
    sl_packer_release(&body);
    member->told_to_open = true;
}

static enum sl_status fleet_tell(void *user, enum sl_load_part part, enum sl_agent_command command,
                                 const void *data, size_t size, struct sl_error *err)
{
    static const enum sl_wire_kind kinds[] = {[SL_AGENT_OPEN] = SL_WIRE_KIND_OPEN,
                                              [SL_AGENT_GO] = SL_WIRE_KIND_GO,
                                              [SL_AGENT_OUTCOMES] = SL_WIRE_KIND_OUTCOMES,
                                              [SL_AGENT_CLOSE] = SL_WIRE_KIND_CLOSE};
    struct sl_fleet *fleet = user;
    struct sl_packer body = {0};

    sl_pack_bytes(&body, data, size);
    if (body.failed)
        return sl_fail(err, SL_ENOMEM, "out of memory for a message");
    for (size_t i = 0; i < fleet->n_members; i++) {
        struct member *member = &fleet->members[i];
        if (member->part != part || member->state != MEMBER_HIRED)
            continue;
        if (command == SL_AGENT_OPEN)
            send_config(fleet, member);
        else
            fleet_send(fleet, member, kinds[command], &body);
    }
    sl_packer_release(&body);
    return SL_OK;
}

static enum sl_status fleet_look(void *user, struct sl_error *err)
{
    struct sl_fleet *fleet = user;
    uint64_t now_ns;

    while (fleet_take(fleet))
        ;
    now_ns = sl_clock_now_ns();
    for (size_t i = 0; i < fleet->n_members; i++) {
        struct member *member = &fleet->members[i];
        pthread_mutex_lock(&fleet->mutex);
        bool silent = member->state == MEMBER_HIRED && member->heard_ns < now_ns &&
                      now_ns - member->heard_ns > SL_PEER_SILENCE_NS;
        pthread_mutex_unlock(&fleet->mutex);
        if (silent)
            fleet_lose(fleet, member, "has not been heard of any more");
    }
    return fleet->failure[0] ? sl_fail(err, SL_ECONNECT, "%s", fleet->failure) : SL_OK;
}

static const char *fleet_lagging(void *user, enum sl_load_part part, enum sl_agent_stage stage)
{
    const struct sl_fleet *fleet = user;

    for (size_t i = 0; i < fleet->n_members; i++)
        if (fleet->members[i].part == part && fleet->members[i].stage < stage)
            return fleet->members[i].offer.name;
    return NULL;
}

static enum sl_status
fleet_merge(void *user, enum sl_load_part part, struct sl_tally *into, struct sl_error *err)
{
    struct sl_fleet *fleet = user;
    enum sl_status status = SL_OK;

    for (size_t i = 0; !status && i < fleet->n_members; i++) {
        const struct member *member = &fleet->members[i];
        if (member->part != part)
            continue;
        status = member->tally ? sl_tally_merge(into, member->tally, err)
                               : sl_fail(err, SL_EPROTO, "nothing was told");
        if (status)
            sl_error_prefix(err, "agent '%s' on %s", member->offer.name, member->offer.host);
    }
    return status;
}

/* Does an agent still have a subject? */
static bool plays(const struct member *member)
{
    return member->state == MEMBER_HIRED && member->told_to_open &&
           member->stage != SL_AGENT_CLOSED && !member->stopped;
}

static bool anyone_plays(const struct sl_fleet *fleet)
{
    for (size_t i = 0; i < fleet->n_members; i++)
        if (plays(&fleet->members[i]))
            return true;
    return false;
}

/* What they leave on the broker is removed next, so they must not make more of it. */
static void stop_all(struct sl_fleet *fleet)
{
    uint64_t until_ns = sl_clock_now_ns() + STOP_NS, left_ns;

    for (size_t i = 0; i < fleet->n_members; i++)
        if (plays(&fleet->members[i]))
            fleet_send(fleet, &fleet->members[i], SL_WIRE_KIND_STOP, NULL);
    while (anyone_plays(fleet) && (left_ns = sl_clock_left_ns(until_ns))) {
        struct pollfd fd = {.fd = fleet->agents.fd, .events = POLLIN};
        struct timespec left = sl_clock_to_timespec(SL_MIN(left_ns, 200 * SL_NS_PER_MS));
        (void) ppoll(&fd, 1, &left, NULL);
        (void) !fleet_look(fleet, NULL);
    }
}

/* How well the clock of an agent was known: half a round trip, and what it went astray meanwhile.
 */
static uint64_t uncertainty_of(struct sl_fleet *fleet, struct member *member)
{
    struct sl_clock_estimate after;

    if (fleet_heart_has_our_clock(member))
        return 0;
    if (member->state == MEMBER_HIRED)
        fleet_heart_measure_clock(fleet, member);
    pthread_mutex_lock(&fleet->mutex);
    after = member->clock;
    pthread_mutex_unlock(&fleet->mutex);
    if (!after.n_samples)
        return member->before.uncertainty_ns;
    int64_t astray_ns = after.offset_ns - member->before.offset_ns;
    return member->before.uncertainty_ns + (uint64_t) (astray_ns < 0 ? -astray_ns : astray_ns);
}

static void describe_member(const struct member *member, uint64_t uncertainty_ns,
                            struct sl_arena *arena, struct sl_agent_result *ret_agent)
{
    const char *none = "the agent told nothing";
    struct sl_load_counts counts = {0};
    struct sl_latency_summary publish = {0}, end_to_end = {0};

    if (member->tally) {
        sl_tally_count(member->tally, &counts);
        sl_histogram_summarize(member->tally->publish_latency, &publish);
        sl_histogram_summarize(member->tally->end_to_end, &end_to_end);
    }
#define TOLD(number) (member->tally ? SL_VALUE(number) : SL_MISSING_VALUE(none))
    *ret_agent = (struct sl_agent_result){
        .name = sl_arena_strdup(arena, member->offer.name),
        .host = sl_arena_strdup(arena, member->offer.host),
        .role = sl_peer_role(member->part),
        .pid = member->offer.pid,
        .published = TOLD(member->part == SL_PART_PUBLISH ? counts.published : 0),
        .handled = TOLD(counts.handled),
        .publish_samples = TOLD(publish.count),
        .end_to_end_samples = TOLD(end_to_end.count),
        .clock = {.offset_ns = member->before.offset_ns,
                  .uncertainty_ns = SL_VALUE(uncertainty_ns)},
    };
#undef TOLD
}

static uint64_t fleet_end(void *user, struct sl_arena *arena,
                          const struct sl_agent_result **ret_agents, size_t *ret_n_agents)
{
    struct sl_fleet *fleet = user;
    uint64_t worst_ns[SL_N_PARTS] = {0};
    struct sl_agent_result *agents = sl_arena_array(arena, fleet->n_members, sizeof *agents);
    size_t n = 0;

    stop_all(fleet);
    for (size_t i = 0; i < fleet->n_members; i++) {
        struct member *member = &fleet->members[i];
        if (!member->offer.name[0])
            continue;
        uint64_t uncertainty_ns = uncertainty_of(fleet, member);
        worst_ns[member->part] = SL_MAX(worst_ns[member->part], uncertainty_ns);
        if (agents)
            describe_member(member, uncertainty_ns, arena, &agents[n++]);
    }
    *ret_agents = agents;
    *ret_n_agents = n;
    return worst_ns[SL_PART_PUBLISH] + worst_ns[SL_PART_CONSUME];
}

void fleet_trial_fill(struct sl_fleet *fleet)
{
    fleet->agents.user = fleet;
    fleet->agents.fd = sl_link_fd(fleet->peer.link);
    fleet->agents.begin = fleet_begin;
    fleet->agents.tell = fleet_tell;
    fleet->agents.look = fleet_look;
    fleet->agents.lagging = fleet_lagging;
    fleet->agents.merge = fleet_merge;
    fleet->agents.end = fleet_end;
}
