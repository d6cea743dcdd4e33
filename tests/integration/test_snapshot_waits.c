/* SPDX-License-Identifier: Apache-2.0 */
/* What threads are said to wait for, and for whom. */
#include "sl_snapshot_test.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/stat.h>

#include "sl_subject.h"

static const char *const mutex_kinds[] = {"default",  "normal", "recursive", "errorcheck",
                                          "adaptive", "robust", "inherit",   "shared",
                                          "timed",    "c11"};
static const char *const own_functions[] = {"wrapper", "refill", "jobs", "exact", "timed_own"};

static const struct sl_snapshot_opts read_proc = {.size = sizeof read_proc,
                                                  .source = SL_SNAPSHOT_PROC};

/* Not where the C library is there as a shared object only. */
static bool is_built(const char *name)
{
    char path[512];
    (void) snprintf(path, sizeof path, "%s/%s", SL_SUBJECTS_DIR, name);
    return access(path, X_OK) == 0;
}

/* The first child of a process. */
static pid_t child_of(pid_t pid)
{
    char path[64];
    long child = 0;

    (void) snprintf(path, sizeof path, "/proc/%ld/task/%ld/children", (long) pid, (long) pid);
    FILE *file = fopen(path, "re");
    if (!file)
        return 0;
    if (fscanf(file, "%ld", &child) != 1)
        child = 0;
    (void) fclose(file);
    return (pid_t) child;
}

static void check_owners(pid_t pid, const struct sl_snapshot_opts *opts)
{
    await_sleep(pid);
    SL_AUTO(sl_snapshot) struct sl_snapshot *snapshot = take_with(pid, opts);
    pid_t holder = thread_named(snapshot, "holder")->id;
    for (size_t i = 0; i < SL_COUNT_OF(mutex_kinds); i++) {
        const struct sl_thread *thread = thread_named(snapshot, mutex_kinds[i]);
        cr_assert(thread, "%s", mutex_kinds[i]);
        cr_assert_eq(thread->wait.kind, SL_WAIT_MUTEX, "%s: %s", mutex_kinds[i],
                     sl_wait_kind_text(thread->wait.kind));
        cr_assert_eq(thread->wait.owner, holder, "%s: %ld is not %ld", mutex_kinds[i],
                     (long) thread->wait.owner, (long) holder);
    }
    const struct sl_thread *joiner = thread_named(snapshot, "joiner");
    cr_assert_eq(joiner->wait.kind, SL_WAIT_JOIN);
    cr_assert_eq(joiner->wait.owner, holder);
}

SL_TEST(snapshot_waits, the_holder_of_a_mutex_of_every_kind_is_named, .timeout = 60)
{
    SL_AUTO_SUBJECT struct sl_test_subject subject = sl_subject("locks");

    check_owners(subject.pid, &read_proc);
}

/* The thread that tN waits for is tM, or none where M is negative. */
static void check_edge(const struct sl_snapshot *snapshot, int waiter, int owner)
{
    char name[16], other[16];

    (void) snprintf(name, sizeof name, "t%d", waiter);
    (void) snprintf(other, sizeof other, "t%d", owner);
    const struct sl_thread *thread = thread_named(snapshot, name);
    const struct sl_thread *wanted = owner < 0 ? NULL : thread_named(snapshot, other);
    cr_assert(thread && (owner < 0 || wanted), "%s and %s", name, other);
    cr_assert_eq(thread->wait.owner, wanted ? (pid_t) wanted->id : 0,
                 "%s waits for %ld, not for %s", name, (long) thread->wait.owner, other);
}

SL_TEST(snapshot_waits, the_writer_of_a_lock_is_named_to_readers_and_writers, .timeout = 60)
{
    SL_AUTO_SUBJECT struct sl_test_subject subject =
        sl_subject("wait_graph", "none", "read:0", "write:0", "write:2", "normal:3");

    await_sleep(subject.pid);
    SL_AUTO(sl_snapshot) struct sl_snapshot *snapshot = take(subject.pid);
    cr_assert_eq(thread_named(snapshot, "t1")->wait.kind, SL_WAIT_RWLOCK);
    for (int i = 0; i < 5; i++)
        check_edge(snapshot, i, (const int[]){-1, 0, 0, 2, 3}[i]);
}

SL_TEST(snapshot_waits, who_ended_with_a_mutex_is_named_as_such_and_never_as_an_owner,
        .timeout = 60)
{
    SL_AUTO_SUBJECT struct sl_test_subject subject = sl_subject("wait_graph", "left", "none");

    await_sleep(subject.pid);
    SL_AUTO(sl_snapshot) struct sl_snapshot *snapshot = take(subject.pid);
    const struct sl_thread *thread = thread_named(snapshot, "t0");
    cr_assert_eq(thread->wait.kind, SL_WAIT_MUTEX);
    cr_assert_eq(thread->wait.owner, 0);
    cr_assert_gt(thread->wait.ended_owner, subject.pid);
    cr_assert_null(sl_snapshot_find(snapshot, (uint64_t) thread->wait.ended_owner));
}

SL_TEST(snapshot_waits, each_thread_of_a_circle_waits_for_the_next_whatever_the_lock, .timeout = 60)
{
    SL_AUTO_SUBJECT struct sl_test_subject subject = sl_subject(
        "wait_graph", "normal:1", "recursive:2", "errorcheck:3", "adaptive:4", "robust:5",
        "shared:6", "c11:7", "read:8", "write:9", "join:10", "inherit:0", "timed:3", "adaptive:12");

    await_sleep(subject.pid);
    SL_AUTO(sl_snapshot) struct sl_snapshot *snapshot = take(subject.pid);
    for (int i = 0; i < 11; i++)
        check_edge(snapshot, i, (i + 1) % 11);
    check_edge(snapshot, 11, 3);
    check_edge(snapshot, 12, 12);
}

/* The kernel refuses the last of these waits; what that is for, all registers tell. */
SL_TEST(snapshot_waits, a_wait_that_was_refused_for_a_circle_is_for_the_right_thread_or_for_none,
        .timeout = 60)
{
    static const int owners[] = {1, 2, 0, 3, 2};
    SL_AUTO_SUBJECT struct sl_test_subject subject = sl_subject(
        "wait_graph", "inherit:1", "inherit:2", "inherit:0", "inherit:3", "inherit:2", "none");

    await_sleep(subject.pid);
    SL_AUTO(sl_snapshot) struct sl_snapshot *some = take(subject.pid);
    SL_AUTO(sl_snapshot) struct sl_snapshot *all = take_bpf(subject.pid);
    for (int i = 0; i < 5; i++) {
        char name[16];
        (void) snprintf(name, sizeof name, "t%d", i);
        if (thread_named(some, name)->wait.owner)
            check_edge(some, i, owners[i]);
        if (all)
            check_edge(all, i, owners[i]);
    }
}

SL_TEST(snapshot_waits, so_is_it_where_the_threads_were_stopped, .timeout = 60)
{
    const struct sl_snapshot_opts stop = {
        .size = sizeof stop, .source = SL_SNAPSHOT_PTRACE, .allow_stop = true};
    SL_AUTO_SUBJECT struct sl_test_subject subject = sl_subject("locks");

    check_owners(subject.pid, &stop);
}

SL_TEST(snapshot_waits, a_static_program_has_the_same_primitives, .timeout = 60)
{
    const char *const argv[] = {"locks_static", NULL};

    if (!is_built(argv[0]))
        cr_skip_test("no static C library");
    SL_AUTO_SUBJECT struct sl_test_subject subject = sl_subject_start(argv);
    check_owners(subject.pid, &read_proc);
}

SL_TEST(snapshot_waits, a_holder_in_a_pid_namespace_is_named_by_its_id_out_here, .timeout = 60)
{
    struct sl_test_subject subject = sl_subject("locks", "nested");

    pid_t child = child_of(subject.pid);
    if (child)
        check_owners(child, &read_proc);
    int status = sl_subject_end(&subject);
    if (status == 77)
        cr_skip_test("no pid namespace can be made here");
    cr_assert_eq(status, 0);
    cr_assert(child);
}

static void check_own_functions(const char *program)
{
    SL_AUTO_SUBJECT struct sl_test_subject subject = sl_subject(program);

    await_sleep(subject.pid);
    SL_AUTO(sl_snapshot) struct sl_snapshot *snapshot = take(subject.pid);
    for (size_t i = 0; i < SL_COUNT_OF(own_functions); i++) {
        const struct sl_thread *thread = thread_named(snapshot, own_functions[i]);
        cr_assert(thread, "%s", own_functions[i]);
        cr_assert_eq(thread->wait.kind, SL_WAIT_FUTEX, "%s: %s", own_functions[i],
                     sl_wait_kind_text(thread->wait.kind));
        cr_assert_eq(thread->wait.owner, 0);
    }
}

SL_TEST(snapshot_waits, functions_named_like_those_of_the_c_library_are_none_of_them, .timeout = 60)
{
    check_own_functions("locks");
}

SL_TEST(snapshot_waits, nor_are_they_where_the_c_library_is_in_the_program, .timeout = 60)
{
    if (!is_built("locks_static"))
        cr_skip_test("no static C library");
    check_own_functions("locks_static");
}

/* stopped, traced, frozen */

static void await_state(pid_t pid, char state)
{
    for (;;) {
        struct sl_error err = {0};
        SL_AUTO(sl_tasks) struct sl_tasks *tasks = NULL;
        bool all = true;
        sl_assert_ok(sl_tasks_list(pid, &tasks, &err), &err);
        for (size_t i = 0; i < tasks->n_tasks; i++)
            all = all && tasks->tasks[i].state == state;
        if (all)
            return;
        sl_clock_sleep_ns(SL_NS_PER_MS);
    }
}

/* Everywhere: "held" begins so; a thread that runs otherwise waits for nothing. */
static void check_held(const struct sl_snapshot *snapshot, const char *held)
{
    for (size_t i = 0; i < snapshot->n_threads; i++) {
        const struct sl_wait *wait = &snapshot->threads[i].wait;
        cr_assert(wait->held && strncmp(wait->held, held, strlen(held)) == 0, "%s: %s",
                  snapshot->threads[i].name, wait->held ? wait->held : "not held");
        cr_assert_neq(wait->kind, SL_WAIT_FAULT);
    }
}

static void check_held_by_every_source(pid_t pid, const char *held)
{
    SL_AUTO(sl_snapshot) struct sl_snapshot *by_proc = take(pid);
    SL_AUTO(sl_snapshot) struct sl_snapshot *by_bpf = take_bpf(pid);
    check_held(by_proc, held);
    if (by_bpf)
        check_held(by_bpf, held);
}

SL_TEST(snapshot_waits, stopped_threads_are_said_to_be_stopped_whatever_they_did, .timeout = 60)
{
    static const char *const programs[] = {"spinner", "blocked_calls"};

    for (size_t i = 0; i < SL_COUNT_OF(programs); i++) {
        struct sl_test_subject subject = sl_subject(programs[i]);
        cr_assert(kill(subject.pid, SIGSTOP) == 0);
        await_state(subject.pid, 'T');
        check_held_by_every_source(subject.pid, "stopped");
        cr_assert(kill(subject.pid, SIGKILL) == 0);
        (void) sl_subject_end(&subject);
    }
}

SL_TEST(snapshot_waits, a_thread_in_a_tracers_hands_is_said_to_be_and_the_tracer_is_named,
        .timeout = 60)
{
    struct sl_test_subject subject = sl_subject("parked", "1", "1");
    int ready[2];
    char byte, held[64];

    await_sleep(subject.pid);
    cr_assert(pipe(ready) == 0);
    pid_t tracer = fork();
    if (tracer == 0) {
        (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void) prctl(PR_SET_NAME, "holds-it");
        if (ptrace(PTRACE_ATTACH, subject.pid, NULL, NULL) == 0 &&
            waitpid(subject.pid, NULL, __WALL) == subject.pid)
            (void) !write(ready[1], ".", 1);
        else
            (void) !write(ready[1], "!", 1);
        for (;;)
            (void) pause();
    }
    cr_assert(read(ready[0], &byte, 1) == 1);
    if (byte == '.') {
        SL_AUTO(sl_snapshot) struct sl_snapshot *snapshot = take(subject.pid);
        (void) snprintf(held, sizeof held, "traced by process %ld 'holds-it'", (long) tracer);
        cr_assert_str_eq(sl_snapshot_find(snapshot, subject.pid)->wait.held, held);
    }
    cr_assert(kill(tracer, SIGKILL) == 0 && waitpid(tracer, NULL, 0) == tracer);
    (void) kill(subject.pid, SIGKILL);
    (void) sl_subject_end(&subject);
    if (byte != '.')
        cr_skip_test("no process may be traced here");
}

SL_TEST(snapshot_waits, who_traces_a_running_thread_is_why_it_has_no_stack, .timeout = 60)
{
    struct sl_test_subject subject = sl_subject("spinner");
    int ready[2];
    char byte;
    size_t n_told = 0;

    cr_assert(pipe(ready) == 0);
    pid_t tracer = fork();
    if (tracer == 0) {
        SL_AUTO(sl_tasks) struct sl_tasks *tasks = NULL;
        (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void) prctl(PR_SET_NAME, "follows-it");
        bool done = sl_tasks_list(subject.pid, &tasks, NULL) == SL_OK;
        for (size_t i = 0; done && i < tasks->n_tasks; i++)
            done = ptrace(PTRACE_SEIZE, tasks->tasks[i].tid, NULL, NULL) == 0;
        (void) !write(ready[1], done ? "." : "!", 1);
        for (;;)
            (void) pause();
    }
    cr_assert(read(ready[0], &byte, 1) == 1);
    for (int i = 0; byte == '.' && i < 200 && !n_told; i++) {
        SL_AUTO(sl_snapshot) struct sl_snapshot *snapshot = take(subject.pid);
        for (size_t k = 0; k < snapshot->n_threads; k++)
            n_told += snapshot->threads[k].reason &&
                      strstr(snapshot->threads[k].reason, "'follows-it' traces it");
    }
    cr_assert(kill(tracer, SIGKILL) == 0 && waitpid(tracer, NULL, 0) == tracer);
    cr_assert_eq(sl_subject_end(&subject), 0);
    if (byte != '.')
        cr_skip_test("no process may be traced here");
    cr_assert(n_told);
}

static bool write_text(const char *folder, const char *file, const char *text)
{
    char path[128];
    (void) snprintf(path, sizeof path, "%s/%s", folder, file);
    SL_AUTO_FD int fd = open(path, O_WRONLY | O_CLOEXEC);
    return fd >= 0 && write(fd, text, strlen(text)) == (ssize_t) strlen(text);
}

/* In a mount namespace of its own.  @return false where that is not permitted */
static bool mount_groups(const char *folder)
{
    return unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
           mount("none", folder, "cgroup2", 0, NULL) == 0;
}

static void await_frozen(const char *folder)
{
    char path[128], text[256] = "";

    (void) snprintf(path, sizeof path, "%s/cgroup.events", folder);
    while (!strstr(text, "frozen 1")) {
        SL_AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t got = read(fd, text, sizeof text - 1);
        text[got > 0 ? got : 0] = '\0';
        sl_clock_sleep_ns(SL_NS_PER_MS);
    }
}

SL_TEST(snapshot_waits, a_frozen_process_is_said_to_be_frozen, .timeout = 60)
{
    static const char *const programs[] = {"spinner", "blocked_calls"};
    char folder[] = "/tmp/strandline-test-XXXXXX", group[96], id[32];

    cr_assert(mkdtemp(folder));
    if (!mount_groups(folder)) {
        (void) rmdir(folder);
        cr_skip_test("control groups may not be mounted here");
    }
    (void) snprintf(group, sizeof group, "%s/strandline-test-%ld", folder, (long) getpid());
    bool is_made = mkdir(group, 0700) == 0;
    for (size_t i = 0; is_made && i < SL_COUNT_OF(programs); i++) {
        struct sl_test_subject subject = sl_subject(programs[i]);
        (void) snprintf(id, sizeof id, "%ld", (long) subject.pid);
        cr_assert(write_text(group, "cgroup.procs", id));
        cr_assert(write_text(group, "cgroup.freeze", "1"));
        await_frozen(group);
        check_held_by_every_source(subject.pid, "frozen");
        cr_assert(write_text(group, "cgroup.freeze", "0"));
        (void) kill(subject.pid, SIGKILL);
        (void) sl_subject_end(&subject);
    }
    while (is_made && rmdir(group) && errno == EBUSY) /* the process is on its way out of it */
        sl_clock_sleep_ns(SL_NS_PER_MS);
    (void) umount2(folder, MNT_DETACH);
    (void) rmdir(folder);
    if (!is_made)
        cr_skip_test("no control group can be made here");
}

/* restarted calls */

static const struct {
    const char *name, *call, *target;
    enum sl_wait_kind kind;
} restarted[] = {
    {"poll", "poll", "pipe:[", SL_WAIT_POLL},
    {"sleep", "clock_nanosleep", NULL, SL_WAIT_SLEEP},
    {"condition", "futex", NULL, SL_WAIT_CONDITION},
    {"semaphore", "futex", NULL, SL_WAIT_SEMAPHORE},
    {"mutex", "futex", NULL, SL_WAIT_MUTEX},
};

static void check_restarted(pid_t pid)
{
    SL_AUTO(sl_snapshot) struct sl_snapshot *snapshot = take(pid);
    for (size_t i = 0; i < SL_COUNT_OF(restarted); i++) {
        const struct sl_wait *wait = &thread_named(snapshot, restarted[i].name)->wait;
        const char *target = restarted[i].target;
        cr_assert_eq(wait->kind, restarted[i].kind, "%s: %s", restarted[i].name,
                     sl_wait_kind_text(wait->kind));
        cr_assert_str_eq(wait->syscall, restarted[i].call);
        cr_assert(wait->timed, "%s", restarted[i].name);
        cr_assert(!target || (wait->target && strncmp(wait->target, target, strlen(target)) == 0));
    }
    cr_assert_eq(thread_named(snapshot, "mutex")->wait.owner, pid);
    const struct sl_wait *raw = &thread_named(snapshot, "raw")->wait;
    cr_assert_eq(raw->kind, SL_WAIT_OTHER, "its code does not tell which call it is");
    cr_assert_not(raw->timed);
    cr_assert_str_eq(sl_wait_call_text(raw), "a call that the kernel restarted");
}

SL_TEST(snapshot_waits, a_call_that_goes_on_after_job_control_is_the_call_that_it_was,
        .timeout = 60)
{
    SL_AUTO_SUBJECT struct sl_test_subject subject = sl_subject("interrupted");

    await_sleep(subject.pid);
    cr_assert(kill(subject.pid, SIGSTOP) == 0);
    await_state(subject.pid, 'T');
    cr_assert(kill(subject.pid, SIGCONT) == 0);
    await_sleep(subject.pid);
    check_restarted(subject.pid);
}

SL_TEST(snapshot_waits, so_is_one_that_goes_on_after_a_look_that_stopped_it, .timeout = 60)
{
    const char *const argv[] = {"interrupted", NULL};
    const struct sl_snapshot_opts opts = {.size = sizeof opts, .source = SL_SNAPSHOT_PTRACE};
    SL_AUTO_SUBJECT struct sl_test_subject subject = sl_subject_start(argv);

    await_sleep(subject.pid);
    for (int i = 0; i < 2; i++) { /* a restarted call may be restarted again */
        SL_AUTO(sl_snapshot) struct sl_snapshot *snapshot = take_with(subject.pid, &opts);
        cr_assert(snapshot->stats.stopped > 0);
        await_sleep(subject.pid);
    }
    check_restarted(subject.pid);
}

SL_TEST(snapshot_waits, what_a_stop_costs_a_thread_is_told_with_it, .timeout = 60)
{
    SL_AUTO_SUBJECT struct sl_test_subject subject = sl_subject("interrupted");

    await_sleep(subject.pid);
    SL_AUTO(sl_snapshot) struct sl_snapshot *first = take(subject.pid);
    await_sleep(subject.pid);
    SL_AUTO(sl_snapshot) struct sl_snapshot *second = take(subject.pid);
    const struct sl_thread *before = thread_named(first, "frame");
    const struct sl_thread *after = thread_named(second, "frame");
    if (!before->cost.stopped) /* where it had to be stopped and was not, it has no whole stack */
        cr_skip_test("no process may be traced here");
    cr_assert(before->stack->complete && before->source == SL_SOURCE_PTRACE);
    if (before->cost.known) /* it was back soon enough to be seen */
        cr_assert_eq(before->switches + before->cost.switches, after->switches);
    const struct sl_thread *other = thread_named(first, "sleep");
    cr_assert(!other->cost.stopped);
    cr_assert_eq(other->switches, thread_named(second, "sleep")->switches);
    bool known = before->cost.known;
    for (int i = 0; i < 100 && !known; i++) {
        await_sleep(subject.pid);
        SL_AUTO(sl_snapshot) struct sl_snapshot *again = take(subject.pid);
        known = thread_named(again, "frame")->cost.known;
    }
    cr_assert(known, "it is never back in time");
}
