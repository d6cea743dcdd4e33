/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ways in which a harness itself was once wrong, each of which made a number of a real report:
 * what this one says when it is tempted into them.
 */
#include "sl_test.h"

#include <stdio.h>
#include <string.h>

#include "base/macros.h"
#include "strandline.h"

#define MEASURED SL_SUBJECTS_DIR "/drivers/measured.so"

#define HARNESS_TEST(name)                                                                         \
    SL_TEST(harness_faults, name, .init = strandline_enter, .fini = strandline_leave)

/* Five messages of each key in turn. */
static const char scenario[] = "{\"load\": {\"events\": 300, \"topics\": 2, \"aggregates\": 6%s},\n"
                               " \"limits\": {\"timeout\": \"2s\", \"settle\": \"200ms\"},\n"
                               " \"modes\": {\"direct\": {}}, \"play\": [\"direct\"]}\n";

struct played {
    struct command_result result;
    json_t *report;
    const json_t *trial;
};

/* `load`: more of its keys. */
static struct played play_load(const char *load, const char *fault)
{
    struct played played;
    char text[sizeof scenario + 100];

    (void) snprintf(text, sizeof text, scenario, load);
    strandline_file("small.json", text);
    played.result = strandline_run("run", "./small.json", "--output", "report.json", "--driver",
                                   MEASURED, "--fault", fault, NULL);
    played.report = strandline_json("report.json");
    played.trial = json_at(played.report, "cells.0.trials.0");
    return played;
}

static struct played play(const char *fault)
{
    return play_load("", fault);
}

static void played_release(struct played *played)
{
    json_decref(played->report);
}

static void assert_says(const struct played *played, int status, const char *text)
{
    cr_assert_eq(played->result.status, status, "exit status %d, not %d\n%s\n%s",
                 played->result.status, status, played->result.output, played->result.errors);
    cr_assert(strstr(played->result.output, text), "no '%s' in\n%s", text, played->result.output);
}

/* H1 */
HARNESS_TEST(threads_that_are_looked_at_before_close_has_run_are_not_called_a_leak_of_close)
{
    SL_CLEANUP(played_release) struct played played = play("close-lies");
    assert_says(&played, 1, "1 leaked thread in 1 group");
    cr_assert_str_eq(json_text_at(played.trial, "leaks.groups.0.cause"), "not-closed");
    cr_assert(strstr(json_text_at(played.trial, "leaks.groups.0.evidence"), "thread of the bus"));
}

/* H1: there is no bus yet when its threads are counted for the first time. */
HARNESS_TEST(the_beginning_is_looked_at_before_the_bus_exists)
{
    SL_CLEANUP(played_release) struct played played = play("nothing");
    assert_says(&played, 0, "ok: 1 trial");
    cr_assert_eq(json_number_at(played.trial, "threads.before"), 1);
    cr_assert_eq(json_number_at(played.trial, "threads.peak"), 2);
    cr_assert_eq(json_number_at(played.trial, "threads.after"), 1);
}

/* H2 */
HARNESS_TEST(a_bus_to_which_nobody_subscribed_is_not_one_that_leaks_nothing)
{
    SL_CLEANUP(played_release) struct played lost = play("never-subscribes");
    assert_says(&lost, 1, "300 messages lost");
    SL_CLEANUP(played_release) struct played refused = play("refuses-all");
    assert_says(&refused, 3, "no message was handled, so that nothing was proved");
}

/* H3: 300 messages in three times 0.3 s would be less than 1,000 per second. */
HARNESS_TEST(no_rate_is_divided_by_a_time_in_which_no_message_flowed)
{
    SL_CLEANUP(played_release) struct played played = play("sleeps");
    assert_says(&played, 0, "ok: 1 trial");
    cr_assert_gt(json_real_value(json_at(played.trial, "rate.delivered")), 1000.0);
    cr_assert_gt(json_real_value(json_at(played.trial, "rate.publish")), 1000.0);
    cr_assert_geq(json_number_at(played.trial, "close.duration_ns"), 300000000);
}

/* H4 */
HARNESS_TEST(order_that_was_kept_over_many_threads_is_not_called_broken)
{
    SL_CLEANUP(played_release) struct played hops = play("hops");
    assert_says(&hops, 0, "0 order violations");
}

/* H4: the first waits in its handler, so that the second one is there, too. */
HARNESS_TEST(two_messages_of_a_key_at_once_are_not_in_order)
{
    SL_CLEANUP(played_release)
    struct played both = play_load(", \"handler\": {\"kind\": \"sleep\", \"cost\": \"5ms\"}, "
                                   "\"keys\": {\"distribution\": \"hot\", \"share\": 0.9}",
                                   "two-at-once");
    cr_assert_gt(json_number_at(both.trial, "delivery.order_violations"), 0, "%s",
                 both.result.output);
    cr_assert_eq(json_number_at(both.trial, "delivery.lost"), 0);
    cr_assert_eq(both.result.status, 1);
}

/* H5 */
HARNESS_TEST(order_is_that_of_each_key_and_not_of_all_messages)
{
    SL_CLEANUP(played_release) struct played apart = play("keys-apart");
    assert_says(&apart, 0, "0 order violations");
    cr_assert_eq(json_number_at(apart.trial, "delivery.handled"), 300);
}

/* H6 */
HARNESS_TEST(what_is_delivered_at_least_once_may_come_again)
{
    SL_CLEANUP(played_release) struct played again = play("again");
    assert_says(&again, 0, "0 lost messages");
    cr_assert_eq(json_number_at(again.trial, "delivery.published"), 300);
    cr_assert_eq(json_number_at(again.trial, "delivery.handled"), 300);
    cr_assert_eq(json_number_at(again.trial, "delivery.duplicates"), 100);
    cr_assert_eq(json_number_at(again.trial, "delivery.order_violations"), 0);
}
