/* SPDX-License-Identifier: Apache-2.0 */
/* `strandline doctor`: what it says of this machine, whatever that allows. */
#include "sl_test.h"

#include <string.h>
#include <unistd.h>

#include "base/macros.h"
#include "strandline.h"

#define DOCTOR_TEST(name)                                                                          \
    SL_TEST(cli_doctor, name, .init = strandline_enter, .fini = strandline_leave)

static const json_t *find_check(const json_t *root, const char *name)
{
    const json_t *checks = json_at(root, "checks"), *found = NULL;
    for (size_t i = 0; i < json_array_size(checks) && !found; i++)
        if (strcmp(json_text_at(json_array_get(checks, i), "name"), name) == 0)
            found = json_array_get(checks, i);
    cr_assert(found, "no check '%s'", name);
    return found;
}

DOCTOR_TEST(the_findings_as_json_agree_with_the_exit_status)
{
    static const char *const names[] = {
        "kernel",
        "yama",
        "capabilities",
        "dumpable",
        "btf",
        "source bpf",
        "source proc",
        "source ptrace",
        "own process",
        "snapshot",
        "kernel.pid_max",
        "RLIMIT_NPROC",
        "kernel.threads-max",
        "vm.max_map_count",
        "threads",
        "cgroup pids.max",
        "RLIMIT_NOFILE",
        "nats client",
        "nats-server",
        "process_vm_readv",
    };
    struct command_result result = strandline_run("doctor", "--json", NULL);
    json_error_t error;
    json_auto_t *root = json_loads(result.output, 0, &error);
    bool missing = false;

    cr_assert(root, "line %d: %s\n%s", error.line, error.text, result.errors);
    cr_assert_str_eq(json_text_at(root, "schema"), "strandline.doctor/1");
    for (size_t i = 0; i < SL_COUNT_OF(names); i++)
        (void) find_check(root, names[i]);
    const json_t *checks = json_at(root, "checks");
    for (size_t i = 0; i < json_array_size(checks); i++) {
        const json_t *check = json_array_get(checks, i);
        const char *state = json_text_at(check, "state");
        cr_assert_gt(strlen(json_text_at(check, "found")), 0);
        missing |= strcmp(state, "missing") == 0;
        /* What is not ok costs something, and what is ok costs nothing. */
        cr_assert_eq(strcmp(state, "ok") == 0, json_is_null(json_at(check, "cost")), "%s",
                     json_text_at(check, "name"));
    }
    cr_assert_eq(result.status, missing ? 3 : 0);
    cr_assert_eq(json_is_true(json_at(root, "ready")), !missing);
}

DOCTOR_TEST(every_check_is_a_line_and_the_last_line_sums_up)
{
    struct command_result result = strandline_run("doctor", NULL);

    cr_assert(result.status == 0 || result.status == 3);
    cr_assert(strstr(result.output, "  snapshot  "));
    cr_assert(strstr(result.output, "  source proc  "));
    cr_assert(strstr(result.output, result.status ? "\nnot ready: " : "\nready: "));
}

DOCTOR_TEST(a_server_that_cannot_be_found_limits_and_does_not_fail)
{
    /* The server may be in a folder that is always searched; then it is found all the same. */
    const char *const argv[] = {
        "/usr/bin/env", "PATH=/nonexistent", strandline_program(), "doctor", "--json", NULL};
    const struct command command = {.argv = argv};
    struct command_result result = command_run(&command);
    json_auto_t *root = json_loads(result.output, 0, NULL);

    cr_assert(root);
    cr_assert_str_neq(json_text_at(find_check(root, "nats-server"), "state"), "missing");
}

DOCTOR_TEST(few_threads_allowed_are_said_with_what_to_do)
{
    const char *const argv[] = {"setpriv", "--reuid=65534", "--clear-groups",
                                "prlimit", "--nproc=4000",  strandline_program(),
                                "doctor",  "--json",        NULL};
    const struct command command = {.argv = argv};

    if (getuid() != 0 || access("/usr/bin/setpriv", X_OK))
        cr_skip_test("needs root and setpriv");
    struct command_result result = command_run(&command);
    json_auto_t *root = json_loads(result.output, 0, NULL);
    if (!root)
        cr_skip_test("the program does not run as another user");
    const json_t *check = find_check(root, "RLIMIT_NPROC");
    cr_assert_str_eq(json_text_at(check, "state"), "limited");
    cr_assert_str_eq(json_text_at(check, "fix"), "ulimit -u unlimited");
    cr_assert_str_eq(json_text_at(find_check(root, "threads"), "state"), "limited");
    cr_assert_leq(json_number_at(root, "threads.room"), 4000);
}

DOCTOR_TEST(it_takes_no_operand)
{
    struct command_result result = strandline_run("doctor", "now", NULL);
    cr_assert_eq(result.status, 2);
    cr_assert(strstr(result.errors, "unexpected 'now'"));
}
