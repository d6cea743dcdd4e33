/* SPDX-License-Identifier: Apache-2.0 */
/* The subject as its observer sees it: phases, counts, and what it makes of broken drivers. */
#include "sl_test.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "harness/load/plan.h"
#include "harness/run/control.h"
#include "player.h"

#define SIMPLE "../examples/driver_simple.so"
#define FAULTY "subjects/drivers/faulty.so"

#define ALL_PHASES     "start open loaded closing closed torn_down"
#define LOAD_FAILED    "start open closing closed torn_down"
#define OPENED_NOTHING "start torn_down"

/* Ends a wait for messages that never come; long enough for the others. */
#define SHORT_LOAD_NS (1500 * SL_NS_PER_MS)

static void assert_exit(const struct player *player, int expected)
{
    cr_assert(WIFEXITED(player->wait_status) && WEXITSTATUS(player->wait_status) == expected,
              "wait status %#x, not exit %d", (unsigned) player->wait_status, expected);
}

static void assert_failure(const struct player *player, enum sl_phase phase, enum sl_status status,
                           const char *text)
{
    cr_assert_eq(player->n_failures, 1);
    cr_assert_eq(player->failures[0].phase, phase);
    cr_assert_eq(player->failures[0].status, status);
    cr_assert(strstr(player->failures[0].text, text), "'%s' lacks '%s'", player->failures[0].text,
              text);
    assert_exit(player, 3);
}

/* Everything is played, nothing failed, and `closed` says the same as `loaded`. */
static const struct sl_load_record *assert_played(const struct player *player)
{
    const struct sl_load_record *loaded = &player->phases[SL_PHASE_LOADED].load;
    const struct sl_load_record *closed = &player->phases[SL_PHASE_CLOSED].load;

    cr_assert_eq(player->n_failures, 0, "%s", player->failures[0].text);
    cr_assert_str_eq(player->order, ALL_PHASES);
    cr_assert_eq(loaded->counts.published, closed->counts.published);
    cr_assert_eq(loaded->counts.handled, closed->counts.handled);
    cr_assert_eq(loaded->counts.handler_calls, closed->counts.handler_calls);
    assert_exit(player, 0);
    return loaded;
}

static struct player play_fault(const char *fault)
{
    struct sl_subject_config config = player_config(FAULTY, fault);
    struct player player;

    config.load.timeout_ns = SHORT_LOAD_NS;
    player_play(&player, &config);
    return player;
}

SL_TEST(subject, a_sound_driver_plays_all_phases_and_loses_nothing)
{
    struct sl_subject_config config = player_config(SIMPLE, NULL);
    struct player player;
    player_play(&player, &config);
    const struct sl_load_record *loaded = assert_played(&player);
    const struct sl_phase_record *closed = &player.phases[SL_PHASE_CLOSED];

    cr_assert_eq(loaded->counts.published, 100);
    cr_assert_eq(loaded->counts.handled, 100);
    cr_assert_eq(loaded->counts.handler_calls, 100);
    cr_assert_eq(loaded->counts.rejected + loaded->counts.unknown + loaded->counts.redelivered, 0);
    cr_assert_eq(loaded->counts.order_violations, 0, "%s", loaded->counts.first_violation);
    cr_assert_not(loaded->timed_out);
    cr_assert_eq(loaded->publish_latency.count, 100);
    cr_assert_eq(loaded->end_to_end.count, 100);
    cr_assert_leq(loaded->end_to_end.p50, loaded->end_to_end.max);
    cr_assert_leq(loaded->counts.first_handled_ns, loaded->counts.last_handled_ns);
    cr_assert_leq(loaded->counts.last_handled_ns, player.phases[SL_PHASE_LOADED].at_ns);
    cr_assert_geq(loaded->load_ns, loaded->end_to_end.min);
    cr_assert_gt(player.phases[SL_PHASE_OPEN].open_ns, 0);
    cr_assert_eq(player.phases[SL_PHASE_LOADED].bus_threads, 1);
    cr_assert(closed->close_ok && !closed->close_timed_out && closed->close_ns > 0);
}

SL_TEST(subject, the_baseline_is_one_thread_and_no_driver)
{
    struct sl_subject_config config = player_config(FAULTY, NULL);
    struct player player;
    player_play(&player, &config);
    assert_played(&player);

    cr_assert_eq(player.n_threads[SL_PHASE_START], 1);
    cr_assert_eq(player.n_threads[SL_PHASE_OPEN], 2);
    cr_assert_eq(player.n_threads[SL_PHASE_LOADED], 2);
    cr_assert_eq(player.n_threads[SL_PHASE_CLOSED], 1);
    cr_assert(player.has_driver); /* player_next saw that it came between start and open */
    cr_assert_str_eq(player.driver.name, "faulty");
    cr_assert_str_eq(player.driver.version, "2.1");
    cr_assert_str_eq(player.driver.library_modules[0], "libnats.so");
    cr_assert_str_empty(player.driver.library_modules[1]);
    cr_assert_str_eq(player.driver.witnesses[0].module, "libnats.so");
    cr_assert_str_empty(player.driver.witnesses[0].function);
    cr_assert_str_eq(player.driver.witnesses[0].text, "read loop");
    cr_assert(player.driver.witnesses[0].socket);
    cr_assert_str_empty(player.driver.witnesses[1].text);
}

SL_TEST(subject, several_publishers_keep_the_order_of_each_key)
{
    struct sl_subject_config config = player_config(SIMPLE, NULL);
    struct player player;
    config.load.events = 5000;
    config.load.publishers = 4;
    config.load.aggregates = 20;
    config.load.keys = SL_KEYS_ZIPF;
    config.load.keys_parameter = 1.1;
    player_play(&player, &config);
    const struct sl_load_record *loaded = assert_played(&player);

    cr_assert_eq(loaded->counts.handled, 5000);
    cr_assert_eq(loaded->counts.order_violations, 0, "%s", loaded->counts.first_violation);
    cr_assert_eq(player.n_threads[SL_PHASE_LOADED], 2, "the publishers were joined");
}

SL_TEST(subject, latency_counts_from_the_intended_time)
{
    struct sl_subject_config config = player_config(FAULTY, "stalls");
    struct player player;
    config.load.rate = 1000; /* the last of 100 is due at 99 ms; the first publish takes 200 ms */
    player_play(&player, &config);
    const struct sl_load_record *loaded = assert_played(&player);

    cr_assert_geq(loaded->publish_latency.min, 100 * SL_NS_PER_MS);
    cr_assert_geq(loaded->end_to_end.min, 100 * SL_NS_PER_MS);
    cr_assert_geq(loaded->publish_ns, 200 * SL_NS_PER_MS);
}

SL_TEST(subject, a_rate_is_kept_and_a_handler_takes_its_time)
{
    for (int kind = SL_HANDLER_SPIN; kind <= SL_HANDLER_SLEEP; kind++) {
        struct sl_subject_config config = player_config(SIMPLE, NULL);
        struct player player;
        config.load.rate = kind == SL_HANDLER_SPIN ? 1000 : 0;
        config.load.handler = (enum sl_handler_kind) kind;
        config.load.handler_cost_ns = SL_NS_PER_MS;
        player_play(&player, &config);
        const struct sl_load_record *loaded = assert_played(&player);
        cr_assert_geq(loaded->load_ns, 100 * SL_NS_PER_MS);
        cr_assert(!config.load.rate || loaded->publish_ns >= 99 * SL_NS_PER_MS);
    }
}

SL_TEST(subject, a_slow_key_takes_its_time_and_the_others_do_not)
{
    struct sl_subject_config config = player_config(SIMPLE, NULL);
    struct player player;
    config.load.aggregates = 2; /* and one topic: two keys share 100 messages */
    config.load.topics = 1;
    config.load.keys = SL_KEYS_SLOW;
    config.load.keys_parameter = 0.002;
    player_play(&player, &config);
    const struct sl_load_record *loaded = assert_played(&player);
    SL_AUTO(sl_load_plan) struct sl_load_plan *plan = NULL;
    cr_assert_eq(sl_load_plan_new(&config.load, config.seed, &plan, NULL), SL_OK);
    uint64_t n_slow = 0;
    for (uint32_t i = 0; i < plan->n_events; i++)
        n_slow += plan->events[i].key == 0;

    cr_assert(n_slow > 20 && n_slow < 80);
    cr_assert_geq(loaded->load_ns, n_slow * 2 * SL_NS_PER_MS, "one thread handles them all");
    cr_assert_eq(loaded->counts.handled, config.load.events);
}

SL_TEST(subject, a_load_that_takes_too_long_is_ended)
{
    struct sl_subject_config config = player_config(SIMPLE, NULL);
    struct player player;
    config.load.rate = 10;
    config.load.timeout_ns = 250 * SL_NS_PER_MS;
    player_play(&player, &config);
    const struct sl_load_record *loaded = assert_played(&player);

    cr_assert(loaded->timed_out);
    cr_assert_lt(loaded->counts.published, 100);
    cr_assert(strstr(loaded->ended, " of 100 messages were published by then"), "%s",
              loaded->ended);
    cr_assert_eq(loaded->counts.rejected + loaded->counts.unknown, 0,
                 "what was not tried is not counted");
}

SL_TEST(subject, lost_messages_are_counted)
{
    struct player player = play_fault("loses");
    const struct sl_load_record *loaded = assert_played(&player);
    cr_assert_eq(loaded->counts.published - loaded->counts.handled, 10);
    cr_assert(loaded->timed_out);
    cr_assert_eq(loaded->counts.order_violations, 0, "gaps are no violations");
}

SL_TEST(subject, duplicates_are_counted)
{
    struct player player = play_fault("duplicates");
    const struct sl_load_record *closed = &player.phases[SL_PHASE_CLOSED].load;
    cr_assert_str_eq(player.order, ALL_PHASES);
    cr_assert_eq(closed->counts.published, 100);
    cr_assert_eq(closed->counts.handled, 100);
    cr_assert_eq(closed->counts.handler_calls - closed->counts.handled, 10);
    cr_assert_eq(closed->counts.redelivered, 0);
    cr_assert_eq(closed->counts.order_violations, 0, "%s", closed->counts.first_violation);
    cr_assert_eq(closed->end_to_end.count, 100, "latency is that of first calls");
}

SL_TEST(subject, redeliveries_are_counted)
{
    struct player player = play_fault("redelivers");
    const struct sl_load_record *closed = &player.phases[SL_PHASE_CLOSED].load;
    cr_assert_str_eq(player.order, ALL_PHASES);
    cr_assert_eq(closed->counts.handler_calls - closed->counts.handled, 100);
    cr_assert_eq(closed->counts.redelivered, 100);
    cr_assert_eq(closed->counts.order_violations, 0, "%s", closed->counts.first_violation);
}

SL_TEST(subject, order_violations_are_counted)
{
    struct sl_subject_config config = player_config(FAULTY, "reorders");
    SL_AUTO(sl_load_plan) struct sl_load_plan *plan = NULL;
    struct player player;
    uint32_t n = 0;

    player_play(&player, &config);
    const struct sl_load_record *loaded = assert_played(&player);
    cr_assert_eq(sl_load_plan_new(&config.load, config.seed, &plan, NULL), SL_OK);
    for (uint32_t i = 0; i < plan->n_events; i++)
        n += plan->events[i].key == 0;
    cr_assert_gt(n, 1);
    cr_assert_eq(loaded->counts.order_violations, n / 2, "%u messages changed places in pairs", n);
    cr_assert_str_eq(loaded->counts.first_violation, "topic topic-0 key aggregate-0: 1 after 2");
    cr_assert_eq(loaded->counts.handled, 100);
}

SL_TEST(subject, rejected_and_unknown_messages_are_told_apart)
{
    static const struct {
        const char *fault;
        uint64_t published, rejected, unknown, handled;
    } cases[] = {
        {"rejects", 90, 10, 0, 90},
        {"is-full", 90, 10, 0, 90},
        {"unknown", 90, 0, 10, 90},
        {"unknown-but-delivers", 100, 0, 0, 100},
    };
    for (size_t i = 0; i < SL_COUNT_OF(cases); i++) {
        struct player player = play_fault(cases[i].fault);
        const struct sl_load_record *closed = &player.phases[SL_PHASE_CLOSED].load;
        cr_assert_str_eq(player.order, ALL_PHASES, "%s", cases[i].fault);
        cr_assert_eq(closed->counts.published, cases[i].published, "%s", cases[i].fault);
        cr_assert_eq(closed->counts.rejected, cases[i].rejected, "%s", cases[i].fault);
        cr_assert_eq(closed->counts.unknown, cases[i].unknown, "%s", cases[i].fault);
        cr_assert_eq(closed->counts.handled, cases[i].handled, "%s", cases[i].fault);
        cr_assert_not(closed->timed_out, "%s", cases[i].fault);
        assert_exit(&player, 0);
    }
}

SL_TEST(subject, a_driver_that_breaks_its_contract_fails_the_load)
{
    static const struct {
        const char *fault, *text;
        uint64_t handled;
    } cases[] = {
        {"corrupts", "broke its contract 10 times, first: corrupted message", 90},
        {"delivers-foreign", "10 times, first: foreign message of 5 bytes", 100},
        {"changes-key", "was delivered with 'somebody else'", 90},
        {"answers-twice", "second publish outcome for token 0", 100},
        {"rejects-but-delivers", "rejected", 100},
        {"forgets-answers", "10 times, first: token 0 was published and never got an outcome", 100},
    };
    for (size_t i = 0; i < SL_COUNT_OF(cases); i++) {
        struct player player = play_fault(cases[i].fault);
        const struct sl_load_record *closed = &player.phases[SL_PHASE_CLOSED].load;
        cr_assert_geq(player.n_failures, 1, "%s", cases[i].fault);
        cr_assert_eq(player.failures[0].status, SL_EPROTO);
        cr_assert(strstr(player.failures[0].text, cases[i].text), "%s: %s", cases[i].fault,
                  player.failures[0].text);
        cr_assert_str_eq(player.order, LOAD_FAILED);
        cr_assert_eq(closed->counts.handled, cases[i].handled, "%s", cases[i].fault);
        assert_exit(&player, 3);
    }
}

SL_TEST(subject, a_step_that_fails_is_told_and_what_was_opened_is_closed)
{
    static const struct {
        const char *fault, *order;
        enum sl_phase phase;
        enum sl_status status;
        const char *text;
    } cases[] = {
        {"open-fails", OPENED_NOTHING, SL_PHASE_OPEN, SL_ECONNECT, "open: nobody listens there"},
        {"open-fails-silently", OPENED_NOTHING, SL_PHASE_OPEN, SL_ELIMIT,
         "open: resource limit reached"},
        {"subscribe-fails", "start closing closed torn_down", SL_PHASE_OPEN, SL_ESYS,
         "subscribe: the broker refuses"},
        {"publish-fails", LOAD_FAILED, SL_PHASE_LOADED, SL_ECONNECT,
         "publish: the broker has gone"},
        {"flush-fails", LOAD_FAILED, SL_PHASE_LOADED, SL_ESYS, "flush: the connection broke"},
        {"close-fails", ALL_PHASES, SL_PHASE_CLOSED, SL_ESYS, "close: the connection broke"},
        {"teardown-fails", ALL_PHASES, SL_PHASE_TORN_DOWN, SL_ETIMEDOUT, "teardown: the library"},
    };
    for (size_t i = 0; i < SL_COUNT_OF(cases); i++) {
        struct player player = play_fault(cases[i].fault);
        assert_failure(&player, cases[i].phase, cases[i].status, cases[i].text);
        cr_assert_str_eq(player.order, cases[i].order, "%s: %s", cases[i].fault, player.order);
        cr_assert_not(player.phases[SL_PHASE_CLOSED].close_ok && i == 5);
    }
}

SL_TEST(subject, a_driver_is_given_its_servers_and_arguments)
{
    struct sl_subject_config config = player_config(FAULTY, "repeats");
    static const char args[] = "a=1\0bc=2"; /* as it is packed: "" follows */
    struct player player;

    memcpy(config.args, args, sizeof args);
    (void) strcpy(config.servers, "s");
    player_play(&player, &config);
    assert_failure(&player, SL_PHASE_OPEN, SL_ECONNECT, "open: servers s, a=1, bc=2.");
}

SL_TEST(subject, what_a_driver_says_of_its_close_ends_where_its_room_does)
{
    struct player player = play_fault("explains-without-end");
    const struct sl_phase_record *closed = &player.phases[SL_PHASE_CLOSED];

    (void) assert_played(&player);
    cr_assert_eq(strlen(closed->close_detail),
                 sizeof((struct sl_driver_close_report *) 0)->detail - 1);
    cr_assert_eq(strspn(closed->close_detail, "x"), strlen(closed->close_detail));
}

SL_TEST(subject, what_was_tried_before_a_failed_publish_is_accounted_for)
{
    struct player player = play_fault("publish-fails");
    const struct sl_load_record *closed = &player.phases[SL_PHASE_CLOSED].load;
    cr_assert_eq(closed->counts.published, 50);
    cr_assert_eq(closed->counts.handled, 50, "close drained what was queued");
    cr_assert_eq(closed->counts.rejected, 1);
}

SL_TEST(subject, what_is_no_usable_driver_is_refused_with_a_reason)
{
    static const struct {
        const char *file;
        enum sl_status status;
        const char *text;
    } cases[] = {
        {"subjects/drivers/absent.so", SL_ENOENT, "No such file"},
        {"subject_runner", SL_EINVAL, "cannot load driver"},
        {"subjects/drivers/no_symbol.so", SL_EINVAL, "lacks the symbol 'strandline_driver'"},
        {"subjects/drivers/no_table.so", SL_EINVAL, "strandline_driver returns NULL"},
        {"subjects/drivers/wrong_abi.so", SL_EINVAL,
         "is for version 3 of the interface, not 1 to 2"},
        {"subjects/drivers/no_name.so", SL_EINVAL, "gives no name"},
        {"subjects/drivers/no_callback.so", SL_EINVAL, "lacks the callback 'open'"},
        {"subjects/drivers/long_name.so", SL_ELIMIT, "describes itself with more than"},
        {NULL, SL_EINVAL, "no driver is built in"},
    };
    for (size_t i = 0; i < SL_COUNT_OF(cases); i++) {
        struct sl_subject_config config = player_config(cases[i].file, NULL);
        struct player player;
        player_play(&player, &config);
        assert_failure(&player, SL_PHASE_OPEN, cases[i].status, cases[i].text);
        cr_assert_str_eq(player.order, OPENED_NOTHING);
        cr_assert_not(player.has_driver);
    }
}

SL_TEST(subject, a_handler_that_hangs_ends_the_load_and_outlives_close)
{
    struct sl_subject_config config = player_config(SIMPLE, NULL);
    struct player player;
    config.load.handler = SL_HANDLER_HANG;
    config.load.close_deadline_ns = 100 * SL_NS_PER_MS;
    player_play(&player, &config);
    const struct sl_load_record *loaded = assert_played(&player);
    const struct sl_phase_record *closed = &player.phases[SL_PHASE_CLOSED];

    cr_assert_not(loaded->timed_out);
    cr_assert_eq(loaded->counts.published, 100);
    cr_assert_eq(loaded->counts.handled + loaded->counts.handler_calls, 0,
                 "the first call has not ended");
    cr_assert_eq(loaded->end_to_end.count, 1, "but it has begun");
    cr_assert(closed->close_timed_out && !closed->close_ok);
    cr_assert_eq(closed->threads_abandoned, 1);
    cr_assert_eq(player.n_threads[SL_PHASE_TORN_DOWN], 2);
}

SL_TEST(subject, a_close_that_hangs_is_seen_as_no_closed)
{
    struct sl_subject_config config = player_config(FAULTY, "close-hangs");
    struct player player;
    player_start(&player, &config, false);
    for (int phase = SL_PHASE_START; phase <= SL_PHASE_CLOSING; phase++) {
        cr_assert_eq(player_next(&player, 60 * SL_NS_PER_S), SL_OK);
        player_go(&player);
    }
    cr_assert_eq(player_next(&player, 200 * SL_NS_PER_MS), SL_ETIMEDOUT);
    cr_assert_str_eq(player.order, "start open loaded closing");
    player_end(&player, true);
}

SL_TEST(subject, a_crash_is_a_crash)
{
    struct player player = play_fault("crashes");
    cr_assert_str_eq(player.order, "start open");
    cr_assert(WIFSIGNALED(player.wait_status) && WTERMSIG(player.wait_status) == SIGABRT);
}

SL_TEST(subject, the_control_leaves_exactly_its_threads)
{
    struct sl_subject_config config = player_config(NULL, NULL);
    struct player player;
    config.control = true;
    player_play(&player, &config);
    const struct sl_load_record *loaded = assert_played(&player);

    cr_assert_str_eq(player.driver.name, "control");
    cr_assert_eq(loaded->counts.handled, 100);
    cr_assert_eq(player.phases[SL_PHASE_LOADED].bus_threads, SL_CONTROL_THREADS);
    cr_assert(player.phases[SL_PHASE_CLOSED].close_ok);
    cr_assert_eq(player.n_threads[SL_PHASE_CLOSED], 1 + SL_CONTROL_THREADS);
}

SL_TEST(subject, an_observer_that_goes_away_ends_the_subject_quietly)
{
    struct sl_subject_config config = player_config(SIMPLE, NULL);
    for (int phase = SL_PHASE_START; phase <= SL_PHASE_TORN_DOWN; phase++) {
        struct player player;
        player_start(&player, &config, false);
        cr_assert_eq(player_next(&player, 60 * SL_NS_PER_S), SL_OK);
        for (int at = SL_PHASE_START; at < phase; at++) {
            player_go(&player);
            cr_assert_eq(player_next(&player, 60 * SL_NS_PER_S), SL_OK);
        }
        player_end(&player, false);
        assert_exit(&player, 3);
    }
}

SL_TEST(subject, the_death_of_its_parent_kills_it)
{
    struct sl_subject_config config = player_config(SIMPLE, NULL);
    struct player player;
    player_start(&player, &config, true);
    cr_assert_eq(player_next(&player, 60 * SL_NS_PER_S), SL_OK);
    cr_assert_eq(kill(player.pid, SIGKILL), 0);
    /* Our end of its input stays open, so that nothing else can tell it. */
    cr_assert_eq(player_next(&player, 60 * SL_NS_PER_S), SL_EGONE);
    player_end(&player, false);
}

SL_TEST(subject, a_load_without_events_is_refused)
{
    struct sl_subject_config config = player_config(SIMPLE, NULL);
    struct player player;
    config.load.events = 0;
    player_play(&player, &config);
    assert_failure(&player, SL_PHASE_OPEN, SL_EINVAL, "nothing to publish");
}

SL_TEST(subject, purge_plays_no_phase)
{
    struct sl_subject_config config = player_config(FAULTY, NULL);
    struct sl_subject_config failing = player_config(FAULTY, "purge-fails");
    struct player player;
    config.job = failing.job = SL_JOB_PURGE;
    memcpy(failing.args, "a\0b", 4);
    player_play(&player, &config);
    cr_assert_str_empty(player.order);
    assert_exit(&player, 0);
    player_play(&player, &failing);
    cr_assert_str_empty(player.order);
    assert_failure(&player, SL_PHASE_START, SL_ECONNECT, "purge: servers none, a, b.");
}
