/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every fault that the bus can have, played with `strandline run`: what its list says
 * is to be seen is in the report, and without the fault it is not.
 */
#include "sl_test.h"

#include <stdio.h>
#include <string.h>

#include <strandline/bus_fault.h>

#include "base/macros.h"
#include "strandline.h"

#define FAULT_TEST(name) SL_TEST(faults, name, .init = strandline_enter, .fini = strandline_leave)

/* 2 topics, 8 workers in all. */
#define SCENARIO_WITH(queue, load, limits)                                                         \
    "{\"load\": {\"topics\": 2, " load "},\n"                                                      \
    " \"limits\": {\"settle\": \"1500ms\", " limits "},\n"                                         \
    " \"modes\": {\"unified\": {\"workers\": 8, \"queue\": " queue                                 \
    "}}, \"play\": [\"unified\"]}\n"
#define SCENARIO(load, limits) SCENARIO_WITH("16", load, limits)

#define N_EVENTS        200 /* but where nothing else matters */
#define THREADS_AT_PEAK 13  /* main, 8 workers, 2 fetchers, monitor, broker */

/* Nothing happens but 200 messages. */
static const char quiet[] = SCENARIO("\"events\": 200, \"aggregates\": 10",
                                     "\"timeout\": \"2s\", \"close_deadline\": \"500ms\"");
/* All has room and is fetched long before Close, which finds a second's work, and does it. */
static const char busy[] = SCENARIO_WITH(
    "200",
    "\"events\": 200, \"aggregates\": 40, \"handler\": {\"kind\": \"sleep\", \"cost\": \"60ms\"}",
    "\"timeout\": \"500ms\", \"close_deadline\": \"10s\"");
/* Every queue of a key fills up behind a handler call that never ends. */
static const char hanging[] =
    SCENARIO("\"events\": 200, \"aggregates\": 2, \"handler\": {\"kind\": \"hang\"}",
             "\"timeout\": \"20s\", \"close_deadline\": \"500ms\"");
/* Messages of a key every 4 ms for 400 ms. */
static const char paced[] = SCENARIO("\"events\": 400, \"rate\": 1000, \"aggregates\": 4",
                                     "\"timeout\": \"20s\", \"close_deadline\": \"5s\"");
/* A handler call takes 10 ms. */
static const char slow[] = SCENARIO(
    "\"events\": 40, \"aggregates\": 40, \"handler\": {\"kind\": \"sleep\", \"cost\": \"10ms\"}",
    "\"timeout\": \"20s\", \"close_deadline\": \"5s\"");
/* More than the client asks for in advance. */
static const char burst[] = SCENARIO(
    "\"events\": 8000, \"aggregates\": 10, \"handler\": {\"kind\": \"sleep\", \"cost\": \"1ms\"}",
    "\"timeout\": \"6s\", \"close_deadline\": \"5s\"");

/* A run of one cell with one trial. */
struct play {
    struct command_result result;
    json_t *report;
    const json_t *trial;
};

static struct play play_on(const char *transport, const char *scenario, const char *fault)
{
    strandline_file("scenario.json", scenario);
    struct play play = {.result = strandline_run("run", "./scenario.json", "--transport", transport,
                                                 "--output", "report.json",
                                                 fault ? "--fault" : NULL, fault, NULL)};
    cr_assert_neq(play.result.status, 2, "%s: %s", fault, play.result.errors);
    play.report = strandline_json("report.json");
    play.trial = json_at(play.report, "cells.0.trials.0");
    return play;
}

static struct play play(const char *scenario, const char *fault)
{
    return play_on("memory", scenario, fault);
}

static void play_release(struct play *play)
{
    json_decref(play->report);
}

static void assert_status(const struct play *play, const char *fault, const char *expected)
{
    cr_assert_str_eq(json_text_at(play->trial, "status"), expected, "%s: %s\n%s", fault,
                     json_text_at(play->trial, "status"), play->result.output);
}

static void need_faults(void)
{
    if (!bus_faults()->name)
        cr_skip_test("built without faults");
}

static bool has_server(void)
{
    return system("command -v nats-server >/dev/null || test -x /usr/sbin/nats-server") == 0;
}

static void need_server(void)
{
    if (!has_server())
        cr_skip_test("nats-server is not installed");
}

/* The group of leaked threads, or of those of a hang, with such a frame; or NULL. */
static const json_t *find_group(const json_t *groups, const char *function)
{
    for (size_t i = 0; i < json_array_size(groups); i++) {
        const json_t *group = json_array_get(groups, i), *frames = json_at(group, "frames");
        for (size_t j = 0; j < json_array_size(frames); j++) {
            const char *name =
                json_string_value(json_object_get(json_array_get(frames, j), "function"));
            if (name && strncmp(name, function, strlen(function)) == 0)
                return group;
        }
    }
    return NULL;
}

/* Delivery is complete and in order, nothing leaks: as without a fault. */
static void assert_unharmed(const struct play *play, const char *fault)
{
    assert_status(play, fault, "ok");
    cr_assert_eq(json_number_at(play->trial, "delivery.lost"), 0, "%s", fault);
    cr_assert_eq(json_number_at(play->trial, "delivery.duplicates"), 0, "%s", fault);
    cr_assert_eq(json_number_at(play->trial, "delivery.order_violations"), 0, "%s", fault);
    cr_assert_eq(json_number_at(play->trial, "leaks.count"), 0, "%s", fault);
    cr_assert(json_is_false(json_at(play->trial, "close.timed_out")), "%s", fault);
}

FAULT_TEST(without_a_fault_nothing_of_it_is_seen)
{
    static const char *const scenarios[] = {quiet, paced, slow};
    for (size_t i = 0; i < sizeof scenarios / sizeof *scenarios; i++) {
        SL_CLEANUP(play_release) struct play control = play(scenarios[i], NULL);
        assert_unharmed(&control, "none");
        cr_assert_eq(control.result.status, 0);
        cr_assert_eq(json_number_at(control.trial, "threads.peak"), THREADS_AT_PEAK);
        cr_assert_eq(json_number_at(control.trial, "latency.publish.count"),
                     json_number_at(control.trial, "delivery.published"));
    }
    SL_CLEANUP(play_release) struct play timed = play(busy, NULL); /* only its load times out */
    cr_assert_eq(json_number_at(timed.trial, "delivery.lost"), 0, "Close drains");
    cr_assert_eq(json_number_at(timed.trial, "leaks.count"), 0);
    cr_assert(json_is_true(json_at(timed.trial, "close.ok")));

    SL_CLEANUP(play_release) struct play hung = play(hanging, NULL);
    /* What Close was to join behind the one that hangs may have ended without it. */
    const json_t *unjoined = json_at(hung.trial, "leaks.unjoined");
    cr_assert_eq(json_number_at(hung.trial, "leaks.count"), 1 + json_integer_value(unjoined));
    cr_assert(find_group(json_at(hung.trial, "leaks.groups"), "hanging_handler"));
}

/* A load in which a fault strikes, where the quiet one is none, and keys with which it does. */
static const struct setting {
    const char *fault, *keys, *scenario;
} settings[] = {
    {"blocked-submitter", "", hanging},
    {"lost-completion", ",nth=10", quiet},
    {"close-locks-out-handlers", "", busy},
    {"ack-without-handler", "", busy},
    {"limits-eat-unread", ",limit=100", burst},
    {"shared-durable", "", paced},
    {"redelivery-reorders", "", paced},
    {"key-split", "", paced},
    {"serialised-pool", "", slow},
    {"fetchers-survive-reconnect", "", NULL}, /* test_bus_nats_restart.c kills its server */
};

static struct setting setting_of(const char *fault)
{
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        if (strcmp(settings[i].fault, fault) == 0)
            return settings[i];
    }
    return (struct setting){fault, "", quiet};
}

/* 0: nothing stays; -1: something does. */
static long threads_left(enum bus_fault_count count)
{
    static const long numbers[] = {
        [BUS_FAULT_ONE] = 1,        [BUS_FAULT_PER_TOPIC] = 2,
        [BUS_FAULT_PER_WORKER] = 8, [BUS_FAULT_PER_STRIKE] = N_EVENTS,
        [BUS_FAULT_CAUGHT] = -1,    [BUS_FAULT_ALL] = THREADS_AT_PEAK - 1};
    return numbers[count];
}

static void assert_leaks(const struct play *play, const struct bus_fault_info *fault)
{
    const struct bus_fault_effect *effect = &fault->effect;
    long expected = threads_left(effect->count), found = json_number_at(play->trial, "leaks.count");
    const json_t *groups = json_at(play->trial, "leaks.groups");

    cr_assert(expected < 0 ? found > 0 : found == expected, "%s: %ld threads", fault->name, found);
    if (expected == 0)
        return;
    const json_t *group =
        effect->function ? find_group(groups, effect->function) : json_array_get(groups, 0);
    cr_assert(group, "%s: no %s", fault->name, effect->function);
    cr_assert_str_eq(json_text_at(group, "cause"), effect->cause, "%s", fault->name);
    cr_assert(*json_text_at(group, "thread_name"), "%s", fault->name);
}

/* What is to be seen is there, and nothing else. */
static void assert_effect(const struct play *play, const struct bus_fault_info *fault)
{
    const struct bus_fault_effect *effect = &fault->effect;
    bool harmed =
        effect->crash || effect->hang || effect->count || effect->loss || effect->disorder;

    bool measured = !effect->crash && effect->hang != BUS_FAULT_OPEN_HANGS;
    cr_assert_eq(play->result.status, measured ? harmed : 3, "%s", fault->name);
    if (!harmed)
        assert_unharmed(play, fault->name);
    if (effect->crash || effect->hang)
        assert_status(play, fault->name, effect->crash ? "crashed" : "timeout");
    if (effect->crash)
        return;
    cr_assert_eq(json_is_true(json_at(play->trial, "close.timed_out")),
                 effect->hang == BUS_FAULT_TIMES_OUT || effect->hang == BUS_FAULT_CLOSE_HANGS, "%s",
                 fault->name);
    if (effect->hang == BUS_FAULT_TIMES_OUT)
        cr_assert(strstr(json_text_at(play->trial, "close.detail"), "abandoned threads: "), "%s",
                  fault->name);
    if (effect->hang >= BUS_FAULT_CLOSE_HANGS) {
        const json_t *group = find_group(json_at(play->trial, "hang_groups"), effect->function);
        cr_assert(group, "%s", fault->name);
        if (effect->cause)
            cr_assert_str_eq(json_text_at(group, "cause"), effect->cause, "%s", fault->name);
        return;
    }
    assert_leaks(play, fault);
    cr_assert_eq(json_number_at(play->trial, "delivery.lost") > 0, effect->loss, "%s", fault->name);
    cr_assert_eq(json_number_at(play->trial, "delivery.order_violations") > 0, effect->disorder,
                 "%s", fault->name);
}

/* Play the faults that are meant, each in its setting. */
static void play_each(bool (*is_meant)(const struct bus_fault_effect *effect))
{
    char selection[80];
    need_faults();
    for (const struct bus_fault_info *fault = bus_faults(); fault->name; fault++) {
        struct setting setting = setting_of(fault->name);
        if (fault->absent || !setting.scenario || !is_meant(&fault->effect) ||
            (fault->transport && !has_server()))
            continue;
        (void) snprintf(selection, sizeof selection, "%s%s", fault->name, setting.keys);
        SL_CLEANUP(play_release)
        struct play broken =
            play_on(fault->transport ? fault->transport : "memory", setting.scenario, selection);
        assert_effect(&broken, fault);
    }
}

static bool leaks(const struct bus_fault_effect *effect)
{
    return effect->count && !effect->hang;
}

FAULT_TEST(faults_that_leak_do_as_the_list_says)
{
    play_each(leaks);
}

static bool hangs_or_crashes(const struct bus_fault_effect *effect)
{
    return effect->hang || effect->crash;
}

FAULT_TEST(faults_that_hang_or_crash_do_as_the_list_says)
{
    play_each(hangs_or_crashes);
}

static bool harms_messages(const struct bus_fault_effect *effect)
{
    return (effect->loss || effect->disorder) && !effect->hang;
}

FAULT_TEST(faults_that_lose_or_reorder_do_as_the_list_says)
{
    play_each(harms_messages);
}

static bool is_harmless(const struct bus_fault_effect *effect)
{
    return !leaks(effect) && !hangs_or_crashes(effect) && !harms_messages(effect);
}

FAULT_TEST(faults_that_only_cost_harm_nothing)
{
    play_each(is_harmless);
}

FAULT_TEST(a_fault_strikes_as_often_as_its_keys_say)
{
    static const struct {
        const char *fault, *number;
        long expected;
    } cases[] = {
        {"thread-per-publish,nth=10,count=7", "leaks.count", 7},
        {"ack-on-error,nth=10", "delivery.lost", N_EVENTS / 10},
        {"results-dropped,nth=20", "latency.publish.count", N_EVENTS - N_EVENTS / 20},
        {"idle-double-pool,workers=20", "threads.peak", THREADS_AT_PEAK + 2 * 20},
    };
    need_faults();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        SL_CLEANUP(play_release) struct play broken = play(quiet, cases[i].fault);
        cr_assert_eq(json_number_at(broken.trial, "delivery.published"), N_EVENTS);
        cr_assert_eq(json_number_at(broken.trial, cases[i].number), cases[i].expected, "%s",
                     cases[i].fault);
    }
}

FAULT_TEST(a_close_that_never_returns_shows_for_whom_it_waits)
{
    static const struct {
        const char *scenario, *fault, *closer, *other, *other_wait;
    } cases[] = {
        {quiet, "close-holds-lock", "fault_join_under_lock", "monitor_", "mutex"},
        {busy, "close-locks-out-handlers", "fault_end_pools_locked", "fault_publish_locked",
         "rwlock"},
    };
    need_faults();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *fault = cases[i].fault;
        SL_CLEANUP(play_release) struct play broken = play(cases[i].scenario, fault);
        cr_assert(strstr(json_text_at(broken.trial, "close.waits_for"), "ledger_join"), "%s: %s",
                  fault, json_text_at(broken.trial, "close.waits_for"));
        const json_t *groups = json_at(broken.trial, "hang_groups");
        const json_t *other = find_group(groups, cases[i].other);
        cr_assert(other, "%s", fault);
        cr_assert_str_eq(json_text_at(other, "wait.kind"), cases[i].other_wait, "%s", fault);
        if (strcmp(cases[i].other_wait, "mutex") == 0)
            cr_assert_eq(json_number_at(other, "wait.owner"),
                         json_number_at(find_group(groups, cases[i].closer), "tids.0"),
                         "%s: the owner is the closer", fault);
    }
}

FAULT_TEST(an_open_that_waits_for_itself_is_ended_and_named)
{
    need_faults();
    SL_CLEANUP(play_release) struct play broken = play(quiet, "start-self-deadlock");
    assert_status(&broken, "start-self-deadlock", "timeout");
    const json_t *group = find_group(json_at(broken.trial, "hang_groups"), "fault_start_check");
    cr_assert(group);
    cr_assert_str_eq(json_text_at(group, "wait.kind"), "mutex");
    cr_assert_eq(json_number_at(group, "wait.owner"), json_number_at(group, "tids.0"));
    const char *grade = json_text_at(group, "proof.grade");
    cr_assert(strncmp(grade, "dead", strlen("dead")) == 0 || strcmp(grade, "not-judged") == 0, "%s",
              grade);
}

FAULT_TEST(a_serialised_pool_handles_one_message_per_topic_and_handler_time)
{
    need_faults();
    SL_CLEANUP(play_release) struct play broken = play(slow, "serialised-pool");
    assert_unharmed(&broken, "serialised-pool");
    /* 2 topics, 10 ms: no machine is fast enough for more than 200/s. */
    cr_assert_leq(json_real_value(json_at(broken.trial, "rate.delivered")), 200.0);
}

FAULT_TEST(without_its_stream_all_that_a_topic_accepted_is_lost)
{
    need_faults();
    need_server();
    SL_CLEANUP(play_release) struct play broken = play_on("nats", quiet, "silent-downgrade");
    cr_assert_eq(json_number_at(broken.trial, "delivery.published"), N_EVENTS);
    cr_assert_eq(json_number_at(broken.trial, "delivery.lost"), N_EVENTS);
}

FAULT_TEST(a_stream_without_a_fault_loses_and_reorders_nothing)
{
    need_server();
    SL_CLEANUP(play_release) struct play control = play_on("nats", paced, NULL);
    assert_unharmed(&control, "none");
    need_faults();
    SL_CLEANUP(play_release)
    struct play limited = play_on("nats", burst, "limits-eat-unread,limit=10000");
    assert_unharmed(&limited, "a limit that is never reached");
}

/* A row of the table in docs/faults.md. */
static void format_row(const json_t *fault, char *ret_row, size_t size)
{
    const char *keys = json_string_value(json_object_get(fault, "keys"));
    const char *transport = json_string_value(json_object_get(fault, "transport"));
    const char *expected = json_string_value(json_object_get(fault, "expected"));
    const char *absent = json_string_value(json_object_get(fault, "no_equivalent"));
    (void) snprintf(ret_row, size, "| %s | `%s` | %s%s%s | %s%s | %s%s |\n",
                    json_text_at(fault, "id"), json_text_at(fault, "name"), keys ? "`" : "",
                    keys ? keys : "", keys ? "`" : "", json_text_at(fault, "mechanism"),
                    transport ? " (needs `--transport nats`)" : "", absent ? "no equivalent: " : "",
                    absent ? absent : expected);
}

FAULT_TEST(the_page_on_faults_has_every_fault_as_it_is_listed)
{
    static char page[64 * 1024];
    char row[1024];
    need_faults();
    FILE *file = fopen(SL_TEST_SOURCE_ROOT "/docs/faults.md", "r");
    cr_assert(file);
    page[fread(page, 1, sizeof page - 1, file)] = '\0';
    (void) fclose(file);

    struct command_result result = strandline_run("run", "--list-faults", "--json", NULL);
    json_auto_t *faults = json_loads(result.output, 0, NULL);
    cr_assert(json_array_size(faults) > 0);
    size_t n_rows = 0;
    for (size_t i = 0; i < json_array_size(faults); i++) {
        format_row(json_array_get(faults, i), row, sizeof row);
        cr_assert(strstr(page, row), "docs/faults.md lacks this row:\n%s", row);
    }
    for (const char *at = page; (at = strstr(at, "\n| ")); at++)
        n_rows++;
    cr_assert_eq(n_rows, json_array_size(faults) + 1, "rows and a heading");
}

FAULT_TEST(a_selection_that_is_wrong_is_refused_with_what_is_right)
{
    static const char *const cases[][2] = {
        {"no-such", "has no fault 'no-such': it has pool-not-stopped"},
        {"shared-durble", "did you mean 'shared-durable'?"},
        {"ack-on-error,nothing=1", "nth=10,prob,count,topic"},
        {"cancelled-context", "no equivalent: a handler gets no context"},
        {"silent-downgrade", "needs transport 'nats'"},
        {"nth=1", "before any fault"},
    };
    need_faults();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct command_result result =
            strandline_run("run", "low", "--transport", "memory", "--fault", cases[i][0], NULL);
        cr_assert_eq(result.status, 2, "%s", cases[i][0]);
        cr_assert(strstr(result.errors, cases[i][1]), "%s: %s", cases[i][0], result.errors);
    }
}
