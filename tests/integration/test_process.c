/* SPDX-License-Identifier: Apache-2.0 */
/* Programs that are started with what they need, and nothing else. */
#include "sl_test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/process/launch.h"

/* What a shell prints that was launched with one end of a pipe, which holds "hello". */
static void run_shell(const char *script, bool pass, char *ret_output, size_t size)
{
    int ends[2], output[2], wait_status;
    char number[32];
    pid_t pid;
    struct sl_error err = {0};

    cr_assert_eq(pipe(ends), 0);
    cr_assert_eq(pipe(output), 0);
    cr_assert_eq(write(ends[1], "hello", 5), 5);
    (void) snprintf(number, sizeof number, "FD=%d", ends[0]);
    const char *argv[] = {"a title", "-c", script, NULL};
    const char *environment[] = {"GREETING=good morning", number, NULL};
    const struct sl_launch launch = {.program = "sh",
                                     .argv = argv,
                                     .environment = environment,
                                     .fds = &ends[0],
                                     .n_fds = pass,
                                     .capture = true,
                                     .output_fd = output[1]};
    sl_assert_ok(sl_process_launch(&launch, &pid, &err), &err);
    (void) close(ends[1]);
    (void) close(output[1]);
    cr_assert_eq(waitpid(pid, &wait_status, 0), pid);
    cr_assert(WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 0);
    ssize_t n = read(output[0], ret_output, size - 1);
    cr_assert_gt(n, 0);
    ret_output[n - 1] = '\0'; /* without the end of the line */
    (void) close(output[0]);
    (void) close(ends[0]);
}

SL_TEST(process, a_program_has_the_environment_and_descriptors_that_it_was_given)
{
    char output[256];

    run_shell("echo $0: $GREETING $HOME.; read line </proc/self/fd/$FD; echo $line", true, output,
              sizeof output);
    cr_assert_str_eq(output, "a title: good morning .\nhello");
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
    struct sl_error err = {0};
    pid_t pid;

    sl_assert_fails(sl_process_launch(&launch, &pid, &err), SL_ENOENT, &err,
                    "there is no program '/nowhere/nothing'");
    launch.program = "/etc/passwd";
    sl_assert_fails(sl_process_launch(&launch, &pid, &err), SL_EPERM, &err,
                    "cannot execute '/etc/passwd'");
    cr_assert(waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD);
}

SL_TEST(process, a_program_leads_a_session_of_its_own_where_it_is_to)
{
    for (int own = 0; own < 2; own++) {
        int input[2], wait_status;
        const char *argv[] = {"sh", "-c", "read line <&$FD", NULL};
        char number[32];
        struct sl_error err = {0};
        pid_t pid;

        cr_assert_eq(pipe(input), 0);
        (void) snprintf(number, sizeof number, "FD=%d", input[0]);
        const char *environment[] = {number, NULL};
        const struct sl_launch launch = {.program = "sh",
                                         .argv = argv,
                                         .environment = environment,
                                         .fds = &input[0],
                                         .n_fds = 1,
                                         .own_session = own};
        sl_assert_ok(sl_process_launch(&launch, &pid, &err), &err);
        cr_assert_eq(getsid(pid), own ? pid : getsid(0));
        (void) close(input[1]);
        cr_assert_eq(waitpid(pid, &wait_status, 0), pid);
        (void) close(input[0]);
    }
}
