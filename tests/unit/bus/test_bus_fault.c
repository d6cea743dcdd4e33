/* SPDX-License-Identifier: Apache-2.0 */
/* Selecting faults, and those of which a trial shows less than a test of the bus can. */
#include "sl_test.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <strandline/bus_fault.h>

#include "bus/fault/parse.h"
#include "bus_memory_scene.h"
#include "until.h"

static struct sl_error err; /* of the call made last; a test is a process of its own */

/* @return false when there is nothing to test, which the parser then has to say */
static bool faults_are_built_in(void)
{
    if (bus_faults()->name)
        return true;
    sl_assert_fails(bus_check_fault("close-skipped", NULL, &err), SL_ENOTSUP, &err,
                    "built without faults");
    return false;
}

SL_TEST(bus_fault, no_name_is_no_fault)
{
    fault_set faults = 7;
    sl_assert_ok(fault_parse(NULL, NULL, &faults, NULL, &err), &err);
    cr_assert_eq(faults, 0);
    faults = 7;
    sl_assert_ok(fault_parse("", NULL, &faults, NULL, &err), &err);
    cr_assert_eq(faults, 0);
}

SL_TEST(bus_fault, every_listed_name_is_explained_and_accepted_or_refused_with_its_reason)
{
    for (const struct bus_fault_info *info = bus_faults(); info->name; info++) {
        fault_set faults = 0;
        cr_assert(info->id && info->mechanism, "%s", info->name);
        cr_assert_neq(!info->expected, !info->absent, "%s", info->name);
        if (info->absent) {
            sl_assert_fails(fault_parse(info->name, NULL, &faults, NULL, &err), SL_ENOTSUP, &err,
                            info->absent);
            continue;
        }
        sl_assert_ok(fault_parse(info->name, info->transport, &faults, NULL, &err), &err);
        cr_assert_eq(faults, FAULT_BIT(info - bus_faults()));
    }
}

SL_TEST(bus_fault, an_unknown_name_is_refused_wherever_it_stands)
{
    static const char *const names[] = {"no-such", ",", "no-such,", " close-skipped"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        fault_set faults = 42;
        sl_assert_fails(fault_parse(names[i], NULL, &faults, NULL, &err), SL_ENOTSUP, &err, "'");
        cr_assert_eq(faults, 42);
    }
}

SL_TEST(bus_fault, names_are_separated_by_commas)
{
    fault_set faults = 0;
    if (!faults_are_built_in())
        return;
    sl_assert_ok(fault_parse("pool-not-stopped,orphan-fetcher", NULL, &faults, NULL, &err), &err);
    cr_assert_eq(faults, FAULT_BIT(FAULT_POOL_NOT_STOPPED) | FAULT_BIT(FAULT_ORPHAN_FETCHER));
    sl_assert_fails(fault_parse("pool-not-stopped,no-such", NULL, &faults, NULL, &err), SL_ENOTSUP,
                    &err, "'no-such'");
}

SL_TEST(bus_fault, a_word_with_a_value_belongs_to_the_fault_before_it)
{
    fault_set faults = 0;
    struct fault_rule rules[N_FAULTS];
    if (!faults_are_built_in())
        return;
    sl_assert_ok(fault_parse("ack-on-error,nth=3,count=2,topic=a.b,results-dropped,prob=0.5,"
                             "key-split,delay=1.5s,idle-double-pool,workers=7",
                             NULL, &faults, rules, &err),
                 &err);
    cr_assert_eq(faults, FAULT_BIT(FAULT_ACK_ON_ERROR) | FAULT_BIT(FAULT_RESULTS_DROPPED) |
                             FAULT_BIT(FAULT_KEY_SPLIT) | FAULT_BIT(FAULT_IDLE_DOUBLE_POOL));
    cr_assert_eq(rules[FAULT_ACK_ON_ERROR].nth, 3);
    cr_assert_eq(rules[FAULT_ACK_ON_ERROR].count, 2);
    cr_assert_str_eq(rules[FAULT_ACK_ON_ERROR].topic, "a.b");
    cr_assert_eq(rules[FAULT_RESULTS_DROPPED].nth, 0, "prob replaces the default of nth");
    cr_assert_eq(rules[FAULT_RESULTS_DROPPED].prob, 0.5);
    cr_assert_eq(rules[FAULT_KEY_SPLIT].nth, 10, "a default");
    cr_assert_eq(rules[FAULT_KEY_SPLIT].delay_ns, 1500 * SL_NS_PER_MS);
    cr_assert_eq(rules[FAULT_IDLE_DOUBLE_POOL].workers, 7);
}

SL_TEST(bus_fault, a_key_is_refused_that_the_fault_does_not_have_or_with_a_bad_value)
{
    static const struct {
        const char *selection, *text;
    } cases[] = {
        {"nth=3", "before any fault"},
        {"close-skipped,nth=3", "'close-skipped' has no 'nth'"},
        {"ack-on-error,delay=1s", "nth=10,prob,count,topic"},
        {"ack-on-error,=3", "has no ''"},
        {"ack-on-error,nth=", "nth"},
        {"ack-on-error,nth=0", "nth"},
        {"ack-on-error,nth=-1", "nth"},
        {"ack-on-error,count=99999999999", "count"},
        {"ack-on-error,prob=0", "prob"},
        {"ack-on-error,prob=1.01", "prob"},
        {"ack-on-error,prob=nan", "prob"},
        {"ack-on-error,prob=0.5x", "prob"},
        {"ack-on-error,topic=", "topic"},
        {"key-split,delay=20", "delay"},
        {"idle-double-pool,workers=32769", "workers"},
    };
    for (size_t i = 0; faults_are_built_in() && i < sizeof cases / sizeof *cases; i++) {
        sl_assert_fails(bus_check_fault(cases[i].selection, NULL, &err), SL_EINVAL, &err,
                        cases[i].text);
    }
}

SL_TEST(bus_fault, a_fault_of_one_transport_is_refused_on_another)
{
    if (!faults_are_built_in())
        return;
    sl_assert_ok(bus_check_fault("silent-downgrade", "nats", &err), &err);
    sl_assert_fails(bus_check_fault("silent-downgrade", "memory", &err), SL_ENOTSUP, &err,
                    "needs transport 'nats'");
}

SL_TEST(bus_fault, a_topic_that_the_bus_does_not_have_is_refused)
{
    struct probe probe = {.fail_every = 0};
    struct bus_config config = config_of(BUS_UNIFIED, &probe);
    if (!faults_are_built_in())
        return;
    config.fault = "ack-on-error,topic=nowhere";
    sl_assert_fails(bus_open(&config, &probe.bus, &err), SL_EINVAL, &err, "'nowhere'");
}

/* Play n messages and return how many handler calls failed in the bus's eyes. */
static unsigned count_errors(const char *fault, unsigned n)
{
    struct probe probe = {.fail_every = 0};
    struct bus_config config = config_of(BUS_UNIFIED, &probe);
    struct sl_driver_stats stats = {.size = sizeof stats};
    config.fault = fault;
    open_probe(&probe, &config, probe_handle);
    publish_round(&probe, n);
    cr_assert(sl_test_until((bus_stats(probe.bus, &stats), stats.acked >= n), 20 * SL_NS_PER_S));
    close_cleanly(&probe);
    return (unsigned) stats.handler_errors;
}

SL_TEST(bus_fault, rules_say_when_a_fault_strikes)
{
    /* 16 keys in turn over 3 topics: key 0, 3, ... 15 are of the first one. */
    if (!faults_are_built_in())
        return;
    cr_assert_eq(count_errors("ack-on-error,nth=1", 320), 320);
    cr_assert_eq(count_errors("ack-on-error,nth=8", 320), 40);
    cr_assert_eq(count_errors("ack-on-error,nth=8,count=5", 320), 5);
    cr_assert_eq(count_errors("ack-on-error,nth=1,topic=orders", 320), 120);
    unsigned quarter = count_errors("ack-on-error,prob=0.25", 3200);
    cr_assert(quarter > 640 && quarter < 960, "%u of 3200", quarter);
    cr_assert_eq(count_errors("ack-on-error,prob=0.25", 3200), quarter, "not by chance");
}

/* How many handler calls there were at once, at most. */
struct crowd {
    struct probe probe; /* first: user of both handlers */
    atomic_uint inside, most;
};

static enum sl_status crowd_handle(void *user, const struct sl_message *message)
{
    struct crowd *crowd = user;
    unsigned inside = atomic_fetch_add(&crowd->inside, 1) + 1, most = atomic_load(&crowd->most);
    while (inside > most && !atomic_compare_exchange_weak(&crowd->most, &most, inside))
        continue;
    sl_clock_sleep_ns(SL_NS_PER_MS);
    atomic_fetch_sub(&crowd->inside, 1);
    return probe_handle(&crowd->probe, message);
}

SL_TEST(bus_fault, a_serialised_pool_has_one_busy_worker_per_topic)
{
    struct crowd crowd = {.inside = 0};
    struct hang control = {.entered = 0};
    struct bus_config config = config_of(BUS_KEYED, &crowd.probe);
    if (!faults_are_built_in())
        return;
    config.fault = "serialised-pool";
    open_probe(&crowd.probe, &config, crowd_handle);
    publish_round(&crowd.probe, 10 * PROBE_KEYS);
    cr_assert(probe_reaches(&crowd.probe.handled, 10 * PROBE_KEYS));
    cr_assert_leq(atomic_load(&crowd.most), N_TOPICS);
    close_cleanly(&crowd.probe);

    config = config_of(BUS_KEYED, &control.probe);
    open_probe(&control.probe, &config, hang_handle);
    publish_round(&control.probe, 10 * PROBE_KEYS);
    cr_assert(probe_reaches(&control.entered, N_TOPICS + 1));
    atomic_store(&control.released, true);
    close_cleanly(&control.probe);
}

SL_TEST(bus_fault, a_log_storm_is_a_line_per_message)
{
    struct probe probe = {.fail_every = 0};
    struct bus_config config = config_of(BUS_DIRECT, &probe);
    if (!faults_are_built_in())
        return;
    int file = memfd_create("log", MFD_CLOEXEC), before = dup(STDERR_FILENO);
    char text[64 * 1024];
    /* Three fetchers write at once. */
    cr_assert_eq(fcntl(file, F_SETFL, O_APPEND), 0);
    cr_assert(file >= 0 && before >= 0 && dup2(file, STDERR_FILENO) >= 0);
    config.fault = "log-storm";
    open_probe(&probe, &config, probe_handle);
    publish_round(&probe, 100);
    cr_assert(probe_reaches(&probe.handled, 100));
    close_cleanly(&probe);
    (void) dup2(before, STDERR_FILENO);
    ssize_t size = pread(file, text, sizeof text - 1, 0);
    unsigned n_lines = 0;
    cr_assert_gt(size, 0);
    text[size] = '\0';
    for (const char *at = text; (at = strstr(at, "ERROR bus: ")); at++)
        n_lines++;
    cr_assert_eq(n_lines, 100, "%u lines", n_lines);
    (void) close(file);
    (void) close(before);
}

SL_TEST(bus_fault, what_faults_made_and_close_ends_is_freed)
{
    static const char *const faults[] = {"idle-double-pool,workers=3", "key-split",
                                         "results-dropped", "log-storm,nth=1000",
                                         "serialised-pool"};
    for (size_t i = 0; faults_are_built_in() && i < sizeof faults / sizeof *faults; i++) {
        for (size_t mode = 0; mode < sizeof modes / sizeof *modes; mode++) {
            struct probe probe = {.fail_every = 0};
            struct bus_config config = config_of(modes[mode], &probe);
            unsigned before = count_threads();
            config.fault = faults[i];
            open_probe(&probe, &config, probe_handle);
            publish_round(&probe, 160);
            cr_assert(probe_reaches(&probe.handled, 1), "%s", faults[i]);
            close_cleanly(&probe);
            cr_assert(threads_fall_to(before), "%s", faults[i]); /* a detached one ends later */
        }
    }
}

SL_TEST(bus_fault, a_worker_that_is_started_while_closing_is_the_only_thread_that_stays)
{
    struct probe probe = {.fail_every = 0};
    struct bus_config config = config_of(BUS_KEYED, &probe);
    struct sl_driver_stats stats = {.size = sizeof stats};
    if (!faults_are_built_in())
        return;
    config.fault = "idle-double-pool,workers=3,spawn-while-closing";
    open_probe(&probe, &config, probe_handle);
    (void) close_probe(&probe, 20 * SL_NS_PER_S, SL_OK);
    bus_stats(probe.bus, &stats);
    cr_assert_eq(stats.threads, 1);
    bus_free(probe.bus); /* which keeps what the worker uses, and what leads to it */
}

SL_TEST(bus_fault, a_bus_that_finds_no_server_is_not_opened_by_a_fault_of_opening)
{
    struct probe probe = {.fail_every = 0};
    struct bus_config config = config_of(BUS_UNIFIED, &probe);
    if (!faults_are_built_in())
        return;
    config.transport = "nats";
    config.servers = "nats://127.0.0.1:1"; /* nobody listens there */
    config.fault = "helper-thread-per-bus";
    enum sl_status status = bus_open(&config, &probe.bus, &err);
    cr_assert(status == SL_ECONNECT || status == SL_ENOTSUP, "%s", sl_status_text(status));
    cr_assert_null(probe.bus);
}
