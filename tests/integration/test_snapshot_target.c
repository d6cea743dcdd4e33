/* SPDX-License-Identifier: Apache-2.0 */
/* Processes that can not be looked at, or change meanwhile: what is said of them is so. */
#include "sl_snapshot_test.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include "sl_subject.h"

#define EXIT_SKIP 77

SL_TEST(snapshot_target, a_want_of_descriptors_is_told_and_never_an_end_of_the_process,
        .timeout = 60)
{
    SL_AUTO_SUBJECT struct sl_test_subject subject = sl_subject("parked", "3", "1");
    struct rlimit limit;

    await_sleep(subject.pid);
    sl_snapshot_free(take(subject.pid)); /* libunwind keeps a pipe from its first use on */
    cr_assert(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    const rlim_t in_use = limit.rlim_cur - (rlim_t) sl_target_spare_fds();
    for (rlim_t spare = 0; spare < 8; spare++) {
        struct sl_error err = {0};
        struct sl_snapshot *snapshot = NULL;
        limit.rlim_cur = in_use + spare;
        cr_assert(setrlimit(RLIMIT_NOFILE, &limit) == 0);
        enum sl_status status = sl_snapshot_take(subject.pid, NULL, &snapshot, &err);
        cr_assert_neq(status, SL_EGONE, "%s", err.text);
        if (status)
            cr_assert(strstr(err.text, "Too many open files"), "%s", err.text);
        else
            cr_assert_eq(snapshot->n_threads, 4);
        sl_snapshot_free(snapshot);
    }
}

SL_TEST(snapshot_target, a_thread_of_the_kernel_is_said_to_be_one)
{
    const pid_t kthreadd = 2;
    char path[64], name[32] = "";
    struct sl_error err = {0};
    struct sl_snapshot *snapshot = NULL;

    (void) snprintf(path, sizeof path, "/proc/%d/comm", (int) kthreadd);
    SL_AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || read(fd, name, sizeof name - 1) <= 0 || strcmp(name, "kthreadd\n") != 0)
        cr_skip_test("threads of the kernel are not seen here");
    sl_assert_fails(sl_snapshot_take(kthreadd, NULL, &snapshot, &err), SL_ENOTSUP, &err,
                    "is a thread of the kernel");
}

SL_TEST(snapshot_target, a_leader_that_ends_between_two_readings_is_no_end_of_the_process)
{
    SL_AUTO_SUBJECT struct sl_test_subject subject = sl_subject("leader_gone");
    struct sl_target target;
    struct sl_error err;
    SL_AUTO_FREE char *maps = NULL;
    size_t size;

    sl_assert_ok(sl_target_open(subject.pid, &target, &err), &err);
    target.tid = target.pid; /* as if it had been opened while the leader lived */
    sl_assert_ok(sl_target_read_all(&target, "maps", &maps, &size, &err), &err);
    cr_assert_gt(size, 0);
    sl_target_release(&target);
}

SL_TEST(snapshot_target, a_process_that_replaces_its_program_is_seen_whole_or_said_to_do_so,
        .timeout = 100)
{
    static const char *const pauses[] = {"0", "1", "40"};

    for (size_t i = 0; i < SL_COUNT_OF(pauses); i++) {
        struct sl_test_subject subject = sl_subject("replaces", pauses[i]);
        for (int round = 0; round < 10; round++) {
            struct sl_error err = {0};
            SL_AUTO(sl_snapshot) struct sl_snapshot *snapshot = NULL;
            enum sl_status status = sl_snapshot_take(subject.pid, NULL, &snapshot, &err);
            if (status)
                cr_assert(status == SL_EBUSY && strstr(err.text, "replaces its program"), "%s: %s",
                          sl_status_text(status), err.text);
            else
                cr_assert(snapshot->n_threads >= 1 && snapshot->n_threads <= 4);
        }
        cr_assert(kill(subject.pid, SIGKILL) == 0);
        cr_assert_eq(sl_subject_end(&subject), -SIGKILL);
    }
}

/* In a namespace that `prepare` makes.  @return the exit status of who looked */
static int look_elsewhere(bool (*prepare)(void), const char *wanted)
{
    int status;

    pid_t pid = fork();
    if (pid == 0) {
        struct sl_error err = {0};
        struct sl_snapshot *snapshot = NULL;
        if (!prepare())
            _exit(EXIT_SKIP);
        pid_t child = fork();
        if (child == 0)
            _exit(sl_snapshot_take(1, NULL, &snapshot, &err) == SL_ENOTSUP &&
                          strstr(err.text, wanted)
                      ? 0
                      : 1);
        _exit(waitpid(child, &status, 0) == child && WIFEXITED(status) ? WEXITSTATUS(status) : 1);
    }
    cr_assert(waitpid(pid, &status, 0) == pid && WIFEXITED(status));
    return WEXITSTATUS(status);
}

static bool leave_pid_namespace(void)
{
    return unshare(CLONE_NEWPID) == 0;
}

static bool hide_proc(void)
{
    return unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
           mount("none", "/proc", "tmpfs", 0, NULL) == 0;
}

SL_TEST(snapshot_target, ids_are_not_looked_up_in_the_proc_of_another_namespace, .timeout = 60)
{
    int status = look_elsewhere(leave_pid_namespace, "another pid namespace");
    if (status == EXIT_SKIP)
        cr_skip_test("no pid namespace can be made here");
    cr_assert_eq(status, 0);
}

SL_TEST(snapshot_target, a_missing_proc_is_said_to_be_missing, .timeout = 60)
{
    int status = look_elsewhere(hide_proc, "is not mounted");
    if (status == EXIT_SKIP)
        cr_skip_test("nothing may be mounted here");
    cr_assert_eq(status, 0);
}
