/* SPDX-License-Identifier: Apache-2.0 */
/* Closing a bus, on the in-memory transport. */
#include "sl_test.h"

#include <pthread.h>
#include <string.h>

#include "bus/thread/gate.h"
#include "bus_memory_scene.h"
#include "until.h"

SL_TEST(bus_close, close_handles_what_was_taken)
{
    struct hang hang = {.entered = 0};
    struct bus_config config = config_of(BUS_KEYED, &hang.probe);
    open_probe(&hang.probe, &config, hang_handle);
    publish_round(&hang.probe, 4 * PROBE_KEYS);
    cr_assert(probe_reaches(&hang.entered, 1));
    atomic_store(&hang.released, true);
    struct sl_driver_close_report report = close_probe(&hang.probe, 20 * SL_NS_PER_S, SL_OK);
    struct sl_driver_stats stats = {.size = sizeof stats};
    bus_stats(hang.probe.bus, &stats);
    cr_assert_eq(report.messages_abandoned, 0);
    cr_assert_eq(stats.delivered, stats.acked);
    cr_assert_eq(stats.threads, 0);
    bus_free(hang.probe.bus);
}

SL_TEST(bus_close, close_again_gives_the_same_result)
{
    struct probe probe = {.fail_every = 0};
    struct bus_config config = config_of(BUS_UNIFIED, &probe);
    open_probe(&probe, &config, probe_handle);
    (void) close_probe(&probe, SL_NS_PER_S, SL_OK);
    (void) close_probe(&probe, 0, SL_OK);
    bus_free(probe.bus);
}

static void *close_thread(void *user)
{
    struct probe *probe = user;
    struct sl_driver_close_report report = {.size = sizeof report};
    if (bus_close(probe->bus, 20 * SL_NS_PER_S, &report, NULL) == SL_OK && !report.timed_out)
        atomic_fetch_add(&probe->handled, 1);
    return NULL;
}

SL_TEST(bus_close, closers_at_the_same_time_get_the_same_result)
{
    struct probe probe = {.fail_every = 0};
    struct bus_config config = config_of(BUS_KEYED, &probe);
    pthread_t threads[4];
    open_probe(&probe, &config, probe_handle);
    for (size_t i = 0; i < 4; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, close_thread, &probe), 0);
    for (size_t i = 0; i < 4; i++)
        cr_assert_eq(pthread_join(threads[i], NULL), 0);
    cr_assert_eq(atomic_load(&probe.handled), 4);
    bus_free(probe.bus);
}

static enum sl_status close_handle(void *user, const struct sl_message *message)
{
    struct probe *probe = user;
    (void) message;
    if (bus_close(probe->bus, SL_NS_PER_S, NULL, NULL) == SL_EDEADLK)
        atomic_fetch_add(&probe->handled, 1);
    return SL_OK;
}

SL_TEST(bus_close, close_from_a_handler_is_refused)
{
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        struct probe probe = {.fail_every = 0};
        struct bus_config config = config_of(modes[i], &probe);
        open_probe(&probe, &config, close_handle);
        publish_round(&probe, 1);
        cr_assert(probe_reaches(&probe.handled, 1));
        close_cleanly(&probe);
    }
}

static void close_on_publish(void *user, uint64_t token, enum sl_publish_outcome outcome)
{
    struct probe *probe = user;
    (void) token;
    (void) outcome;
    if (bus_close(probe->bus, SL_NS_PER_S, NULL, NULL) == SL_EDEADLK &&
        bus_flush(probe->bus, SL_NS_PER_S, NULL) == SL_EDEADLK)
        atomic_fetch_add(&probe->handled, 1);
}

SL_TEST(bus_close, close_and_flush_from_a_publish_callback_are_refused)
{
    struct probe probe = {.fail_every = 0};
    struct bus_config config = config_of(BUS_UNIFIED, &probe);
    config.on_publish = close_on_publish;
    open_probe(&probe, &config, probe_handle);
    publish_round(&probe, 1);
    cr_assert(probe_reaches(&probe.handled, 1));
    close_cleanly(&probe);
}

SL_TEST(bus_close, close_returns_when_a_handler_never_does_and_names_its_thread)
{
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        struct hang hang = {.entered = 0};
        struct bus_config config = config_of(modes[i], &hang.probe);
        open_probe(&hang.probe, &config, hang_handle);
        publish_round(&hang.probe, 1);
        cr_assert(probe_reaches(&hang.entered, 1));
        struct sl_driver_close_report report =
            close_probe(&hang.probe, 100 * SL_NS_PER_MS, SL_ETIMEDOUT);
        cr_assert(report.timed_out);
        cr_assert_eq(report.threads_abandoned, 1);
        cr_assert_eq(report.messages_abandoned, 1);
        cr_assert(strstr(report.detail, modes[i] == BUS_DIRECT ? "fetch-0" : "-w"), "%s",
                  report.detail);
        (void) close_probe(&hang.probe, 0, SL_ETIMEDOUT);
        bus_free(hang.probe.bus); /* keeps what the handler still uses */
        unsigned with_hang = count_threads();
        atomic_store(&hang.released, true);
        cr_assert(probe_reaches(&hang.probe.handled, 1));
        cr_assert(sl_test_until(count_threads() < with_hang, 20 * SL_NS_PER_S));
    }
}

SL_TEST(bus_close, what_no_worker_had_begun_by_the_deadline_is_not_handled_later)
{
    for (size_t i = 0; i < 2; i++) {
        struct hang hang = {.entered = 0};
        struct sl_error err = {0};
        struct bus_config config = config_of(modes[i], &hang.probe);
        open_probe(&hang.probe, &config, hang_handle);
        for (unsigned k = 0; k < 20; k++)
            sl_assert_ok(probe_publish(&hang.probe, topics[0], 0, &err), &err);
        cr_assert(sl_test_until(metrics_of(hang.probe.bus).fetched == 20, 20 * SL_NS_PER_S));
        struct sl_driver_close_report report =
            close_probe(&hang.probe, 100 * SL_NS_PER_MS, SL_ETIMEDOUT);
        cr_assert_eq(report.threads_abandoned, 1);
        bus_free(hang.probe.bus);
        unsigned with_hang = count_threads();
        atomic_store(&hang.released, true);
        cr_assert(sl_test_until(count_threads() < with_hang, 20 * SL_NS_PER_S));
        cr_assert_eq(atomic_load(&hang.entered), 1);
    }
}

static enum sl_status republish_handle(void *user, const struct sl_message *message)
{
    struct probe *probe = user;
    if (bus_publish(probe->bus, message, 0, NULL) == SL_OK) /* refused in the end */
        atomic_fetch_add(&probe->handled, 1);
    return SL_OK;
}

SL_TEST(bus_close, close_ends_while_handlers_publish)
{
    struct probe probe = {.fail_every = 0};
    struct bus_config config = config_of(BUS_UNIFIED, &probe);
    open_probe(&probe, &config, republish_handle);
    publish_round(&probe, PROBE_KEYS);
    cr_assert(probe_reaches(&probe.handled, 1000));
    close_cleanly(&probe);
}

struct visited {
    struct gate gate;
    atomic_bool ended;
};

static void *visit(void *argument)
{
    struct visited *visited = argument;
    bool let_in = false;
    while (!atomic_load(&visited->ended))
        let_in |= gate_enter(&visited->gate);
    return let_in ? visited : NULL;
}

SL_TEST(bus_close, who_comes_to_a_closed_gate_is_not_inside)
{
    struct visited visited = {.ended = false};
    pthread_t visitor;
    void *let_in;
    size_t n_empty = 0;

    gate_init(&visited.gate);
    gate_close(&visited.gate);
    cr_assert_eq(pthread_create(&visitor, NULL, visit, &visited), 0);
    for (size_t i = 0; i < 200000; i++)
        n_empty += gate_wait_empty(&visited.gate, UINT64_MAX);
    atomic_store(&visited.ended, true);
    (void) pthread_join(visitor, &let_in);
    gate_release(&visited.gate);
    cr_assert_eq(n_empty, 200000);
    cr_assert_null(let_in);
}
