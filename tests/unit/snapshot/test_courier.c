/* SPDX-License-Identifier: Apache-2.0 */
#include "silence.h"
#include "sl_test.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/macros.h"
#include "harness/snapshot/killable/courier.h"
#include "harness/snapshot/killable/killable.h"

#define LONG (20 * SL_NS_PER_S) /* what is not given up takes microseconds */

static void expect_nobody_left(void)
{
    cr_assert(waitpid(-1, NULL, __WALL | WNOHANG) < 0 && errno == ECHILD, "a task is left");
}

static ssize_t fetch(struct sl_courier **courier, uint64_t limit_ns, const void *address, size_t n)
{
    sl_courier_luggage(*courier)->wanted[0] = (struct iovec){(void *) address, n};
    ssize_t got = sl_courier_fetch(courier, limit_ns, getpid(), 1, n);
    if (got == -ENOSYS)
        cr_skip_test("no task can be made beside the threads");
    return got;
}

/* The one child that this thread has; 0: none. */
static pid_t only_child(void)
{
    int child = 0;

    FILE *file = fopen("/proc/thread-self/children", "r");
    if (!file)
        cr_skip_test("this kernel does not tell children");
    if (fscanf(file, "%d", &child) != 1)
        child = 0;
    (void) fclose(file);
    return child;
}

SL_TEST(courier, parts_come_one_behind_the_other_and_a_hole_ends_them)
{
    static const char text[] = "what is there";
    SL_AUTO(sl_courier) struct sl_courier *courier = sl_courier_new();
    struct sl_luggage *luggage = sl_courier_luggage(courier);

    cr_assert_eq(fetch(&courier, LONG, text, sizeof text), (ssize_t) sizeof text);
    cr_assert_str_eq((const char *) luggage->data, text);
    luggage->wanted[0] = (struct iovec){(void *) (text + 5), 2};
    luggage->wanted[1] = (struct iovec){(void *) text, 4};
    luggage->wanted[2] = (struct iovec){(void *) 8, 4};
    luggage->wanted[3] = (struct iovec){(void *) text, 4};
    cr_assert_eq(sl_courier_fetch(&courier, LONG, getpid(), 4, 14), 6);
    cr_assert_eq(memcmp(luggage->data, "iswhat", 6), 0);
    cr_assert_eq(fetch(&courier, LONG, (const void *) 8, 4), -EFAULT);
}

SL_TEST(courier, one_task_does_all_until_it_is_freed)
{
    static const char text[] = "text";
    struct sl_courier *courier = sl_courier_new();

    cr_assert_eq(fetch(&courier, LONG, text, 1), 1);
    pid_t child = only_child();
    cr_assert_neq(child, 0);
    for (int i = 0; i < 1000; i++)
        cr_assert_eq(fetch(&courier, LONG, text, sizeof text), (ssize_t) sizeof text);
    cr_assert_eq(only_child(), child);
    sl_courier_free(courier);
    sl_killable_reap(LONG);
    expect_nobody_left();
}

SL_TEST(courier, one_that_somebody_ended_is_replaced)
{
    static const char text[] = "text";
    SL_AUTO(sl_courier) struct sl_courier *courier = sl_courier_new();

    cr_assert_eq(fetch(&courier, LONG, text, 1), 1);
    pid_t child = only_child();
    cr_assert_eq(kill(child, SIGKILL), 0);
    cr_assert_eq(fetch(&courier, LONG, text, 1), -ECHILD);
    cr_assert_eq(fetch(&courier, LONG, text, sizeof text), (ssize_t) sizeof text);
    cr_assert_neq(only_child(), child);
}

SL_TEST(courier, one_that_was_given_up_is_reaped)
{
    SL_AUTO(sl_courier) struct sl_courier *courier = sl_courier_new();
    unsigned char *page = sl_pages(1);

    sl_silence(page, 1);
    cr_assert_eq(fetch(&courier, SL_NS_PER_MS, page, 1), -ETIMEDOUT);
    cr_assert_null(courier);
    sl_killable_reap(LONG);
    expect_nobody_left();
}
