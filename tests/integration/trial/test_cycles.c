/* SPDX-License-Identifier: Apache-2.0 */
/* `strandline run --cycles`: a bus that is opened and closed several times in one process. */
#include "sl_test.h"

#include <stdio.h>
#include <string.h>

#include "base/macros.h"
#include "strandline.h"

#define REOPENED SL_SUBJECTS_DIR "/drivers/reopened.so"

#define CYCLES_TEST(name) SL_TEST(cycles, name, .init = strandline_enter, .fini = strandline_leave)

static const char scenario[] = "{\"load\": {\"events\": 100, \"topics\": 2, \"aggregates\": 10},\n"
                               " \"limits\": {\"timeout\": \"20s\", \"settle\": \"100ms\"},\n"
                               " \"modes\": {\"unified\": {\"workers\": 4}, \"direct\": {}},\n"
                               " \"play\": [\"unified\"]}\n";

/* A trial of so many cycles, and what its report says; the driver NULL: the built-in bus. */
struct played {
    struct command_result result;
    json_t *report;
    const json_t *trial, *cycles;
};

static struct played play(const char *driver, const char *fault, const char *cycles)
{
    struct played played;
    const char *with_fault = fault ? "--fault" : "--seed";

    strandline_file("small.json", scenario);
    played.result = strandline_run("run", "./small.json", "--output", "report.json", "--max-leaks",
                                   "1000", "--transport", "memory", "--cycles", cycles, with_fault,
                                   fault ? fault : "1", driver ? "--driver" : NULL, driver, NULL);
    played.report = strandline_json("report.json");
    played.trial = json_at(played.report, "cells.0.trials.0");
    played.cycles = json_at(played.trial, "cycles");
    return played;
}

static void played_release(struct played *played)
{
    json_decref(played->report);
}

static void assert_status(const struct played *played, int expected)
{
    cr_assert_eq(played->result.status, expected, "exit status %d, not %d\n%s\n%s",
                 played->result.status, expected, played->result.output, played->result.errors);
}

static void assert_says(const struct played *played, const char *text)
{
    cr_assert(strstr(played->result.output, text), "no '%s' in\n%s", text, played->result.output);
}

/* The only group is of this function, and went so. */
static void assert_group(const struct played *played, const char *function, const char *kind,
                         const long *counts, size_t n_counts)
{
    const json_t *group = json_at(played->cycles, "groups.0");

    cr_assert_eq(json_array_size(json_at(played->cycles, "groups")), 1, "%s",
                 played->result.output);
    cr_assert_str_eq(json_text_at(group, "function"), function);
    cr_assert_str_eq(json_text_at(group, "kind"), kind);
    cr_assert_eq(json_array_size(json_at(group, "counts")), n_counts);
    for (size_t i = 0; i < n_counts; i++)
        cr_assert_eq(json_integer_value(json_array_get(json_at(group, "counts"), i)), counts[i]);
}

CYCLES_TEST(a_leak_with_each_bus_breaks_the_policy_below_the_limit_of_leaks)
{
    SL_CLEANUP(played_release) struct played played = play(NULL, "helper-thread-per-bus", "3");
    assert_status(&played, 1);
    assert_group(&played, "fault_helper_wait", "per-cycle", (const long[]){1, 2, 3}, 3);
    assert_says(&played, "trial 1: fault_helper_wait: +1 thread per cycle (1, 2, 3)");
    cr_assert_eq(json_number_at(played.trial, "leaks.count"), 3);
    cr_assert_str_eq(json_text_at(played.trial, "status"), "ok");
}

CYCLES_TEST(what_a_process_keeps_once_does_not_grow)
{
    SL_CLEANUP(played_release) struct played played = play(REOPENED, "leaks-once", "4");
    assert_status(&played, 0);
    assert_group(&played, "once_main", "once", (const long[]){1, 1, 1, 1}, 4);
    assert_says(&played, "4 times opened and closed, no group of threads grew");
}

CYCLES_TEST(growth_that_is_not_even_is_told_apart)
{
    SL_CLEANUP(played_release) struct played played = play(REOPENED, "leaks-doubled", "3");
    assert_status(&played, 1);
    assert_group(&played, "doubled_main", "growing", (const long[]){1, 3, 7}, 3);
    assert_says(&played, "doubled_main: grows, by 3 threads per cycle on average (1, 3, 7)");
}

CYCLES_TEST(a_bus_that_ends_all_its_threads_leaves_none_after_any_cycle)
{
    SL_CLEANUP(played_release) struct played played = play(NULL, NULL, "5");
    assert_status(&played, 0);
    cr_assert_eq(json_number_at(played.cycles, "n"), 5);
    cr_assert_eq(json_array_size(json_at(played.cycles, "groups")), 0);
    cr_assert_eq(json_number_at(played.trial, "delivery.handled"), 100, "of the last cycle");
}

CYCLES_TEST(a_driver_that_opens_once_fails_its_trial_and_says_so)
{
    SL_CLEANUP(played_release) struct played played = play(REOPENED, "opens-once", "3");
    assert_status(&played, 3);
    cr_assert_str_eq(json_text_at(played.trial, "status"), "failed");
    cr_assert_eq(json_number_at(played.cycles, "planned"), 3);
    cr_assert_eq(json_number_at(played.cycles, "n"), 1);
    assert_says(&played, "open: one bus for each process, after 1 of 3 cycles");
    assert_says(&played, "too few to see what grows");
}

CYCLES_TEST(a_crash_in_a_later_cycle_has_no_numbers_of_an_earlier_one)
{
    SL_CLEANUP(played_release) struct played played = play(REOPENED, "crashes-again", "3");
    assert_status(&played, 3);
    cr_assert_str_eq(json_text_at(played.trial, "status"), "crashed");
    cr_assert_eq(json_number_at(played.cycles, "n"), 1);
    assert_says(&played, "SIGABRT during open, on thread 'strandline: sma', after 1 of 3 cycles");
}

CYCLES_TEST(messages_that_a_cycle_loses_are_not_forgotten_over_the_next)
{
    SL_CLEANUP(played_release) struct played played = play(REOPENED, "loses-again", "4");
    cr_assert_eq(json_number_at(played.cycles, "n"), 2, "the last one is that which lost");
    cr_assert_eq(json_number_at(played.trial, "delivery.lost"), 10);
    assert_status(&played, 1);
    assert_says(&played, "10 messages lost, after 2 of 4 cycles");
}

CYCLES_TEST(without_cycles_a_report_has_none)
{
    strandline_file("small.json", scenario);
    struct command_result result = strandline_run("run", "./small.json", "--output", "report.json",
                                                  "--transport", "memory", NULL);
    cr_assert_eq(result.status, 0, "%s", result.output);
    json_auto_t *report = strandline_json("report.json");
    cr_assert(json_is_null(json_at(report, "cells.0.trials.0.cycles")));
    cr_assert_null(strstr(result.output, "cycles"));
}

CYCLES_TEST(a_number_of_cycles_that_shows_nothing_or_is_no_end_is_refused)
{
    static const char *const wrong[] = {"1", "0", "101", "-2", "two", ""};
    for (size_t i = 0; i < SL_COUNT_OF(wrong); i++) {
        struct command_result result =
            strandline_run("run", "low", "--transport", "memory", "--cycles", wrong[i], NULL);
        cr_assert_eq(result.status, 2, "%s", wrong[i]);
        cr_assert(strstr(result.errors, "--cycles"), "%s", result.errors);
    }
    struct command_result result = strandline_run("run", "--cycles", "3", "--agents", "1",
                                                  "--server", "nats://127.0.0.1:1", NULL);
    cr_assert_eq(result.status, 2);
    cr_assert(strstr(result.errors, "not with --cycles"), "%s", result.errors);
}
