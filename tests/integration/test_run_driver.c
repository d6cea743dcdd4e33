/* SPDX-License-Identifier: Apache-2.0 */
/* `strandline run --driver`: what a driver declares, prints, and leaves when it crashes. */
#include "sl_test.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "strandline.h"

#define DRIVER(name) SL_SUBJECTS_DIR "/drivers/" name ".so"

#define DRIVER_TEST(name)                                                                          \
    SL_TEST(run_driver, name, .init = strandline_enter, .fini = strandline_leave)

static const char scenario[] =
    "{\"load\": {\"events\": 200, \"topics\": 2, \"aggregates\": 10},\n"
    " \"limits\": {\"timeout\": \"20s\", \"settle\": \"500ms\"},\n"
    " \"modes\": {\"keyed\": {\"workers\": 8}, \"unified\": {\"workers\": 8}},\n"
    " \"play\": [\"keyed\", \"unified\"]}\n";

/* Play with a driver and one more option, unless it is NULL. */
static struct command_result play(const char *driver, const char *option, const char *value)
{
    strandline_file("small.json", scenario);
    return strandline_run("run", "./small.json", "--output", "report.json", "--driver", driver,
                          option, value, NULL);
}

static void assert_status(const struct command_result *result, int expected)
{
    cr_assert_eq(result->status, expected, "exit status %d, not %d\n%s\n%s", result->status,
                 expected, result->output, result->errors);
}

/* Status 2 and one line, before anything was played. */
static void assert_refused(struct command_result result, const char *text)
{
    assert_status(&result, 2);
    cr_assert_str_empty(result.output);
    cr_assert(strstr(result.errors, text), "'%s' lacks '%s'", result.errors, text);
    const char *end = strchr(result.errors, '\n');
    cr_assert(end && !end[1], "one line: %s", result.errors);
}

DRIVER_TEST(defaults_and_facts_come_from_what_the_driver_declares)
{
    struct command_result result = play(EXAMPLE_DRIVER, NULL, NULL);
    assert_status(&result, 0);
    json_auto_t *root = strandline_json("report.json");
    cr_assert_eq(json_array_size(json_at(root, "cells")), 1);
    cr_assert_str_eq(json_text_at(root, "cells.0.key.transport"), "memory");
    cr_assert_str_eq(json_text_at(root, "cells.0.key.mode"), "direct");
    static const char *const unused[] = {"workers", "queue", "enqueue_wait_ns", "stack_size"};
    for (size_t i = 0; i < sizeof unused / sizeof *unused; i++) {
        char path[64];
        (void) snprintf(path, sizeof path, "cells.0.config.%s", unused[i]);
        cr_assert(json_is_null(json_at(root, path)), "%s", path);
        (void) snprintf(path, sizeof path, "cells.0.config.missing.%s", unused[i]);
        cr_assert(strstr(json_text_at(root, path), "does not take"));
    }
    cr_assert(json_is_null(json_at(root, "cells.0.config.storage")));
    cr_assert(json_is_null(json_at(root, "environment.nats_server")));
    cr_assert(json_is_null(json_at(root, "driver_undeclared")));
    cr_assert_null(strstr(result.output, "nats"), "%s", result.output);
}

DRIVER_TEST(an_option_that_names_nothing_is_refused)
{
    static const char *const options[][2] = {
        {"--fault", "--fault: LIST is needed"},
        {"--driver", "--driver: FILE is needed"},
        {"--nats-server", "--nats-server: FILE is needed"},
    };
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        struct command_result result = strandline_run("run", "low", options[i][0], "", NULL);
        assert_status(&result, 2);
        cr_assert(strstr(result.errors, options[i][1]), "%s", result.errors);
    }
}

DRIVER_TEST(what_the_driver_does_not_have_is_refused_before_it_plays)
{
    static const char *const cases[][3] = {
        {"--transport", "nats", "driver 'declares' has no transport 'nats': it has memory"},
        {"--transport", "memry", "(did you mean 'memory'?)"},
        {"--mode", "keyed", "driver 'declares' has no mode 'keyed': it has direct"},
        {"--fault", "lose,nth=2,gain", "driver 'declares' has no fault 'gain': it has lose"},
        {"--driver-arg", "waht=x", "has no argument 'waht' (did you mean 'what'?)"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_refused(play(DRIVER("declares"), cases[i][0], cases[i][1]), cases[i][2]);
    assert_refused(play(EXAMPLE_DRIVER, "--fault", "lose"), "driver 'simple' has no faults");
    assert_refused(play(EXAMPLE_DRIVER, "--driver-arg", "a=b"), "has no arguments");
    cr_assert_neq(access("report.json", F_OK), 0);
}

DRIVER_TEST(what_is_no_usable_driver_is_refused_before_anything_is_played)
{
    assert_refused(play("./absent.so", NULL, NULL), "cannot open driver './absent.so'");
    assert_refused(play("./small.json", NULL, NULL), "cannot load driver './small.json'");
    assert_refused(play(DRIVER("no_symbol"), NULL, NULL), "lacks the symbol 'strandline_driver'");
    assert_refused(play(DRIVER("no_table"), NULL, NULL), "returns NULL");
    assert_refused(play(DRIVER("wrong_abi"), NULL, NULL), "is for version 3 of the interface");
    assert_refused(play(DRIVER("no_callback"), NULL, NULL), "lacks the callback 'open'");
}

DRIVER_TEST(a_driver_of_version_1_is_driven_and_what_it_does_not_declare_is_said)
{
    strandline_file("small.json", scenario);
    struct command_result result =
        strandline_run("run", "./small.json", "--transport", "memory", "--mode", "direct",
                       "--output", "report.json", "--driver", DRIVER("abi1"), NULL);
    assert_status(&result, 0);
    cr_assert(strstr(result.output, "as asked for, since the driver does not declare"));
    json_auto_t *root = strandline_json("report.json");
    cr_assert(strstr(json_text_at(root, "driver_undeclared"), "transport"));
    cr_assert_eq(json_number_at(root, "cells.0.trials.0.delivery.handled"), 200);
    assert_refused(play(DRIVER("abi1"), "--driver-arg", "a=b"), "knows no arguments");
}

DRIVER_TEST(faults_of_a_driver_are_listed)
{
    struct command_result result =
        strandline_run("run", "--list-faults", "--driver", DRIVER("declares"), NULL);
    assert_status(&result, 0);
    cr_assert_str_eq(result.output, "lose\n    some messages vanish\n    keys: nth=10\n");
}

DRIVER_TEST(what_a_driver_prints_is_passed_on_within_bounds_and_harmless)
{
    struct command_result result = play(DRIVER("declares"), "--driver-arg", "what=print");
    assert_status(&result, 0);
    cr_assert(strstr(result.errors, "declares: red ?[31m line\n"), "%s", result.errors);
    cr_assert(strstr(result.errors, "000 ... (600 more bytes)\n"), "%s", result.errors);
    cr_assert(strstr(result.errors, "declares: half a line\n"), "%s", result.errors);
}

/* Play until it crashes, and compare what is known of the crash. */
static void
assert_crash(const char *what, const char *signal, const char *thread, const char *function)
{
    struct command_result result = play(DRIVER("declares"), "--driver-arg", what);
    char text[128];

    assert_status(&result, 3);
    (void) snprintf(text, sizeof text, "was killed by %s during publish, on thread '%s", signal,
                    thread);
    cr_assert(strstr(result.output, text), "%s", result.output);
    json_auto_t *root = strandline_json("report.json");
    cr_assert_str_eq(json_text_at(root, "cells.0.trials.0.status"), "crashed");
    cr_assert_str_eq(json_text_at(root, "cells.0.trials.0.step"), "publish");
    cr_assert_str_eq(json_text_at(root, "cells.0.trials.0.hang_seen"), "crash");
    char *first = json_dumps(json_at(root, "cells.0.trials.0.hang_groups.0"), 0);
    cr_assert(strstr(first, function), "%s", first);
    cr_assert_null(strstr(first, "on_deadly_signal"), "%s", first);
    free(first);
}

DRIVER_TEST(a_crash_shows_its_thread_and_what_that_did)
{
#ifdef __SANITIZE_ADDRESS__
    cr_skip_test("AddressSanitizer reports a crash itself, and exits");
#endif
    assert_crash("what=write", "SIGSEGV", "strandline: ", "write_to_nowhere");
    assert_crash("what=abort", "SIGABRT", "aborter'", "aborter_main");
}

DRIVER_TEST(stacks_of_a_subject_that_exits_are_said_to_be_of_the_peak)
{
    struct command_result result = play(DRIVER("declares"), "--driver-arg", "what=exit");
    assert_status(&result, 3);
    cr_assert(strstr(result.output, "the subject ended early during close: the subject exited "
                                    "with status 7"),
              "%s", result.output);
    cr_assert(strstr(result.output, "as last seen, at the peak of the load"), "%s", result.output);
    cr_assert_null(strstr(result.output, "when it was ended"));
    cr_assert(strstr(result.output, "Close did not return"), "%s", result.output);
}

DRIVER_TEST(an_open_that_fails_is_no_failure_of_another_step)
{
    struct command_result result = play(DRIVER("declares"), "--driver-arg", "what=refuse");
    assert_status(&result, 3);
    cr_assert(strstr(result.output, "trial 1: failed: open: not today"), "%s", result.output);
    cr_assert(strstr(result.output, "did not get as far as Close"), "%s", result.output);
}

DRIVER_TEST(a_driver_that_is_played_is_the_only_process)
{
    struct command_result result = play(DRIVER("declares"), "--driver-arg", "what=count");
    assert_status(&result, 3);
    cr_assert(strstr(result.output, "trial 1: failed: open: 1 processes"), "%s", result.output);
}
