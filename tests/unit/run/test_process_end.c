/* SPDX-License-Identifier: Apache-2.0 */
/* The end of processes, where there are none, or none to be seen. */
#include "sl_test.h"

#include <signal.h>
#include <sys/resource.h>
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
