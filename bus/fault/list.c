/* SPDX-License-Identifier: Apache-2.0 */
/* The faults in the order of their catalogue: leaks, deadlocks, panics, loss, order, speed. */
#include <stddef.h>

#include <strandline/bus_fault.h>

#include "bus/engine/faults.h"

static const struct bus_fault_info infos[N_FAULTS + 1] = {
#ifdef BUS_FAULTS
    [FAULT_POOL_NOT_STOPPED] = {.name = "pool-not-stopped",
                                .id = "-",
                                .mechanism = "Close neither stops nor joins the workers",
                                .expected = "every worker stays, parked in queue_pop",
                                .effect = {"queue_pop", "parked", .count = BUS_FAULT_PER_WORKER}},
    [FAULT_IDLE_DOUBLE_POOL] =
        {.name = "idle-double-pool",
         .id = "L1",
         .keys = "workers",
         .mechanism =
             "a subscribed topic gets a second pool of workers, as many as the bus has per "
             "pool unless 'workers' says otherwise, and nothing is ever queued with them",
         .expected =
             "topics x workers more threads at the peak, and their memory; no leak, because "
             "Close joins them"},
    [FAULT_ORPHAN_FETCHER] =
        {.name = "orphan-fetcher",
         .id = "L2",
         .mechanism = "Close neither stops nor joins the fetchers",
         .expected = "one thread per topic stays, failing to fetch and sleeping 1 s in turn",
         .effect = {"fetcher_back_off", "retrying", .count = BUS_FAULT_PER_TOPIC}},
    [FAULT_UNJOINED_DISPATCHER] =
        {.name = "unjoined-dispatcher",
         .id = "L3",
         .mechanism = "the thread between fetchers and workers is never joined",
         .absent =
             "fetchers queue with the workers themselves, so there is no such thread; what it "
             "did when it stayed, waiting for room in a queue that nobody empties any more, "
             "is blocked-submitter"},
    [FAULT_BLOCKED_SUBMITTER] =
        {.name = "blocked-submitter",
         .id = "L4",
         .mechanism = "a fetcher waits for room in a full queue without looking whether the bus is "
                      "closing or the worker has left",
         .expected = "once a worker hangs: Close times out, the fetcher stays in fault_wait_room",
         .effect = {"fault_wait_room", "queue-blocked", .count = BUS_FAULT_CAUGHT,
                    .hang = BUS_FAULT_TIMES_OUT, .loss = true}},
    [FAULT_LOST_COMPLETION] =
        {.name = "lost-completion",
         .id = "L5",
         .keys = "nth=100,prob,count,topic",
         .mechanism = "a fetcher waits for the completion of each message, and that of some is "
                      "never told",
         .expected = "the load stalls, accepted messages are not handled, Close times out, the "
                     "fetchers stay in fault_wait_done",
         .effect = {"fault_wait_done", "parked", .count = BUS_FAULT_CAUGHT,
                    .hang = BUS_FAULT_TIMES_OUT, .loss = true}},
    [FAULT_THREAD_PER_PUBLISH] =
        {.name = "thread-per-publish",
         .id = "L6",
         .keys = "nth=1,prob,count,topic",
         .mechanism = "a publish starts a detached thread that waits for the answer, which never "
                      "reaches it, without a time-out",
         .expected = "one thread per publish stays, parked in fault_wait_answer",
         .effect = {"fault_wait_answer", "parked", .count = BUS_FAULT_PER_STRIKE}},
    [FAULT_HELPER_THREAD_PER_BUS] =
        {.name = "helper-thread-per-bus",
         .id = "L7",
         .mechanism = "opening a bus starts a helper thread that nothing ends",
         .expected = "one more thread per bus that was opened, parked in fault_helper_wait",
         .effect = {"fault_helper_wait", "parked", .count = BUS_FAULT_ONE}},
    [FAULT_FETCHERS_SURVIVE_RECONNECT] =
        {.name = "fetchers-survive-reconnect",
         .id = "L8",
         .transport = "nats",
         .mechanism =
             "after a reconnect a topic gets a new fetcher, and the old one is not stopped",
         .expected = "one more thread per topic and reconnect stays after Close; before it they "
                     "share a durable, as in shared-durable",
         .effect = {"fetcher_main", "unknown", .count = BUS_FAULT_CAUGHT}},
    [FAULT_MONITOR_NOT_STOPPED] =
        {.name = "monitor-not-stopped",
         .id = "L9",
         .mechanism = "Close neither stops nor joins the monitor",
         .expected = "the thread 'monitor' stays, waiting with a time-out of 0.5 s at most, and "
                     "keeps calling into the closed bus",
         .effect = {"monitor_", "retrying", .count = BUS_FAULT_ONE}},
    [FAULT_LATE_REGISTRATION] =
        {.name = "late-registration",
         .id = "L10",
         .keys = "topic",
         .mechanism = "a caller of subscribe finds the bus open, Close passes, then the caller "
                      "registers its fetcher without looking again",
         .expected = "one fetcher per topic stays that Close could not see, failing to fetch and "
                     "sleeping 1 s in turn",
         .effect = {"fetcher_back_off", "retrying", .count = BUS_FAULT_PER_TOPIC}},
    [FAULT_CLOSE_HOLDS_LOCK] =
        {.name = "close-holds-lock",
         .id = "D1",
         .mechanism =
             "Close joins the monitor while it holds the lock that the monitor needs to end",
         .expected = "Close never returns: it stands in ledger_join under fault_join_under_lock, "
                     "and the monitor waits for a mutex that Close owns",
         .effect = {"monitor_", "lock-blocked", .hang = BUS_FAULT_CLOSE_HANGS}},
    [FAULT_START_SELF_DEADLOCK] =
        {.name = "start-self-deadlock",
         .id = "D2",
         .mechanism =
             "open starts the health check with the bus's lock held, and starting it takes "
             "the same lock",
         .expected =
             "open never returns: the caller waits in fault_start_check for a mutex that it "
             "owns itself",
         .effect = {"fault_start_check", "deadlock", .hang = BUS_FAULT_OPEN_HANGS}},
    [FAULT_HEALTH_STOP_HOLDS_LOCK] =
        {.name = "health-stop-holds-lock",
         .id = "D3",
         .mechanism = "stopping the health check waits for its loop with the lock held that the "
                      "loop's reconnect takes",
         .absent = "the monitor connects to nothing, the client library reconnects by itself; a "
                   "join with the lock held that the joined thread needs is close-holds-lock"},
    [FAULT_RECONNECT_SELF_DEADLOCK] =
        {.name = "reconnect-self-deadlock",
         .id = "D4",
         .mechanism = "the bus's own reconnect holds the lock that it takes again to subscribe",
         .absent = "the bus has no reconnect of its own, the client library's takes no lock of the "
                   "bus; a lock taken twice by one thread is start-self-deadlock"},
    [FAULT_CLOSE_LOCKS_OUT_HANDLERS] =
        {.name = "close-locks-out-handlers",
         .id = "D5",
         .mechanism = "handlers publish, and workers when they end, which needs a lock for "
                      "reading, and Close joins the workers while it holds that lock for writing",
         .expected =
             "Close never returns: it stands in ledger_join under fault_end_pools_locked, and "
             "the workers wait for a lock in fault_publish_locked",
         .effect = {"fault_publish_locked", "lock-blocked", .hang = BUS_FAULT_CLOSE_HANGS}},
    [FAULT_CLOSE_WAITS_FOR_ACKS] =
        {.name = "close-waits-for-acks",
         .id = "D6",
         .keys = "nth=100,prob,count",
         .mechanism = "the answers to some publishes are lost, and Close waits for them without a "
                      "bound",
         .expected = "Close never returns: it stands in fault_wait_acks, parked",
         .effect = {"fault_wait_acks", "parked", .hang = BUS_FAULT_CLOSE_HANGS}},
    [FAULT_FREE_BEFORE_JOIN] =
        {.name = "free-before-join",
         .id = "P1",
         .mechanism = "Close frees the queues before the threads that use them are joined",
         .expected = "the process crashes, at the latest when the bus is freed; AddressSanitizer "
                     "names the use",
         .effect = {.crash = true}},
    [FAULT_SPAWN_WHILE_CLOSING] = {.name = "spawn-while-closing",
                                   .id = "P2",
                                   .mechanism =
                                       "a worker is started after Close has joined the workers",
                                   .expected = "one worker stays, parked in queue_pop",
                                   .effect = {"queue_pop", "parked", .count = BUS_FAULT_ONE}},
    [FAULT_ACK_ON_ERROR] =
        {.name = "ack-on-error",
         .id = "M1",
         .keys = "nth=10,prob,count,topic",
         .mechanism = "a message is acknowledged although its handler failed; the fault makes some "
                      "calls fail before they reach the handler",
         .expected = "as many messages are lost as calls failed",
         .effect = {.loss = true}},
    [FAULT_ACK_WITHOUT_HANDLER] =
        {.name = "ack-without-handler",
         .id = "M2",
         .mechanism = "Close takes the handlers away before it stops the fetchers, and a message "
                      "without a handler is acknowledged",
         .expected = "Close under load loses what was taken from the broker and not handled",
         .effect = {.loss = true}},
    [FAULT_CANCELLED_CONTEXT] =
        {.name = "cancelled-context",
         .id = "M3",
         .mechanism = "a handler gets a context that its submitter has cancelled already",
         .absent = "a handler gets no context, and nothing else that could be cancelled"},
    [FAULT_LIMITS_EAT_UNREAD] =
        {.name = "limits-eat-unread",
         .id = "M4",
         .transport = "nats",
         .keys = "limit=10000",
         .mechanism = "a stream keeps so many messages and drops its oldest, read or not",
         .expected = "what piles up beyond the limit while the handlers are slow is lost",
         .effect = {.loss = true}},
    [FAULT_RESULTS_DROPPED] =
        {.name = "results-dropped",
         .id = "M5",
         .keys = "nth=10,prob,count",
         .mechanism = "the outcome of some publishes is dropped and nobody is told",
         .expected = "fewer outcomes were reported than messages published: latency.publish.count "
                     "is below delivery.published",
         .effect = {.unanswered = true}},
    [FAULT_SILENT_DOWNGRADE] =
        {.name = "silent-downgrade",
         .id = "M6",
         .transport = "nats",
         .keys = "topic",
         .mechanism = "a topic's stream could not be made sure of, so its messages are published "
                      "without one, and that counts as accepted",
         .expected = "messages that were accepted are lost: no stream ever had them",
         .effect = {.loss = true}},
    [FAULT_SHARED_DURABLE] =
        {.name = "shared-durable",
         .id = "O1",
         .transport = "nats",
         .keys = "delay=20ms",
         .mechanism = "two fetchers of a topic share its durable, neither minds the gaps that it "
                      "sees, and one queues what it took after "
                      "'delay'",
         .expected = "under a load of some duration messages of a key overtake each other: "
                     "order violations",
         .effect = {.disorder = true}},
    [FAULT_REDELIVERY_REORDERS] =
        {.name = "redelivery-reorders",
         .id = "O2",
         .keys = "nth=10,prob,count,topic",
         .mechanism = "a failed message goes back to the broker and its key is not held; the fault "
                      "makes some calls fail before they reach the handler",
         .expected = "later messages of the key pass: order violations, nothing lost",
         .effect = {.disorder = true}},
    [FAULT_KEY_SPLIT] =
        {.name = "key-split",
         .id = "O3",
         .keys = "nth=10,prob,count,topic,delay=20ms",
         .mechanism = "some messages of a key are published by a second thread, 'delay' later",
         .expected = "messages of a key are stored out of order: order violations",
         .effect = {.disorder = true}},
    [FAULT_SERIALISED_POOL] =
        {.name = "serialised-pool",
         .id = "S1",
         .mechanism = "a fetcher takes one message at a time and waits until it is handled",
         .expected = "at most one worker per topic is busy, so that the rate is at most topics / "
                     "handler time"},
    [FAULT_LOG_STORM] = {.name = "log-storm",
                         .id = "S2",
                         .keys = "nth=1,prob,count,topic",
                         .mechanism = "a line is logged per message, to standard error",
                         .expected =
                             "CPU time and a write per message; the harness judges neither"},
    [FAULT_CLOSE_SKIPPED] =
        {.name = "close-skipped",
         .id = "H1",
         .mechanism = "Close returns at once and does nothing, as if it was measured before it ran",
         .expected = "every thread stays and each group's cause is not-closed, because the "
                     "connection or the broker is alive",
         .effect = {.cause = "not-closed", .count = BUS_FAULT_ALL}},
#endif
};

const struct bus_fault_info *bus_faults(void)
{
    return infos;
}
