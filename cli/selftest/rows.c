/* SPDX-License-Identifier: Apache-2.0 */
/* Each row with a load in which its fault strikes. */
#include "cli/selftest/selftest.h"

#include <string.h>

#include "base/clock.h"
#include "harness/plant/plant.h"

#define N_EVENTS 200
#define TOPICS   2
#define WORKERS  8
/* Workers, fetchers, monitor, broker. */
#define BUS_THREADS (WORKERS + TOPICS + 2)

#define MS(n) ((n) *SL_NS_PER_MS)
/* What a thread does is seen in this time. */
#define SETTLE_NS MS(1500)

/* clang-format off */
#define LOAD(...) \
    .load = {.events = N_EVENTS, .topics = TOPICS, .aggregates = 10, .payload = SL_PAYLOAD_MIN, \
             .publishers = 1, .settle_ns = SETTLE_NS, .timeout_ns = MS(20000), \
             .close_deadline_ns = MS(5000), __VA_ARGS__}
/* clang-format on */

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverride-init"
/* Nothing happens but messages. */
static const struct sl_scenario quiet = {
    .name = "quiet", LOAD(.timeout_ns = MS(2000), .close_deadline_ns = MS(500))};
/* All has room and is fetched long before Close, which finds a second's work, and does it. */
static const struct sl_scenario busy = {.name = "busy",
                                        LOAD(.aggregates = 40, .handler = SL_HANDLER_SLEEP,
                                             .handler_cost_ns = MS(60), .timeout_ns = MS(500),
                                             .close_deadline_ns = MS(10000))};
/* Every queue of a key fills up behind a handler call that never ends. */
static const struct sl_scenario hanging = {
    .name = "hanging",
    LOAD(.aggregates = 2, .handler = SL_HANDLER_HANG, .close_deadline_ns = MS(500))};
/* Messages of a key every 4 ms for 400 ms. */
static const struct sl_scenario paced = {.name = "paced",
                                         LOAD(.events = 400, .rate = 1000, .aggregates = 4)};
/* A handler call takes 10 ms. */
static const struct sl_scenario slow = {
    .name = "slow",
    LOAD(.events = 40, .aggregates = 40, .handler = SL_HANDLER_SLEEP, .handler_cost_ns = MS(10))};
/* More than the client asks for in advance. */
static const struct sl_scenario burst = {.name = "burst",
                                         LOAD(.events = 8000, .handler = SL_HANDLER_SLEEP,
                                              .handler_cost_ns = MS(1), .timeout_ns = MS(6000))};
#pragma GCC diagnostic pop

/* A load in which a fault strikes, where the quiet one is none, and keys with which it does. */
static const struct setting {
    const char *fault, *keys;
    const struct sl_scenario *scenario; /* NULL: nothing that this command can do makes it strike */
    uint32_t queue;
} settings[] = {
    {"blocked-submitter", "", &hanging, 16},
    {"lost-completion", ",nth=10", &quiet, 16},
    {"close-locks-out-handlers", "", &busy, 200},
    {"ack-without-handler", "", &busy, 200},
    {"limits-eat-unread", ",limit=100", &burst, 16},
    {"shared-durable", "", &paced, 16},
    {"redelivery-reorders", "", &paced, 16},
    {"key-split", "", &paced, 16},
    {"serialised-pool", "", &slow, 16},
    {"fetchers-survive-reconnect", "", NULL, 16},
};

static struct setting setting_of(const char *fault)
{
    for (size_t i = 0; i < SL_COUNT_OF(settings); i++)
        if (strcmp(settings[i].fault, fault) == 0)
            return settings[i];
    return (struct setting){fault, "", &quiet, 16};
}

static uint32_t threads_of(enum bus_fault_count count)
{
    static const uint32_t numbers[] = {
        [BUS_FAULT_ONE] = 1,
        [BUS_FAULT_PER_TOPIC] = TOPICS,
        [BUS_FAULT_PER_WORKER] = WORKERS,
        [BUS_FAULT_PER_STRIKE] = N_EVENTS,
        [BUS_FAULT_CAUGHT] = 1,
        [BUS_FAULT_ALL] = BUS_THREADS,
    };
    return numbers[count];
}

static struct selftest_row row_of(const char *kind, const char *name, const char *transport,
                                  const struct sl_scenario *scenario)
{
    return (struct selftest_row){
        .kind = kind,
        .name = name,
        .cell = {.scenario = scenario,
                 .mode = SL_MODE_UNIFIED,
                 .pool = {.workers = WORKERS, .queue = 16},
                 .transport = transport,
                 .trials = 1},
    };
}

static void add(struct selftest *selftest, const struct selftest_row *row)
{
    selftest->rows[selftest->n_rows++] = *row;
}

static void leave_out(struct selftest *selftest, const char *name, const char *reason)
{
    selftest->left_out[selftest->n_left_out++] = (struct selftest_left_out){name, reason};
}

/* @return false when memory is short */
static bool
add_fault(struct selftest *selftest, const struct bus_fault_info *fault, struct sl_arena *arena)
{
    const struct bus_fault_effect *effect = &fault->effect;
    struct setting setting = setting_of(fault->name);
    struct selftest_row row = row_of(
        "fault", fault->name, fault->transport ? fault->transport : "memory", setting.scenario);

    if (fault->absent || !setting.scenario) {
        leave_out(selftest, fault->name,
                  fault->absent ? fault->absent : "its server has to end under the load");
        return true;
    }
    row.cell.pool.queue = setting.queue;
    row.cell.fault = sl_arena_printf(arena, "%s%s", fault->name, setting.keys);
    uint32_t threads = threads_of(effect->count);
    bool hangs = effect->hang >= BUS_FAULT_CLOSE_HANGS;
    row.expected = (struct selftest_facts){
        .function = effect->function,
        .cause = effect->cause,
        .threads = hangs ? 1 : threads,
        .many_threads = hangs || effect->count == BUS_FAULT_CAUGHT,
        .leaked = threads,
        .hang = effect->hang,
        .lost = effect->loss,
        .disorder = effect->disorder,
        .crash = effect->crash,
        .unanswered = effect->unanswered,
    };
    add(selftest, &row);
    return row.cell.fault;
}

static void add_plant(struct selftest *selftest, const struct sl_plant *plant)
{
    struct selftest_row row = row_of("state", plant->name, "none", &quiet);

    row.cell.fault = plant->name;
    row.cell.planted = true;
    row.expected = (struct selftest_facts){
        .function = plant->function,
        .cause = plant->cause,
        .threads = plant->count,
        .leaked = plant->count + plant->others,
        .late = plant->late,
        .proof = plant->proof,
    };
    add(selftest, &row);
}

/* Nothing is wrong in these, so nothing may be found. */
static void add_clean(struct selftest *selftest)
{
    static const struct {
        const char *name, *transport;
        const struct sl_scenario *scenario;
        enum sl_mode mode;
    } loads[] = {
        {"unified", "memory", &quiet, SL_MODE_UNIFIED},
        {"keyed", "memory", &quiet, SL_MODE_KEYED},
        {"direct", "memory", &quiet, SL_MODE_DIRECT},
        {"paced", "memory", &paced, SL_MODE_UNIFIED},
        {"slow", "memory", &slow, SL_MODE_KEYED},
        {"unified-nats", "nats", &paced, SL_MODE_UNIFIED},
        {"keyed-nats", "nats", &quiet, SL_MODE_KEYED},
    };

    for (size_t i = 0; i < SL_COUNT_OF(loads); i++) {
        struct selftest_row row =
            row_of("clean", loads[i].name, loads[i].transport, loads[i].scenario);
        row.cell.mode = loads[i].mode;
        add(selftest, &row);
    }
}

bool selftest_list(struct sl_arena *arena, struct selftest *ret_selftest)
{
    size_t room = 16; /* for those where nothing is wrong */
    bool complete;

    for (const struct bus_fault_info *fault = bus_faults(); fault->name; fault++)
        room++;
    for (const struct sl_plant *plant = sl_plants(); plant->name; plant++)
        room++;
    *ret_selftest = (struct selftest){
        .rows = sl_arena_array(arena, room, sizeof *ret_selftest->rows),
        .left_out = sl_arena_array(arena, room, sizeof *ret_selftest->left_out),
    };
    complete = ret_selftest->rows && ret_selftest->left_out;
    if (!complete)
        return false;
    add_clean(ret_selftest);
    for (const struct sl_plant *plant = sl_plants(); plant->name; plant++)
        add_plant(ret_selftest, plant);
    for (const struct bus_fault_info *fault = bus_faults(); complete && fault->name; fault++)
        complete = add_fault(ret_selftest, fault, arena);
    return complete;
}
