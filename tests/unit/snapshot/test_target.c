/* SPDX-License-Identifier: Apache-2.0 */
#include "sl_test.h"

#include <dirent.h>
#include <elf.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/macros.h"
#include "harness/snapshot/target/budget.h"
#include "harness/snapshot/target/descriptor.h"
#include "harness/snapshot/target/regular.h"
#include "harness/snapshot/target/syscall.h"
#include "harness/snapshot/target/target.h"

SL_TEST(target, a_name_with_parentheses_and_spaces_does_not_shift_the_fields)
{
    struct sl_stat stat;
    cr_assert(sl_stat_parse("17 (a) S (b) R 1 2 3 4 5 6 7 8 9 10 250 50 13 14 15 16 17 18 99887 "
                            "20 21\n",
                            &stat));
    cr_assert_str_eq(stat.name, "a) S (b");
    cr_assert_eq(stat.state, 'R');
    cr_assert_eq(stat.cpu_ticks, 300);
    cr_assert_eq(stat.start_time, 99887);
}

SL_TEST(target, a_thread_of_the_kernel_is_known_by_its_flags)
{
    static const char rest[] = " 0 0 0 0 0 0 0 0 0 0 0 0 24 0 0\n";
    char text[256];
    struct sl_stat stat;

    (void) snprintf(text, sizeof text, "2 (kthreadd) S 0 0 0 0 -1 2129984%s", rest);
    cr_assert(sl_stat_parse(text, &stat) && stat.kernel);
    (void) snprintf(text, sizeof text, "2 (init) S 0 0 0 0 -1 4194304%s", rest);
    cr_assert(sl_stat_parse(text, &stat) && !stat.kernel);
}

SL_TEST(target, a_thread_that_left_its_program_for_good_has_ended_whatever_its_state)
{
    struct sl_stat stat;

    cr_assert(sl_stat_parse("2 (a) R 0 0 0 0 -1 4194372 0 0 0 0 0 0 0 0 0 0 0 0 24 0 0\n", &stat));
    cr_assert(stat.exiting && sl_stat_has_ended(&stat));
    cr_assert(sl_stat_parse("2 (a) R 0 0 0 0 -1 4194368 0 0 0 0 0 0 0 0 0 0 0 0 24 0 0\n", &stat));
    cr_assert(!stat.exiting && !sl_stat_has_ended(&stat));
    cr_assert(sl_stat_parse("2 (a) X 0 0 0 0 -1 4194368 0 0 0 0 0 0 0 0 0 0 0 0 24 0 0\n", &stat));
    cr_assert(sl_stat_has_ended(&stat));
}

static size_t count_descriptors(void)
{
    DIR *descriptors = opendir("/proc/self/fd");
    size_t n = 0;

    cr_assert(descriptors);
    while (readdir(descriptors))
        n++;
    (void) closedir(descriptors);
    return n;
}

static bool is_none(int fd, const void *context)
{
    (void) fd, (void) context;
    return false;
}

SL_TEST(target, a_file_that_is_not_the_one_that_was_wanted_does_not_stay_open)
{
    SL_CLEANUP(sl_target_release) struct sl_target target = {.tid = 0};
    struct sl_error err = {0};

    sl_assert_ok(sl_target_open(getpid(), &target, &err), &err);
    size_t before = count_descriptors();
    cr_assert_eq(sl_regular_open_either(&target, "/proc/self/exe", is_none, NULL), -1);
    cr_assert_eq(sl_regular_open_either(&target, "/bin/sh", is_none, NULL), -1);
    cr_assert_eq(count_descriptors(), before);
}

SL_TEST(target, a_regular_file_is_opened_as_the_target_sees_it_and_a_link_only_where_it_may_be_one)
{
    char folder[] = "/tmp/strandline-test-XXXXXX", file[64], link[64];
    SL_CLEANUP(sl_target_release) struct sl_target target = {.tid = 0};
    struct sl_error err = {0};

    cr_assert(mkdtemp(folder));
    (void) snprintf(file, sizeof file, "%s/file", folder);
    (void) snprintf(link, sizeof link, "%s/link", folder);
    SL_AUTO_FD int made = open(file, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    cr_assert_eq(symlink("file", link), 0);
    sl_assert_ok(sl_target_open(getpid(), &target, &err), &err);
    {
        SL_AUTO_FD int direct = sl_regular_open_in(&target, file);
        SL_AUTO_FD int by_link = sl_regular_open_in(&target, link);
        SL_AUTO_FD int itself = sl_regular_open_itself_in(&target, file);
        cr_assert(made >= 0 && direct >= 0 && by_link >= 0 && itself >= 0);
    }
    cr_assert_lt(sl_regular_open_itself_in(&target, link), 0);
    cr_assert_lt(sl_regular_open_in(&target, folder), 0);
    (void) unlink(link);
    (void) unlink(file);
    (void) rmdir(folder);
    cr_assert_lt(sl_regular_open_in(&target, file), 0);
}

SL_TEST(target, a_root_directory_that_is_descriptor_0_is_one)
{
    SL_CLEANUP(sl_target_release) struct sl_target target = {.tid = 0};
    struct sl_error err = {0};

    sl_assert_ok(sl_target_open(getpid(), &target, &err), &err);
    (void) close(0);
    SL_AUTO_FD int fd = sl_regular_open_in(&target, "/bin/sh");
    cr_assert_gt(fd, 0);
}

/* @return the descriptor that nobody serves, or -1 where none may be mounted */
static int mount_silent(const char *folder)
{
    char options[96];

    int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
    (void) snprintf(options, sizeof options, "fd=%d,rootmode=40000,user_id=0,group_id=0", fd);
    if (fd >= 0 && unshare(CLONE_NEWNS) == 0 &&
        mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
        mount("silent", folder, "fuse", 0, options) == 0)
        return fd;
    if (fd >= 0)
        (void) close(fd);
    return -1;
}

SL_TEST(target, file_systems_that_do_not_answer_are_asked_a_few_times_only, .timeout = 60)
{
    char folder[] = "/tmp/strandline-test-XXXXXX", file[64], silent[64];
    SL_CLEANUP(sl_target_release) struct sl_target target = {.tid = 0};
    struct sl_budget budget;
    struct sl_error err = {0};

    cr_assert(mkdtemp(folder));
    (void) snprintf(file, sizeof file, "%s/file", folder);
    (void) snprintf(silent, sizeof silent, "%s/silent", folder);
    SL_AUTO_FD int made = open(file, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    cr_assert(made >= 0 && mkdir(silent, 0700) == 0);
    SL_AUTO_FD int server = mount_silent(silent);
    sl_assert_ok(sl_target_open(getpid(), &target, &err), &err);
    sl_budget_begin(&budget, (uint64_t[SL_N_BUDGET_PARTS]){0});
    target.budget = &budget;
    for (size_t i = 0; i < 8 && server >= 0; i++) {
        char path[96];
        (void) snprintf(path, sizeof path, "%s/%zu", silent, i);
        cr_assert_lt(sl_regular_open_in(&target, path), 0);
    }
    SL_AUTO_FD int known = sl_regular_open_in(&target, file);
    (void) umount2(silent, MNT_DETACH);
    (void) rmdir(silent);
    (void) unlink(file);
    (void) rmdir(folder);
    if (server < 0)
        cr_skip_test("no file system may be mounted");
    cr_assert(known >= 0);
    cr_assert_eq(atomic_load(&budget.n_silent), 4);
}

SL_TEST(target, a_cut_stat_line_is_refused)
{
    struct sl_stat stat;
    cr_assert_not(sl_stat_parse("", &stat));
    cr_assert_not(sl_stat_parse("17 (x", &stat));
    cr_assert_not(sl_stat_parse("17 (x)", &stat));
    cr_assert_not(sl_stat_parse("17 (x) R 1 2 3\n", &stat));
}

SL_TEST(target, the_three_forms_of_a_syscall_line_are_told_apart)
{
    struct sl_syscall call;
    cr_assert_eq(sl_syscall_parse("running\n", &call), SL_SYSCALL_RUNNING);
    cr_assert_eq(sl_syscall_parse("-1 0x7ffd10 0x401000\n", &call), SL_SYSCALL_BLOCKED);
    cr_assert(call.nr == -1 && call.sp == 0x7ffd10 && call.pc == 0x401000);
    cr_assert_eq(sl_syscall_parse("202 0x1 0x2 0x3 0x4 0x5 0x6 0x7ffd20 0x401008\n", &call),
                 SL_SYSCALL_BLOCKED);
    cr_assert(call.nr == 202 && call.args[0] == 1 && call.args[5] == 6);
    cr_assert(call.sp == 0x7ffd20 && call.pc == 0x401008);
}

SL_TEST(target, malformed_syscall_lines_are_refused)
{
    static const char *const cases[] = {
        "", "x", "202", "202 0x1 0x2\n", "-1 0x1\n", "202 0x1 0x2 0x3 0x4 0x5 0x6 0x7\n"};
    struct sl_syscall call;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_assert_eq(sl_syscall_parse(cases[i], &call), SL_SYSCALL_MALFORMED, "%s", cases[i]);
}

SL_TEST(target, run_counters_of_both_files_are_read)
{
    struct sl_run_count count;
    cr_assert(sl_schedstat_parse("123456 789 42\n", &count));
    cr_assert(count.cpu_ns == 123456 && count.switches == 42);
    cr_assert(sl_status_parse("Name:\tx\nvoluntary_ctxt_switches:\t40\n"
                              "nonvoluntary_ctxt_switches:\t2\n",
                              &count));
    cr_assert_eq(count.switches, 42);
    cr_assert_not(sl_schedstat_parse("123 4\n", &count));
    cr_assert_not(sl_status_parse("Name:\tx\n", &count));
}

SL_TEST(target, calls_that_would_return_eintr_are_not_restartable)
{
    /* epoll_wait, accept, recvfrom, semop, rt_sigtimedwait, io_getevents, a call without a row */
    static const int32_t unsafe[] = {232, 43, 45, 65, 128, 208, 334};
    /* futex, poll, nanosleep, wait4, pause */
    static const int32_t safe[] = {202, 7, 35, 61, 34};
    struct sl_syscall call = {0};

    for (size_t i = 0; i < sizeof unsafe / sizeof *unsafe; i++) {
        call.nr = unsafe[i];
        cr_assert_not(sl_syscall_restarts(&call, false), "%d", call.nr);
    }
    for (size_t i = 0; i < sizeof safe / sizeof *safe; i++) {
        call.nr = safe[i];
        cr_assert(sl_syscall_restarts(&call, false), "%d", call.nr);
    }
    call.nr = 0; /* read: of a pipe, and of a socket that may have a time-out */
    cr_assert(sl_syscall_restarts(&call, false));
    cr_assert_not(sl_syscall_restarts(&call, true));
}

SL_TEST(target, system_calls_have_their_names)
{
    cr_assert_str_eq(sl_syscall_name(0), "read");
    cr_assert_str_eq(sl_syscall_name(202), "futex");
    cr_assert_str_eq(sl_syscall_name(232), "epoll_wait");
    cr_assert_null(sl_syscall_name(-1));
    cr_assert_null(sl_syscall_name(100000));
}

SL_TEST(target, sockets_are_described_by_their_other_end)
{
    static const struct {
        const char *line, *expected;
    } cases[] = {
        {"   0: 0100007F:107E 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        "
         "0 "
         "4711 1 0000000000000000 100 0 0 10 0",
         "TCP 127.0.0.1:4222 (listening)"},
        {"   1: 0100007F:D431 0100007F:107E 01 00000000:00000000 00:00000000 00000000     0        "
         "0 "
         "4711 1 0000000000000000 20 4 30 10 -1",
         "TCP 127.0.0.1:4222"},
        {"   2: 00000000000000000000000001000000:1F90 00000000000000000000000000000000:0000 0A "
         "00000000:00000000 00:00000000 00000000     0        0 4711 1 0 100 0 0 10 0",
         "TCP [::1]:8080 (listening)"},
        {"   3: 0000000000000000FFFF00000100007F:1F90 0000000000000000FFFF00000200000A:0050 01 "
         "00000000:00000000 00:00000000 00000000     0        0 4711 1 0 100 0 0 10 0",
         "TCP 10.0.0.2:80"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        unsigned long inode = 0;
        char text[160] = "";
        cr_assert(sl_socket_parse_inet(cases[i].line, "TCP", &inode, text, sizeof text));
        cr_assert_eq(inode, 4711);
        cr_assert_str_eq(text, cases[i].expected);
    }
}

SL_TEST(target, what_the_kernel_did_not_hand_over_is_0)
{
    SL_CLEANUP(sl_target_release) struct sl_target target = {.tid = 0};
    struct sl_error err = {0};

    sl_assert_ok(sl_target_open(getpid(), &target, &err), &err);
    cr_assert_eq(sl_target_auxiliary(&target, AT_PAGESZ), (uint64_t) sysconf(_SC_PAGESIZE));
    cr_assert_eq(sl_target_auxiliary(&target, UINT64_MAX), 0);
}
