/* SPDX-License-Identifier: Apache-2.0 */
#include "sl_test.h"

#include <string.h>
#include <sys/resource.h>

#include "base/macros.h"
#include "harness/process/thread_room.h"

SL_TEST(thread_room, the_group_that_counts_processes_is_found)
{
    static const struct {
        const char *text, *directory; /* NULL: there is none */
    } cases[] = {
        {"0::/user.slice/a.scope\n", "/sys/fs/cgroup/user.slice/a.scope"},
        {"0::/\n", "/sys/fs/cgroup/"},
        {"9:name=systemd:/s\n8:pids:/docker/1\n0::/\n", "/sys/fs/cgroup/pids/docker/1"},
        {"0::/two\n4:cpu,pids,memory:/one\n", "/sys/fs/cgroup/pids/one"},
        {"3:cpu,cpuacct:/x\n", NULL},
        {"5:pidsx:/x\n", NULL},
        {"0::/a:b\n", "/sys/fs/cgroup/a:b"},
        {"rubbish\n\n::\n", "/sys/fs/cgroup"},
        {"rubbish", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < SL_COUNT_OF(cases); i++) {
        char directory[64];
        bool found = sl_cgroup_parse(cases[i].text, directory, sizeof directory);
        cr_assert_eq(found, cases[i].directory != NULL, "case %zu", i);
        if (found)
            cr_assert_str_eq(directory, cases[i].directory);
    }
}

SL_TEST(thread_room, a_group_whose_name_is_too_long_is_not_cut)
{
    char directory[20];
    cr_assert_not(sl_cgroup_parse("0::/a-name-that-is-long\n", directory, sizeof directory));
}

SL_TEST(thread_room, a_limit_is_a_number_or_max)
{
    uint64_t limit = 77;

    cr_assert(sl_limit_parse("max\n", &limit));
    cr_assert_eq(limit, SL_NO_LIMIT);
    cr_assert(sl_limit_parse("32768\n", &limit));
    cr_assert_eq(limit, 32768);
    static const char *const bad[] = {"", "maximum\n", "-1\n", "12 13\n",
                                      "99999999999999999999999\n"};
    for (size_t i = 0; i < SL_COUNT_OF(bad); i++)
        cr_assert_not(sl_limit_parse(bad[i], &limit), "'%s'", bad[i]);
    cr_assert_eq(limit, 32768);
}

SL_TEST(thread_room, the_real_user_and_the_threads_are_read_from_status)
{
    uint64_t uid = 0, threads = 0;

    cr_assert(
        sl_user_threads_parse("Name:\ta\nUid:\t1000\t0\t0\t0\nThreads:\t12\n", &uid, &threads));
    cr_assert_eq(uid, 1000);
    cr_assert_eq(threads, 12);
    cr_assert_not(sl_user_threads_parse("Name:\ta\nThreads:\t12\n", &uid, &threads));
}

SL_TEST(thread_room, the_limit_of_the_user_counts_all_of_his_threads_unless_he_is_exempt)
{
    struct sl_thread_limit limits[SL_N_THREAD_LIMITS];
    struct rlimit resource;

    cr_assert_eq(getrlimit(RLIMIT_NPROC, &resource), 0);
    resource.rlim_cur = SL_MIN(resource.rlim_max, 100000);
    cr_assert_eq(setrlimit(RLIMIT_NPROC, &resource), 0);
    sl_thread_room_read(false, limits);
    cr_assert_eq(limits[SL_LIMIT_NPROC].limit, resource.rlim_cur);
    cr_assert_geq(limits[SL_LIMIT_NPROC].used, 2, "this process and what started it");
    cr_assert_leq(limits[SL_LIMIT_NPROC].used, limits[SL_LIMIT_THREADS_MAX].limit);
    sl_thread_room_read(true, limits);
    cr_assert_eq(limits[SL_LIMIT_NPROC].limit, SL_NO_LIMIT);
}

SL_TEST(thread_room, a_limit_that_is_exceeded_leaves_nothing)
{
    const struct sl_thread_limit none = {.limit = SL_NO_LIMIT, .used = 5};
    const struct sl_thread_limit some = {.limit = 10, .used = 4};
    const struct sl_thread_limit exceeded = {.limit = 10, .used = 14};

    cr_assert_eq(sl_thread_room(&none), SL_NO_LIMIT);
    cr_assert_eq(sl_thread_room(&some), 6);
    cr_assert_eq(sl_thread_room(&exceeded), 0);
}

SL_TEST(thread_room, this_machine_has_room_for_this_test)
{
    struct sl_thread_limit limits[SL_N_THREAD_LIMITS];

    sl_thread_room_read(false, limits);
    for (size_t i = 0; i < SL_N_THREAD_LIMITS; i++)
        cr_assert_gt(strlen(limits[i].name), 0);
    cr_assert_lt(limits[SL_LIMIT_PID_MAX].limit, SL_NO_LIMIT);
    cr_assert_gt(limits[SL_LIMIT_PID_MAX].used, 0);
}
