/* SPDX-License-Identifier: Apache-2.0 */
/* The end of processes, where there are none, or none to be seen. */
#include "sl_test.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/process/process.h"

SL_TEST(process_end, nobody_is_reaped_and_nobody_continued)
{
    struct sl_process process = SL_PROCESS_NONE;
    sigset_t continued, pending;

    cr_assert(sigemptyset(&continued) == 0 && sigaddset(&continued, SIGCONT) == 0);
    cr_assert_eq(sigprocmask(SIG_BLOCK, &continued, NULL), 0);
    (void) setpgid(0, 0); /* what is sent to the group is for us alone */
    cr_assert(sl_process_reap(&process, 0));
    cr_assert_eq(sigpending(&pending), 0);
    cr_assert_not(sigismember(&pending, SIGCONT));
}

SL_TEST(process_end, children_that_cannot_be_listed_are_not_taken_for_none)
{
    const struct children nobody = {0};
    struct sl_ended ended = {0};
    struct rlimit before, none;

    cr_assert_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = (struct rlimit){.rlim_cur = 0, .rlim_max = before.rlim_max};
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
    size_t n = children_end_round(&nobody, &ended);
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
    cr_assert_eq(n, 1);
}

/* The linker gives it its name: it is called for waitid. */
int __real_waitid(idtype_t type, id_t id, siginfo_t *ret_info, int options);
int __wrap_waitid(idtype_t type, id_t id, siginfo_t *ret_info, int options);

static bool ends_next; /* what is asked about next ends just after it was asked */

int __wrap_waitid(idtype_t type, id_t id, siginfo_t *ret_info, int options)
{
    int result = __real_waitid(type, id, ret_info, ends_next ? options & ~WNOHANG : options);

    if (ends_next)
        *ret_info = (siginfo_t){0};
    ends_next = false;
    return result;
}

SL_TEST(process_end, a_process_that_ends_a_moment_late_is_told_in_the_next_round)
{
    const struct children nobody = {0};
    struct sl_ended ended = {0};

    pid_t pid = fork();
    cr_assert_geq(pid, 0);
    while (pid == 0)
        (void) pause();
    ends_next = true;
    cr_assert_eq(children_end_round(&nobody, &ended), 1);
    cr_assert_eq(ended.n, 0);
    cr_assert_eq(children_end_round(&nobody, &ended), 1);
    cr_assert_eq(ended.n, 1);
    cr_assert_eq(ended.named[0].pid, pid);
    cr_assert_eq(children_end_round(&nobody, &ended), 0);
}
