/* SPDX-License-Identifier: Apache-2.0 */
/* Snapshots by a process that may not do everything: what still works, and what is said. */
#include "sl_snapshot_test.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "sl_subject.h"

#define NOBODY 65534

/* From now on these calls fail with EPERM in this process, as in many a container. */
static void forbid_debugging(void)
{
    struct sock_filter program[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_process_vm_readv, 2, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_ptrace, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
    };
    const struct sock_fprog filter = {.len = SL_COUNT_OF(program), .filter = program};

    cr_assert(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    cr_assert(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0);
}

SL_TEST(snapshot_denied, without_process_vm_readv_memory_is_read_from_its_file, .timeout = 60)
{
    SL_AUTO_SUBJECT struct sl_test_subject subject = sl_subject("parked", "600", "3");

    await_sleep(subject.pid);
    forbid_debugging();
    SL_AUTO(sl_snapshot) struct sl_snapshot *snapshot = take(subject.pid);
    cr_assert_eq(snapshot->n_threads, 601);
    for (size_t i = 0; i < snapshot->n_threads; i++)
        cr_assert(snapshot->threads[i].consistent && snapshot->threads[i].stack->complete);
}

SL_TEST(snapshot_denied, without_ptrace_a_running_thread_has_a_reason_and_runs_on, .timeout = 60)
{
    SL_AUTO_SUBJECT struct sl_test_subject subject = sl_subject("spinner");
    size_t n_reasons = 0;

    forbid_debugging();
    SL_AUTO(sl_snapshot) struct sl_snapshot *snapshot = take(subject.pid);
    cr_assert_eq(snapshot->stats.stopped, 0);
    for (size_t i = 0; i < snapshot->n_threads; i++) {
        const struct sl_thread *thread = &snapshot->threads[i];
        cr_assert(thread->stack || thread->reason);
        n_reasons += thread->reason && strstr(thread->reason, "on a CPU");
    }
    cr_assert(n_reasons >= 1);
}

static void drop_privileges(void)
{
    if (geteuid() != 0)
        cr_skip("only the privileged can drop privileges");
    cr_assert(setgid(NOBODY) == 0 && setuid(NOBODY) == 0);
}

static void expect_refusal(pid_t pid)
{
    static const enum sl_snapshot_source sources[] = {SL_SNAPSHOT_AUTO, SL_SNAPSHOT_PROC,
                                                      SL_SNAPSHOT_PTRACE};
    for (size_t i = 0; i < SL_COUNT_OF(sources); i++) {
        const struct sl_snapshot_opts opts = {.size = sizeof opts, .source = sources[i]};
        struct sl_error err = {0};
        struct sl_snapshot *snapshot = NULL;
        cr_assert_eq(sl_snapshot_take(pid, &opts, &snapshot, &err), SL_EPERM);
        cr_assert(strncmp(err.text, "not allowed to read", 19) == 0, "%s", err.text);
    }
}

SL_TEST(snapshot_denied, a_process_of_another_user_is_refused_by_every_source, .timeout = 60)
{
    SL_AUTO_SUBJECT struct sl_test_subject subject = sl_subject("parked", "3");

    await_sleep(subject.pid);
    drop_privileges();
    expect_refusal(subject.pid);
}

SL_TEST(snapshot_denied, a_process_that_dropped_its_privileges_is_refused_its_own_stacks)
{
    drop_privileges();
    expect_refusal(getpid());
}

/* The program at its place in a folder that everybody may enter. */
static void copy_program(const char *from, const char *to, mode_t mode)
{
    SL_AUTO_FD int in = open(from, O_RDONLY | O_CLOEXEC);
    SL_AUTO_FD int out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0700);
    cr_assert(in >= 0 && out >= 0);
    while (sendfile(out, in, NULL, 1 << 20) > 0)
        continue;
    cr_assert(fchmod(out, mode) == 0);
}

/* Do its own functions have names, and those of the C library? */
static void expect_names(const char *program, bool own)
{
    SL_AUTO_SUBJECT struct sl_test_subject subject =
        sl_subject_start_as(NOBODY, (const char *const[]){program, "1", NULL});
    SL_AUTO(sl_snapshot) struct sl_snapshot *snapshot = take(subject.pid);
    const struct sl_stack *stack = snapshot->threads[1].stack;
    cr_assert(stack->complete);
    cr_assert(has_function(stack, "start_thread") || has_function(stack, "clone3"));
    cr_assert_eq(has_function(stack, "worker"), own);
}

SL_TEST(snapshot_denied, what_the_owner_may_not_read_is_not_shown_to_the_privileged, .timeout = 60)
{
    static const mode_t modes[] = {0711, 0755}; /* names that were seen once are known */
    char folder[] = "/tmp/strandline-names-XXXXXX", path[64];

    if (geteuid() != 0)
        cr_skip_test("only the privileged may read what others may not");
    cr_assert(mkdtemp(folder) && chmod(folder, 0755) == 0);
    (void) snprintf(path, sizeof path, "%s/program", folder);
    for (size_t i = 0; i < SL_COUNT_OF(modes); i++) {
        copy_program(SL_SUBJECTS_DIR "/parked", path, modes[i]);
        expect_names(path, modes[i] & S_IROTH);
        (void) unlink(path);
    }
    (void) rmdir(folder);
}
