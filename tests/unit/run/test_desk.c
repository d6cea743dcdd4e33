/* SPDX-License-Identifier: Apache-2.0 */
/* A thread that crashes waits to be looked at. */
#include "sl_test.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "harness/process/desk.h"
#include "until.h"

static void ignore(int number)
{
    (void) number;
}

static void *crash(void *data)
{
    (void) raise(SIGTRAP);
    return data;
}

SL_TEST(desk, a_crash_is_told_until_its_thread_is_let_go)
{
    SL_AUTO(sl_desk) struct sl_desk *desk = NULL;
    struct sl_error err = {0};
    struct sl_crash told;
    pthread_t thread;
    int fd;

    cr_assert(signal(SIGTRAP, ignore) != SIG_ERR, "what the signal does in the end");
    sl_assert_ok(sl_desk_new(&desk, &fd, &err), &err);
    cr_assert_not(sl_desk_crash(desk, &told));
    sl_desk_adopt(fd);
    cr_assert_eq(pthread_create(&thread, NULL, crash, NULL), 0);
    cr_assert(sl_test_until(sl_desk_crash(desk, &told), 20 * SL_NS_PER_S));
    cr_assert(told.signal == SIGTRAP && told.tid > 0 && told.tid != getpid());
    sl_desk_release(desk);
    cr_assert_eq(pthread_join(thread, NULL), 0);
    cr_assert_not(sl_desk_crash(desk, &told), "nobody waits any more");
    sl_desk_leave();
}
