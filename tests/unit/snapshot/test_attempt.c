/* SPDX-License-Identifier: Apache-2.0 */
#include "sl_test.h"

#include <string.h>

#include "harness/snapshot/attempt.h"

static const struct sl_sighting sighting = {
    .stat = {.name = "worker", .state = 'S', .start_time = 5, .cpu_ticks = 3},
    .count = {.switches = 4, .cpu_ns = 123}};

SL_TEST(attempt, the_record_of_a_thread_is_what_was_seen_this_time)
{
    const struct sl_register_source source = {.id = SL_SOURCE_PTRACE, .stops = true};
    struct sl_snapshot snapshot = {0};
    struct sl_pass pass = {.snapshot = &snapshot, .tick_ns = 10};
    struct sl_thread thread = {.id = 7, .count = 2, .reason = "it did not stop", .age_ns = 1};
    struct sl_attempt attempt = {.thread = &thread, .look = SL_LOOK_OK, .sighting = sighting};

    sl_attempt_record(&pass, &source, &attempt);
    cr_assert(thread.id == 7 && thread.count == 1 && thread.start_time == 5);
    cr_assert(thread.state == 'S' && thread.switches == 4 && thread.cpu_ns == 123);
    cr_assert_str_eq(thread.name, "worker");
    cr_assert(!thread.reason && !thread.age_ns && thread.wait.syscall_nr == -1);
    cr_assert(thread.source == SL_SOURCE_PTRACE && snapshot.stats.stopped == 1);
}

SL_TEST(attempt, time_is_that_of_ticks_where_nothing_finer_is_known)
{
    const struct sl_register_source source = {.id = SL_SOURCE_PROC};
    struct sl_snapshot snapshot = {0};
    struct sl_pass pass = {.snapshot = &snapshot, .tick_ns = 10};
    struct sl_thread thread = {.id = 7};
    struct sl_attempt attempt = {.thread = &thread, .look = SL_LOOK_OK, .sighting = sighting};

    attempt.sighting.count.cpu_ns = 0;
    sl_attempt_record(&pass, &source, &attempt);
    cr_assert_eq(thread.cpu_ns, 30);
    cr_assert_eq(snapshot.stats.stopped, 0);
}
