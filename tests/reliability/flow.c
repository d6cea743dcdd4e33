/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conservation: messages flow while servers, publishers and consumers die.
 *
 * Whatever happens, in the end every message that was accepted has been handled, in the
 * order of its key, and no consumer process handled one twice.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <nats/nats.h>

#include "base/clock.h"
#include "base/macros.h"
#include "bus_process.h"
#include "harness/server/server.h"
#include "scenario.h"
#include "server_harm.h"
#include "until.h"

#define ACK_WAIT_NS   (4 * SL_NS_PER_S)
#define HANDLER_NS    (SL_NS_PER_MS / 2)
#define PATIENCE_NS   (60 * SL_NS_PER_S)
#define BETWEEN_NS    (700 * SL_NS_PER_MS) /* of flow between two kills */
#define PAUSE_NS      (5 * SL_NS_PER_S)
#define LEADER_STREAM BUS_PROCESS_PREFIX "orders"

struct flow {
    struct outcome *outcome;
    struct sl_server *server;
    struct tally *tally;
    struct bus_process_plan plan;
    pid_t publisher, consumer; /* the same when one process does both; 0 none */
    unsigned n_done;           /* kills, pauses */
};

/* @return false when there is nothing to play on; the outcome says why */
static bool flow_begin(struct flow *flow, unsigned nodes, enum bus_mode mode)
{
    const struct sl_server_opts opts = {.nodes = nodes};
    struct sl_error err = {0};

    enum sl_status status = sl_server_start(&opts, &flow->server, &err);
    if (status) {
        flow->outcome->skipped = status == SL_ENOENT;
        outcome_fail(flow->outcome, "%s", err.text);
        return false;
    }
    flow->tally = tally_new();
    if (!flow->tally) {
        outcome_fail(flow->outcome, "no shared memory");
        return false;
    }
    flow->plan = (struct bus_process_plan){
        .tally = flow->tally,
        .servers = sl_server_url(flow->server),
        .mode = mode,
        .replicas = nodes,
        .ack_wait_ns = ACK_WAIT_NS,
        .handler_ns = HANDLER_NS,
    };
    return true;
}

/* Start a process and wait until its bus is open. */
static pid_t start(struct flow *flow, unsigned roles)
{
    unsigned before = atomic_load(&flow->tally->ready);

    pid_t pid = bus_process_start(&flow->plan, roles);
    (void) sl_test_until(atomic_load(&flow->tally->ready) != before || flow->tally->failure[0],
                         PATIENCE_NS);
    if (atomic_load(&flow->tally->ready) == before)
        outcome_fail(flow->outcome, "a process could not open its bus: %s", flow->tally->failure);
    return pid;
}

static uint64_t n_handled(const struct flow *flow)
{
    struct tally_counts counts;
    tally_count(flow->tally, &counts);
    return counts.handled;
}

/* Wait until messages flow: more of them are handled than now. */
static void await_flow(struct flow *flow)
{
    uint64_t deadline_ns = sl_clock_now_ns() + PATIENCE_NS;
    uint64_t before = n_handled(flow);

    while (n_handled(flow) < before + 100 && !flow->outcome->failed) {
        if (sl_clock_now_ns() >= deadline_ns)
            outcome_fail(flow->outcome, "nothing flows any more after %u of them", flow->n_done);
        sl_clock_sleep_ns(5 * SL_NS_PER_MS);
    }
}

static void await_all_handled(struct flow *flow)
{
    struct tally_counts counts;

    (void) sl_test_until((tally_count(flow->tally, &counts), counts.lost == 0), PATIENCE_NS);
}

static void end_process(struct flow *flow, pid_t pid, const char *what)
{
    if (pid > 0 && !bus_process_wait(pid, PATIENCE_NS))
        outcome_fail(flow->outcome, "the %s did not end well: %s", what, flow->tally->failure);
}

static void judge(struct flow *flow, const struct tally_counts *counts)
{
    const struct tally *tally = flow->tally;
    struct outcome *outcome = flow->outcome;

    if (counts->lost)
        outcome_fail(outcome, "%llu messages were lost", (unsigned long long) counts->lost);
    if (tally->violations || tally->overlaps)
        outcome_fail(outcome, "order: %u late, %u at once", tally->violations, tally->overlaps);
    if (tally->repeated_within)
        outcome_fail(outcome, "%u were handled twice by one process", tally->repeated_within);
    if (tally->repeated_over && tally->generation == 1)
        outcome_fail(outcome, "%u were handled twice", tally->repeated_over);
    if (tally->foreign)
        outcome_fail(outcome, "%u deliveries of what was never published", tally->foreign);
    if (tally->publish_failures)
        outcome_fail(outcome, "%u calls of publish failed: %s", tally->publish_failures,
                     tally->failure);
    if (!counts->handled)
        outcome_fail(outcome, "nothing was handled at all");
}

/* The publisher ends, then what it published is handled, then the consumer ends. */
static void flow_end(struct flow *flow)
{
    struct tally_counts counts = {0};

    if (flow->tally) {
        atomic_store(&flow->tally->stop_publishing, true);
        end_process(flow, flow->publisher, "publisher");
        await_all_handled(flow);
        atomic_store(&flow->tally->stop_consuming, true);
        end_process(flow, flow->consumer, "consumer");
        tally_count(flow->tally, &counts);
        judge(flow, &counts);
        (void) snprintf(flow->outcome->figures, sizeof flow->outcome->figures,
                        "times=%u tried=%llu accepted=%llu unknown=%llu unanswered=%llu "
                        "handled=%llu lost=%llu order=%u repeated=%u",
                        flow->n_done, (unsigned long long) counts.tried,
                        (unsigned long long) counts.accepted, (unsigned long long) counts.unknown,
                        (unsigned long long) counts.open, (unsigned long long) counts.handled,
                        (unsigned long long) counts.lost,
                        flow->tally->violations + flow->tally->overlaps,
                        flow->tally->repeated_within + flow->tally->repeated_over);
        tally_free(flow->tally);
    }
    sl_server_stop(flow->server);
}

static void restart_server(struct flow *flow)
{
    struct sl_error err = {0};
    if (sl_server_restart(flow->server, &err))
        outcome_fail(flow->outcome, "the server did not start again: %s", err.text);
}

/* `strike` again and again while messages flow, on so many nodes. */
static void play(struct outcome *outcome, unsigned count, unsigned nodes, enum bus_mode mode,
                 void (*strike)(struct flow *flow))
{
    struct flow flow = {.outcome = outcome};

    if (flow_begin(&flow, nodes, mode)) {
        flow.consumer = start(&flow, BUS_CONSUMES);
        flow.publisher = start(&flow, BUS_PUBLISHES);
    }
    while (flow.n_done < count && !outcome->failed) {
        await_flow(&flow);
        strike(&flow);
        flow.n_done++;
    }
    flow_end(&flow);
}

static void kill_server(struct flow *flow)
{
    sl_clock_sleep_ns(BETWEEN_NS);
    server_harm_kill(flow->server, 0);
    sl_clock_sleep_ns(flow->n_done % 5 * 100 * SL_NS_PER_MS);
    restart_server(flow);
}

/* Number of the node that leads the stream, from 0; -1: none does. */
static int find_leader(const struct flow *flow)
{
    natsConnection *connection = NULL;
    jsCtx *context = NULL;
    jsStreamInfo *info = NULL;
    int leader = -1;

    if (!natsConnection_ConnectTo(&connection, sl_server_url(flow->server)) &&
        !natsConnection_JetStream(&context, connection, NULL) &&
        !js_GetStreamInfo(&info, context, LEADER_STREAM, NULL, NULL) && info->Cluster &&
        info->Cluster->Leader)
        (void) sscanf(info->Cluster->Leader, "n%d", &leader); /* nodes are named n1, n2... */
    jsStreamInfo_Destroy(info);
    jsCtx_Destroy(context);
    natsConnection_Destroy(connection);
    return leader > 0 ? leader - 1 : -1;
}

/* Kill the leader of a stream; the rest has to elect another one, and gets it back then. */
static void kill_leader(struct flow *flow)
{
    sl_clock_sleep_ns(BETWEEN_NS);
    int leader = find_leader(flow);
    if (leader < 0) {
        outcome_fail(flow->outcome, "the stream has no leader");
        return;
    }
    server_harm_kill(flow->server, (unsigned) leader);
    await_flow(flow); /* with two nodes */
    restart_server(flow);
}

static void pause_server(struct flow *flow)
{
    server_harm_pause(flow->server, 0);
    sl_clock_sleep_ns(PAUSE_NS); /* the event, not a wait for one */
    server_harm_resume(flow->server, 0);
    await_flow(flow);
}

static void kill_publisher(struct flow *flow)
{
    sl_clock_sleep_ns(BETWEEN_NS / 4);
    bus_process_kill(flow->publisher);
    flow->publisher = start(flow, BUS_PUBLISHES);
}

static void kill_consumer(struct flow *flow)
{
    sl_clock_sleep_ns(BETWEEN_NS / 4);
    bus_process_kill(flow->consumer);
    flow->consumer = start(flow, BUS_CONSUMES);
}

#define SCENARIO(name, nodes, mode)                                                                \
    static void play_##name(unsigned count, struct outcome *outcome)                               \
    {                                                                                              \
        play(outcome, count, nodes, mode, name);                                                   \
    }
SCENARIO(kill_server, 1, BUS_UNIFIED)
SCENARIO(kill_leader, 3, BUS_KEYED)
SCENARIO(pause_server, 1, BUS_KEYED)
SCENARIO(kill_publisher, 1, BUS_UNIFIED)
SCENARIO(kill_consumer, 1, BUS_UNIFIED)

const struct scenario flow_scenarios[] = {
    {"server-kill", "kill -9 and restart of the server, file storage", play_kill_server, 3, 20},
    {"leader-kill", "kill -9 of a stream's leader in a cluster of three", play_kill_leader, 1, 10},
    {"server-pause", "SIGSTOP of the server for 5 s", play_pause_server, 1, 3},
    {"publisher-kill", "kill -9 of the publishing process", play_kill_publisher, 3, 20},
    {"consumer-kill", "kill -9 of the consuming process, a new one goes on", play_kill_consumer, 3,
     20},
    {.name = NULL},
};
