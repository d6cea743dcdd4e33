/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/leak/stack/process_threads.h"

#include <stdio.h>
#include <sys/syscall.h>

#include "sl_test.h"
#include "snapshot_builder.h"

#define START   "|libc.so.6:start_thread|libc.so.6:clone3"
#define UNNAMED "|libc.so.6:|libc.so.6:" /* the same without libc's debug symbols */

static const char *judge(const char *frames, const char *name, int syscall, bool timed)
{
    SL_AUTO(sl_snapshot_builder) struct sl_snapshot_builder *builder = sl_snapshot_builder_new();
    struct sl_thread thread = {.stack = sl_build_stack(builder, frames),
                               .wait = {.syscall_nr = syscall, .timed = timed}};
    (void) snprintf(thread.name, sizeof thread.name, "%s", name);
    return process_threads_kind(&thread);
}

static void assert_of_process(const char *frames, const char *name, int syscall)
{
    cr_assert(judge(frames, name, syscall, true), "%s", frames);
}

static void assert_of_nobody(const char *frames, const char *name, int syscall)
{
    cr_assert_null(judge(frames, name, syscall, true), "%s", frames);
}

SL_TEST(leak_process_threads, the_helpers_of_glibc_are_known_with_and_without_its_symbols)
{
    assert_of_process("libc.so.6:sigtimedwait|libc.so.6:timer_helper_thread" START, "app",
                      SYS_rt_sigtimedwait);
    assert_of_process("libc.so.6:sigtimedwait|libc.so.6:" UNNAMED, "app", SYS_rt_sigtimedwait);
    assert_of_process("libc.so.6:futex|libc.so.6:handle_fildes_io" START, "app", SYS_futex);
    assert_of_nobody("libc.so.6:|libc.so.6:" UNNAMED, "app", SYS_futex);
}

SL_TEST(leak_process_threads, a_thread_that_was_started_with_a_function_of_libc_is_nobodys)
{
    assert_of_nobody("libc.so.6:sigtimedwait" START, "app", SYS_rt_sigtimedwait);
    assert_of_nobody("libc.so.6:sigtimedwait" UNNAMED, "app", SYS_rt_sigtimedwait);
    assert_of_nobody("libc.so.6:pause" UNNAMED, "app", SYS_pause);
}

SL_TEST(leak_process_threads, idle_teams_and_pools_are_known_by_their_library)
{
    assert_of_process("libgomp.so.1.0.0:|libgomp.so.1.0.0:" UNNAMED, "app", SYS_futex);
    assert_of_process(
        "libgomp-a34b3233.so.1.0.0:|libgomp-a34b3233.so.1.0.0:gomp_thread_start" START, "app",
        SYS_futex);
    assert_of_process(
        "libc.so.6:futex|libglib-2.0.so.0.7400.6:g_cond_wait_until|libglib-2.0.so.0."
        "7400.6:g_thread_pool_thread_proxy|libglib-2.0.so.0.7400.6:g_thread_proxy" START,
        "pool-app", SYS_futex);
    assert_of_process("libc.so.6:poll|libglib-2.0.so.0.7400.6:|libglib-2.0.so.0.7400.6:" UNNAMED,
                      "gmain", SYS_poll);
    assert_of_process("libc.so.6:futex|libuv.so.1.0.0:uv_cond_wait|libuv.so.1.0.0:" UNNAMED, "app",
                      SYS_futex);
}

SL_TEST(leak_process_threads, a_pools_thread_in_somebodys_function_is_no_idle_one)
{
    assert_of_nobody(
        "libc.so.6:futex|libbus.so:bus_publish|libgomp.so.1.0.0:gomp_thread_start" START, "app",
        SYS_futex);
    assert_of_nobody("libc.so.6:poll|libglib-2.0.so.0.7400.6:g_main_loop_run|libbus.so:loop"
                     "|libglib-2.0.so.0.7400.6:g_thread_proxy" START,
                     "gmain", SYS_poll);
}

SL_TEST(leak_process_threads, neither_a_name_nor_a_function_is_enough_without_its_library)
{
    assert_of_nobody("app:timer_helper_thread" START, "app", SYS_rt_sigtimedwait);
    assert_of_nobody("app:gomp_thread_start" START, "app", SYS_futex);
    assert_of_nobody("libgompa.so:gomp_thread_start" START, "app", SYS_futex);
    assert_of_nobody("libc.so.6:poll|app:" UNNAMED, "gmain", SYS_poll);
    /* A loop of the program's own, started with GLib's function. */
    assert_of_nobody("libc.so.6:poll|libglib-2.0.so.0.7400.6:|libglib-2.0.so.0.7400.6:"
                     "g_main_loop_run|libglib-2.0.so.0.7400.6:" UNNAMED,
                     "gmain", SYS_poll);
    assert_of_nobody("libc.so.6:epoll_wait|libuv.so.1.0.0:|libuv.so.1.0.0:uv_run" UNNAMED, "app",
                     SYS_epoll_wait);
}

SL_TEST(leak_process_threads, a_pools_thread_that_waits_for_ever_is_its_owners)
{
    static const char named[] = "libc.so.6:futex|libglib-2.0.so.0:g_async_queue_pop_unlocked"
                                "|libglib-2.0.so.0:g_thread_pool_thread_proxy"
                                "|libglib-2.0.so.0:g_thread_proxy" START;
    static const char nameless[] = "libc.so.6:futex|libglib-2.0.so.0:g_async_queue_pop_unlocked"
                                   "|libglib-2.0.so.0:|libglib-2.0.so.0:" UNNAMED;

    cr_assert_null(judge(named, "pool-app", SYS_futex, false));
    cr_assert_null(judge(nameless, "pool-app", SYS_futex, false));
    cr_assert(judge(nameless, "pool-app", SYS_futex, true));
}

SL_TEST(leak_process_threads, a_partial_stack_may_be_anybodys)
{
    SL_AUTO(sl_snapshot_builder) struct sl_snapshot_builder *builder = sl_snapshot_builder_new();
    struct sl_thread thread = {
        .stack = sl_build_partial(builder, "libgomp.so.1:gomp_thread_start", "no unwind table")};
    cr_assert_null(process_threads_kind(&thread));
    cr_assert_null(process_threads_kind(&(struct sl_thread){.name = "gmain"}));
}
