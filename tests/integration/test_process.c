/* SPDX-License-Identifier: Apache-2.0 */
/* Programs that are started with what they need, and nothing else. */
#include "sl_test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "harness/process/process.h"

#define PATIENCE_NS (20 * SL_NS_PER_S)

/* What a shell prints that was launched with one end of a pipe, which holds "hello". */
static void run_shell(const char *script, bool pass, char *ret_output, size_t size)
{
    int ends[2];
    char number[32];
    struct sl_process process;
    struct sl_error err = {0};

    cr_assert_eq(pipe(ends), 0);
    cr_assert_eq(write(ends[1], "hello", 5), 5);
    (void) snprintf(number, sizeof number, "FD=%d", ends[0]);
    const char *argv[] = {"a title", "-c", script, NULL};
    const char *environment[] = {"GREETING=good morning", number, NULL};
    const struct sl_launch launch = {.program = "sh",
                                     .argv = argv,
                                     .environment = environment,
                                     .fds = &ends[0],
                                     .n_fds = pass,
                                     .own_group = true,
                                     .capture = true};
    sl_assert_ok(sl_process_launch(&launch, &process, &err), &err);
    (void) close(ends[1]);
    cr_assert(sl_process_reap(&process, PATIENCE_NS));
    cr_assert(WIFEXITED(process.wait_status) && WEXITSTATUS(process.wait_status) == 0);
    sl_process_output(&process, ret_output, size);
    sl_process_end(&process);
    (void) close(ends[0]);
}

SL_TEST(process, a_program_has_the_environment_and_descriptors_that_it_was_given)
{
    char output[256];

    run_shell("echo $0: $GREETING $HOME.; read line </proc/self/fd/$FD; echo $line", true, output,
              sizeof output);
    cr_assert_str_eq(output, "a title: good morning . hello");
}

SL_TEST(process, a_program_has_no_other_descriptor)
{
    char output[256];

    run_shell("test -e /proc/$$/fd/$FD || echo closed", false, output, sizeof output);
    cr_assert_str_eq(output, "closed");
}

SL_TEST(process, what_cannot_be_executed_is_an_error_and_leaves_no_process)
{
    const char *argv[] = {"nothing", NULL};
    struct sl_launch launch = {.program = "/nowhere/nothing", .argv = argv};
    struct sl_process process;
    struct sl_error err = {0};

    sl_assert_fails(sl_process_launch(&launch, &process, &err), SL_ENOENT, &err,
                    "there is no program '/nowhere/nothing'");
    launch.program = "/etc/passwd";
    sl_assert_fails(sl_process_launch(&launch, &process, &err), SL_EPERM, &err,
                    "cannot execute '/etc/passwd'");
    cr_assert(waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD);
}

SL_TEST(process, a_program_that_goes_on_is_killed_and_reaped)
{
    int ends[2];
    const char *argv[] = {"cat", NULL};
    struct sl_process process;
    struct sl_error err = {0};

    for (int own_group = 0; own_group < 2; own_group++) {
        const struct sl_launch launch = {.program = "cat", .argv = argv, .own_group = own_group};
        cr_assert_eq(pipe(ends), 0);
        int standard_input = dup(STDIN_FILENO);
        cr_assert_eq(dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
        sl_assert_ok(sl_process_launch(&launch, &process, &err), &err);
        (void) dup2(standard_input, STDIN_FILENO);
        cr_assert_eq(getpgid(process.pid), own_group ? process.pid : getpgrp());
        cr_assert_not(sl_process_reap(&process, SL_NS_PER_MS), "it waits for its input");
        cr_assert(WIFSIGNALED(process.wait_status));
        sl_process_end(&process);
        (void) close(ends[0]);
        (void) close(ends[1]);
        (void) close(standard_input);
    }
}
