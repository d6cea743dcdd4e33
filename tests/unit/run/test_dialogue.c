/* SPDX-License-Identifier: Apache-2.0 */
/* What an observer takes of a subject, and what it does not believe. */
#include "sl_test.h"

#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "harness/process/desk.h"
#include "harness/run/dialogue.h"

#define EVENTS 100

static const struct sl_subject_config config = {.load = {.events = EVENTS}};
static const struct sl_subject_config shared = {.load = {.events = EVENTS},
                                                .share = {.part = SL_PART_PUBLISH, .of = 1}};

struct talk {
    struct sl_dialogue dialogue;
    struct sl_phase_record phase; /* said last, to be changed */
    int quiet_fd;                 /* on which nothing comes */
    struct sl_error err;
};

static struct talk begin(const struct sl_subject_config *with)
{
    struct talk talk = {.quiet_fd = -1};
    sl_dialogue_begin(&talk.dialogue, with);
    return talk;
}

static enum sl_status say(struct talk *talk, enum sl_record_type type, void *data, size_t size)
{
    struct sl_record record = {.data = data, .capacity = size, .type = type, .size = size};
    talk->err = (struct sl_error){0};
    return sl_dialogue_take(&talk->dialogue, &record, &talk->err);
}

static enum sl_status say_phase(struct talk *talk, enum sl_phase phase)
{
    talk->phase.phase = phase;
    talk->phase.at_ns = sl_clock_now_ns();
    return say(talk, SL_RECORD_PHASE, &talk->phase, sizeof talk->phase);
}

static enum sl_status say_driver(struct talk *talk)
{
    struct sl_driver_record driver = {.name = "one", .version = "1"};
    return say(talk, SL_RECORD_DRIVER, &driver, sizeof driver);
}

static enum sl_status say_failure(struct talk *talk, enum sl_phase phase)
{
    struct sl_failure_record failure = {.phase = phase, .status = SL_ECONNECT, .text = "no server"};
    return say(talk, SL_RECORD_FAILURE, &failure, sizeof failure);
}

/* Play as a subject does until this phase has its GO. */
static struct talk play_until(int phase)
{
    struct talk talk = begin(&config);

    for (int i = 0; i <= phase; i++) {
        if (i == SL_PHASE_OPEN)
            sl_assert_ok(say_driver(&talk), &talk.err);
        sl_assert_ok(say_phase(&talk, (enum sl_phase) i), &talk.err);
        sl_assert_ok(sl_dialogue_go(&talk.dialogue, talk.quiet_fd, &talk.err), &talk.err);
    }
    return talk;
}

static void assert_refused(struct talk *talk, enum sl_status status, const char *text)
{
    cr_assert_eq(status, SL_EPROTO, "%s", text);
    cr_assert(strstr(talk->err.text, text), "'%s' lacks '%s'", talk->err.text, text);
}

SL_TEST(dialogue, phases_come_in_their_order_and_once)
{
    for (int reached = -1; reached < SL_N_PHASES; reached++)
        for (int next = 0; next < SL_N_PHASES; next++) {
            struct talk talk = play_until(reached);
            if (reached == SL_PHASE_START)
                sl_assert_ok(say_driver(&talk), &talk.err);
            enum sl_status status = say_phase(&talk, (enum sl_phase) next);
            if (next == reached + 1)
                sl_assert_ok(status, &talk.err);
            else
                assert_refused(&talk, status, "which was not its next");
        }
}

SL_TEST(dialogue, after_a_failure_the_subject_goes_on_to_close_what_it_opened)
{
    static const struct {
        enum sl_phase reached, failed;
        unsigned next; /* bits of phases */
    } cases[] = {
        {SL_PHASE_START, SL_PHASE_OPEN, 1 << SL_PHASE_CLOSING | 1 << SL_PHASE_TORN_DOWN},
        {SL_PHASE_OPEN, SL_PHASE_LOADED, 1 << SL_PHASE_CLOSING},
        {SL_PHASE_CLOSING, SL_PHASE_CLOSED, 1 << SL_PHASE_CLOSED},
        {SL_PHASE_CLOSED, SL_PHASE_CLOSED, 1 << SL_PHASE_TORN_DOWN},
        {SL_PHASE_CLOSED, SL_PHASE_TORN_DOWN, 1 << SL_PHASE_TORN_DOWN},
    };
    for (size_t i = 0; i < SL_COUNT_OF(cases); i++)
        for (int next = 0; next < SL_N_PHASES; next++) {
            struct talk talk = play_until((int) cases[i].reached);
            sl_assert_ok(say_failure(&talk, cases[i].failed), &talk.err);
            enum sl_status status = say_phase(&talk, (enum sl_phase) next);
            cr_assert_eq(status == SL_OK, (cases[i].next >> next & 1) == 1, "%zu, %d", i, next);
        }
}

SL_TEST(dialogue, records_besides_phases_have_their_places_too)
{
    char tally[8] = "";

    for (int reached = -1; reached < SL_N_PHASES; reached++) {
        struct talk talk = play_until(reached);
        cr_assert_eq(say_driver(&talk) == SL_OK, reached == SL_PHASE_START, "%d", reached);
        for (int failed = 0; failed < SL_N_PHASES; failed++) {
            talk = play_until(reached);
            bool has_place = failed == reached + 1 && reached >= 0 && failed != SL_PHASE_CLOSING;
            has_place |= reached == SL_PHASE_CLOSED && failed == SL_PHASE_CLOSED;
            cr_assert_eq(say_failure(&talk, (enum sl_phase) failed) == SL_OK, has_place, "%d, %d",
                         reached, failed);
        }
        talk = play_until(reached);
        assert_refused(&talk, say(&talk, SL_RECORD_TALLY, tally, sizeof tally), "not its turn");
        talk.dialogue.shared = true;
        cr_assert_eq(say(&talk, SL_RECORD_TALLY, tally, sizeof tally) == SL_OK,
                     reached == SL_PHASE_OPEN || reached == SL_PHASE_CLOSING, "%d", reached);
        assert_refused(&talk, say(&talk, SL_RECORD_GO, NULL, 0), "not its turn");
        assert_refused(&talk, say(&talk, SL_RECORD_CONFIG, NULL, 0), "not its turn");
    }
}

SL_TEST(dialogue, a_bus_is_opened_again_as_often_as_there_are_cycles)
{
    static const struct sl_subject_config twice = {.load = {.events = EVENTS}, .cycles = 2};
    struct talk talk = begin(&twice);

    for (int cycle = 0; cycle < 2; cycle++)
        for (int i = cycle ? SL_PHASE_OPEN : SL_PHASE_START; i <= SL_PHASE_CLOSED; i++) {
            if (!cycle && i == SL_PHASE_OPEN)
                sl_assert_ok(say_driver(&talk), &talk.err);
            sl_assert_ok(say_phase(&talk, (enum sl_phase) i), &talk.err);
            sl_assert_ok(sl_dialogue_go(&talk.dialogue, talk.quiet_fd, &talk.err), &talk.err);
            if (cycle == 0 && i == SL_PHASE_CLOSED)
                assert_refused(&talk, say_driver(&talk), "type 'driver' after closed");
        }
    struct talk third = talk;
    assert_refused(&third, say_phase(&third, SL_PHASE_OPEN), "which was not its next");
    third = talk;
    assert_refused(&third, say_failure(&third, SL_PHASE_OPEN), "words that do not exist");
    sl_assert_ok(say_phase(&talk, SL_PHASE_TORN_DOWN), &talk.err);
}

SL_TEST(dialogue, another_cycle_may_fail_to_open_or_not_begin)
{
    static const struct sl_subject_config twice = {.load = {.events = EVENTS}, .cycles = 2};

    for (int next = 0; next < SL_N_PHASES; next++) {
        struct talk talk = play_until(SL_PHASE_CLOSED);
        talk.dialogue.cycles_left = twice.cycles - 1;
        bool well = next == SL_PHASE_OPEN || next == SL_PHASE_TORN_DOWN;
        struct talk failed = talk;
        cr_assert_eq(say_phase(&talk, (enum sl_phase) next) == SL_OK, well, "%d", next);
        sl_assert_ok(say_failure(&failed, SL_PHASE_OPEN), &failed.err);
        well = next == SL_PHASE_CLOSING || next == SL_PHASE_TORN_DOWN;
        cr_assert_eq(say_phase(&failed, (enum sl_phase) next) == SL_OK, well, "%d", next);
    }
}

SL_TEST(dialogue, what_is_said_once_is_not_said_again)
{
    struct talk talk = play_until(SL_PHASE_START);
    sl_assert_ok(say_driver(&talk), &talk.err);
    assert_refused(&talk, say_driver(&talk), "type 'driver' after start");
    sl_assert_ok(say_failure(&talk, SL_PHASE_OPEN), &talk.err);
    assert_refused(&talk, say_failure(&talk, SL_PHASE_OPEN), "type 'failure' after start");

    char tally[8] = "";
    talk = begin(&shared);
    talk.dialogue.phase = SL_PHASE_OPEN;
    sl_assert_ok(say(&talk, SL_RECORD_TALLY, tally, sizeof tally), &talk.err);
    assert_refused(&talk, say(&talk, SL_RECORD_TALLY, tally, sizeof tally), "type 'tally'");
}

SL_TEST(dialogue, a_bus_is_not_opened_by_a_driver_that_nobody_was_told_of)
{
    struct talk talk = play_until(SL_PHASE_START);
    assert_refused(&talk, say_phase(&talk, SL_PHASE_OPEN), "had not told of its driver");
}

SL_TEST(dialogue, nothing_is_said_before_a_phase_was_answered)
{
    struct talk talk = play_until(SL_PHASE_START);
    int ends[2];

    sl_assert_ok(say_driver(&talk), &talk.err);
    sl_assert_ok(say_phase(&talk, SL_PHASE_OPEN), &talk.err);
    assert_refused(&talk, say_phase(&talk, SL_PHASE_LOADED), "not its turn");

    cr_assert_eq(pipe(ends), 0);
    sl_assert_ok(sl_dialogue_go(&talk.dialogue, ends[0], &talk.err), &talk.err);
    sl_assert_ok(sl_dialogue_end(ends[0], &talk.err), &talk.err);
    cr_assert_eq(write(ends[1], "x", 1), 1);
    assert_refused(&talk, sl_dialogue_go(&talk.dialogue, ends[0], &talk.err),
                   "went on after open before it was allowed to");
    talk.err = (struct sl_error){0};
    assert_refused(&talk, sl_dialogue_end(ends[0], &talk.err), "after its last phase");
    (void) close(ends[1]);
    (void) close(ends[0]);
}

SL_TEST(dialogue, a_phase_is_reached_between_permission_and_now)
{
    struct talk talk = begin(&config);
    talk.phase.at_ns = talk.dialogue.go_ns - 1;
    assert_refused(&talk, say(&talk, SL_RECORD_PHASE, &talk.phase, sizeof talk.phase),
                   "phase start 1 ns before it was allowed to begin");
    talk.phase.at_ns = sl_clock_now_ns() + SL_NS_PER_S * 1000;
    assert_refused(&talk, say(&talk, SL_RECORD_PHASE, &talk.phase, sizeof talk.phase),
                   "will reach phase start in ");
}

SL_TEST(dialogue, no_step_takes_longer_than_its_phase)
{
    struct talk talk = play_until(SL_PHASE_START);
    sl_assert_ok(say_driver(&talk), &talk.err);
    talk.phase.open_ns = SL_NS_PER_S * 1000;
    assert_refused(&talk, say_phase(&talk, SL_PHASE_OPEN), "claims 1000000000000 ns");
    talk = play_until(SL_PHASE_CLOSING);
    talk.phase.close_ns = SL_NS_PER_S * 1000;
    assert_refused(&talk, say_phase(&talk, SL_PHASE_CLOSED), "claims 1000000000000 ns");
    for (int i = 0; i < 2; i++) {
        talk = play_until(SL_PHASE_OPEN);
        *(i ? &talk.phase.load.load_ns : &talk.phase.load.publish_ns) = SL_NS_PER_S * 1000;
        assert_refused(&talk, say_phase(&talk, SL_PHASE_LOADED), "claims 1000000000000 ns");
    }
}

SL_TEST(dialogue, no_more_messages_are_claimed_than_there_are)
{
    const struct {
        struct sl_load_counts counts;
        const char *text; /* NULL: it can be */
    } cases[] = {
        {{.published = EVENTS, .handled = EVENTS, .handler_calls = EVENTS}, NULL},
        {{.published = EVENTS + 1}, "claims 101 published messages of 100"},
        {{.rejected = EVENTS + 1}, "claims 101 rejected messages of 100"},
        {{.unknown = UINT64_MAX}, "unanswered messages of 100"},
        {{.handled = EVENTS + 1, .handler_calls = EVENTS + 1}, "claims 101 handled messages"},
        {{.published = 50, .rejected = 30, .unknown = 21}, "claims outcomes of 101 messages"},
        {{.handled = 5, .handler_calls = 4}, "claims 5 handled messages in 4 calls"},
    };
    for (size_t i = 0; i < SL_COUNT_OF(cases); i++) {
        struct talk talk = play_until(SL_PHASE_OPEN);
        talk.phase.load.counts = cases[i].counts;
        enum sl_status status = say_phase(&talk, SL_PHASE_LOADED);
        if (cases[i].text)
            assert_refused(&talk, status, cases[i].text);
        else
            sl_assert_ok(status, &talk.err);
    }
}

/* Texts without an end, values that do not exist. */
SL_TEST(dialogue, phases_in_words_that_do_not_exist_are_refused)
{
    struct sl_phase_record phase;
    const struct {
        void *at;
        size_t size;
        char byte;
    } phases[] = {
        {phase.close_detail, sizeof phase.close_detail, 'x'},
        {phase.load.ended, sizeof phase.load.ended, 'x'},
        {phase.load.counts.first_breach, sizeof phase.load.counts.first_breach, 'x'},
        {phase.load.counts.first_violation, sizeof phase.load.counts.first_violation, 'x'},
        {&phase.load.timed_out, 1, 65},
        {&phase.close_ok, 1, 65},
        {&phase.close_timed_out, 1, 2},
        {&phase.load.late_step, 1, SL_N_STEPS},
        {&phase.phase, sizeof phase.phase, -1},
    };
    for (size_t i = 0; i < SL_COUNT_OF(phases); i++) {
        struct talk talk = begin(&config);
        memset(&phase, 0, sizeof phase);
        phase.at_ns = sl_clock_now_ns();
        memset(phases[i].at, phases[i].byte, phases[i].size);
        cr_assert_eq(say(&talk, SL_RECORD_PHASE, &phase, sizeof phase), SL_EPROTO, "%zu", i);
    }
}

SL_TEST(dialogue, drivers_in_words_that_do_not_end_are_refused)
{
    struct sl_driver_record driver;
    const struct {
        void *at;
        size_t size;
    } drivers[] = {{driver.name, SL_NAME_MAX},
                   {driver.version, SL_NAME_MAX},
                   {driver.library_modules[SL_DRIVER_MODULES - 1], SL_NAME_MAX},
                   {driver.witnesses[0].module, SL_NAME_MAX},
                   {driver.witnesses[0].function, SL_NAME_MAX},
                   {driver.witnesses[0].text, sizeof driver.witnesses[0].text},
                   {&driver.witnesses[SL_DRIVER_WITNESSES - 1].socket, 1}};
    for (size_t i = 0; i < SL_COUNT_OF(drivers); i++) {
        struct talk talk = play_until(SL_PHASE_START);
        memset(&driver, 0, sizeof driver);
        memset(drivers[i].at, 'x', drivers[i].size);
        assert_refused(&talk, say(&talk, SL_RECORD_DRIVER, &driver, sizeof driver),
                       "words that do not end");
    }
}

SL_TEST(dialogue, failures_in_words_that_do_not_exist_are_refused)
{
    struct sl_failure_record failure;
    const struct {
        void *at;
        size_t size;
        char byte;
    } failures[] = {{failure.text, sizeof failure.text, 'x'},
                    {&failure.status, sizeof failure.status, 0},
                    {&failure.status, 1, SL_EPROTO + 1},
                    {&failure.step, 1, SL_N_STEPS},
                    {&failure.phase, 1, SL_N_PHASES}};
    for (size_t i = 0; i < SL_COUNT_OF(failures); i++) {
        struct talk talk = play_until(SL_PHASE_START);
        failure = (struct sl_failure_record){.phase = SL_PHASE_OPEN, .status = SL_ESYS};
        memset(failures[i].at, failures[i].byte, failures[i].size);
        assert_refused(&talk, say(&talk, SL_RECORD_FAILURE, &failure, sizeof failure),
                       "words that do not exist");
    }
}

SL_TEST(dialogue, a_record_has_its_size)
{
    struct talk talk = begin(&config);
    assert_refused(&talk, say(&talk, SL_RECORD_PHASE, &talk.phase, sizeof talk.phase - 1),
                   "of type 'phase' of ");
    talk = play_until(SL_PHASE_START);
    assert_refused(&talk, say(&talk, SL_RECORD_DRIVER, &talk.phase, 1), "of 1 bytes");
    assert_refused(&talk, say(&talk, SL_RECORD_FAILURE, &talk.phase, 0), "of 0 bytes");
}

SL_TEST(dialogue, passwords_of_a_driver_are_hidden)
{
    struct talk talk = play_until(SL_PHASE_START);
    struct sl_failure_record failure = {
        .phase = SL_PHASE_OPEN, .status = SL_ECONNECT, .text = "no nats://me:secret@host:4222"};
    sl_assert_ok(say(&talk, SL_RECORD_FAILURE, &failure, sizeof failure), &talk.err);
    cr_assert_null(strstr(failure.text, "secret"), "%s", failure.text);
}
