/* SPDX-License-Identifier: Apache-2.0 */
/* What a snapshot says of a process, and that taking it changes nothing there. */
#include "sl_snapshot_test.h"

#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <sys/resource.h>

#include "sl_subject.h"

/* Builds of blocked_calls that this machine could make. */
static const char *const layouts[] = {SL_LAYOUTS NULL};

SL_TEST(snapshot, options_without_their_size_are_refused)
{
    const struct sl_snapshot_opts opts = {.no_symbols = true};
    struct sl_snapshot *snapshot = NULL;
    struct sl_error err = {0};

    sl_assert_fails(sl_snapshot_take(getpid(), &opts, &snapshot, &err), SL_EINVAL, &err,
                    "the size of the options is not set");
    cr_assert_null(snapshot);
}

SL_TEST(snapshot, parked_threads_are_complete_and_share_stacks, .timeout = 60)
{
    SL_AUTO_SUBJECT struct sl_test_subject subject = sl_subject("parked", "500", "5");
    const struct sl_stack *distinct[8];
    size_t n_distinct = 0, n_parked = 0;

    await_sleep(subject.pid);
    SL_AUTO(sl_snapshot) struct sl_snapshot *snapshot = take(subject.pid);
    cr_assert_eq(snapshot->n_threads, 501);
    cr_assert_eq(snapshot->stats.threads, 501);
    for (size_t i = 0; i < snapshot->n_threads; i++) {
        const struct sl_thread *thread = &snapshot->threads[i];
        cr_assert(thread->stack && thread->stack->complete && thread->consistent);
        cr_assert(i == 0 || thread->id > thread[-1].id);
        if (!has_function(thread->stack, "park"))
            continue;
        n_parked++;
        cr_assert_eq(thread->wait.kind, SL_WAIT_CONDITION);
        cr_assert(has_function(thread->stack, "pthread_cond_wait"));
        cr_assert(has_function(thread->stack, "worker"));
        size_t depth = count_function(thread->stack, "level");
        cr_assert(depth >= 1 && depth <= 5);
        size_t known = 0;
        while (known < n_distinct && distinct[known] != thread->stack)
            known++;
        if (known == n_distinct)
            distinct[n_distinct++] = thread->stack;
        cr_assert(n_distinct <= 5);
    }
    cr_assert_eq(n_parked, 500);
    cr_assert_eq(n_distinct, 5);
    cr_assert_eq(snapshot->stats.unwound, 6, "five depths and the main thread");
    cr_assert_eq(snapshot->stats.memoised, 495);
}

SL_TEST(snapshot, blocked_threads_neither_run_nor_stop, .timeout = 60)
{
    SL_AUTO_SUBJECT struct sl_test_subject subject = sl_subject("parked", "200", "3");

    await_sleep(subject.pid);
    uint64_t before = count_switches(subject.pid);
    SL_AUTO(sl_snapshot) struct sl_snapshot *snapshot = take(subject.pid);
    cr_assert_eq(count_switches(subject.pid), before);
    cr_assert_eq(snapshot->stats.stopped, 0);
    cr_assert_eq(snapshot->stats.retried, 0);
}

SL_TEST(snapshot, few_threads_that_wait_are_read_from_files, .timeout = 60)
{
    SL_AUTO_SUBJECT struct sl_test_subject few = sl_subject("parked", "3", "1");
    SL_AUTO_SUBJECT struct sl_test_subject busy = sl_subject("spinner", "1");
    const struct sl_snapshot_opts automatic = {.size = sizeof automatic};

    await_sleep(few.pid);
    SL_AUTO(sl_snapshot) struct sl_snapshot *of_few = take_with(few.pid, &automatic);
    SL_AUTO(sl_snapshot) struct sl_snapshot *of_busy = take_with(busy.pid, &automatic);
    SL_AUTO(sl_snapshot) struct sl_snapshot *by_bpf = take_bpf(busy.pid);
    for (size_t i = 0; i < of_few->n_threads; i++)
        cr_assert_eq(of_few->threads[i].source, SL_SOURCE_PROC);
    if (!by_bpf)
        cr_skip_test("the bpf source is not permitted");
    cr_assert_eq(of_busy->threads[0].source, SL_SOURCE_BPF, "one of its threads runs");
    SL_AUTO(sl_snapshot) struct sl_snapshot *again = take_with(few.pid, &automatic);
    cr_assert_eq(again->threads[0].source, SL_SOURCE_BPF, "its program is loaded by now");
}

SL_TEST(snapshot, many_threads_are_read_by_bpf, .timeout = 60)
{
    SL_AUTO_SUBJECT struct sl_test_subject many = sl_subject("parked", "200", "1");
    const struct sl_snapshot_opts automatic = {.size = sizeof automatic};

    await_sleep(many.pid);
    SL_AUTO(sl_snapshot) struct sl_snapshot *of_many = take_with(many.pid, &automatic);
    SL_AUTO(sl_snapshot) struct sl_snapshot *by_bpf = take_bpf(many.pid);
    if (!by_bpf)
        cr_skip_test("the bpf source is not permitted");
    for (size_t i = 0; i < of_many->n_threads; i++)
        cr_assert_eq(of_many->threads[i].source, SL_SOURCE_BPF);
}

SL_TEST(snapshot, afterwards_no_descriptor_is_left_open_however_few_there_are, .timeout = 60)
{
    SL_AUTO_SUBJECT struct sl_test_subject subject = sl_subject("parked", "600", "3");
    struct rlimit limit;

    await_sleep(subject.pid);
    sl_snapshot_free(take(subject.pid)); /* libunwind keeps a pipe from its first use on */
    cr_assert(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    for (int spare = 400; spare >= 25; spare /= 4) {
        limit.rlim_cur = limit.rlim_cur - (rlim_t) sl_target_spare_fds() + (rlim_t) spare;
        cr_assert(setrlimit(RLIMIT_NOFILE, &limit) == 0);
        int before = sl_target_spare_fds();
        SL_AUTO(sl_snapshot) struct sl_snapshot *snapshot = take(subject.pid);
        cr_assert_eq(snapshot->n_threads, 601);
        for (size_t i = 0; i < snapshot->n_threads; i++)
            cr_assert(snapshot->threads[i].consistent && snapshot->threads[i].stack->complete);
        cr_assert_eq(sl_target_spare_fds(), before);
    }
}

static const struct {
    const char *name;
    enum sl_wait_kind kind;
    const char *target; /* how it begins, or NULL */
    bool timed;
} expected_waits[] = {
    {"holder", SL_WAIT_SIGNAL, NULL, false},
    {"mutex", SL_WAIT_MUTEX, NULL, false},
    {"condition", SL_WAIT_CONDITION, NULL, false},
    {"timed", SL_WAIT_CONDITION, NULL, true},
    {"semaphore", SL_WAIT_SEMAPHORE, NULL, false},
    {"rwlock", SL_WAIT_RWLOCK, NULL, false},
    {"barrier", SL_WAIT_BARRIER, NULL, false},
    {"join", SL_WAIT_JOIN, NULL, false},
    {"pipe", SL_WAIT_IO, "pipe:[", false},
    {"accept", SL_WAIT_SOCKET, "TCP 127.0.0.1:", false},
    {"recv", SL_WAIT_SOCKET, "TCP 127.0.0.1:", false},
    {"poll", SL_WAIT_POLL, "pipe:[", false},
    {"epoll", SL_WAIT_POLL, "anon_inode:[eventpoll]", false},
    {"sleep", SL_WAIT_SLEEP, NULL, true},
    {"sigwait", SL_WAIT_SIGNAL, NULL, false},
    {"semop", SL_WAIT_SEMAPHORE, NULL, false},
};

SL_TEST(snapshot, every_way_to_block_is_told_apart, .timeout = 60)
{
    SL_AUTO_SUBJECT struct sl_test_subject subject = sl_subject("blocked_calls");

    await_sleep(subject.pid);
    SL_AUTO(sl_snapshot) struct sl_snapshot *snapshot = take(subject.pid);
    pid_t holder = thread_named(snapshot, "holder")->id;
    for (size_t i = 0; i < SL_COUNT_OF(expected_waits); i++) {
        const char *name = expected_waits[i].name, *target = expected_waits[i].target;
        const struct sl_thread *thread = thread_named(snapshot, name);
        char function[32];
        (void) snprintf(function, sizeof function, "block_in_%s", name);
        cr_assert(thread, "%s", name);
        cr_assert(thread->stack->complete, "%s: %s", name, thread->stack->reason);
        cr_assert(has_function(thread->stack, function), "%s", name);
        cr_assert_eq(thread->wait.kind, expected_waits[i].kind, "%s: %s", name,
                     sl_wait_kind_text(thread->wait.kind));
        cr_assert_eq(thread->wait.timed, expected_waits[i].timed, "%s", name);
        if (target)
            cr_assert(thread->wait.target &&
                          strncmp(thread->wait.target, target, strlen(target)) == 0,
                      "%s: %s", name, thread->wait.target);
    }
    cr_assert_eq(thread_named(snapshot, "mutex")->wait.owner, holder);
    cr_assert_eq(thread_named(snapshot, "join")->wait.owner, holder);
    cr_assert(strstr(thread_named(snapshot, "accept")->wait.target, "(listening)"));
}

SL_TEST(snapshot, stopping_threads_breaks_no_call, .timeout = 60)
{
    const char *const argv[] = {"blocked_calls", NULL};
    const struct sl_snapshot_opts opts = {.size = sizeof opts, .source = SL_SNAPSHOT_PTRACE};
    SL_AUTO_SUBJECT struct sl_test_subject subject = sl_subject_start(argv);

    await_sleep(subject.pid);
    SL_AUTO(sl_snapshot) struct sl_snapshot *snapshot = take_with(subject.pid, &opts);
    cr_assert(snapshot->stats.stopped > 0);
    const struct sl_thread *mutex = thread_named(snapshot, "mutex");
    cr_assert(mutex->source == SL_SOURCE_PTRACE && mutex->stack->complete);
    const struct sl_thread *epoll = thread_named(snapshot, "epoll");
    cr_assert(!epoll->stack && strstr(epoll->reason, "system call fail"));
    await_sleep(subject.pid);
}

SL_TEST(snapshot, a_thread_on_a_cpu_is_stopped_briefly_and_runs_on, .timeout = 60)
{
    SL_AUTO_SUBJECT struct sl_test_subject subject = sl_subject("spinner");

    SL_AUTO(sl_snapshot) struct sl_snapshot *snapshot = take(subject.pid);
    const struct sl_thread *spinner = thread_named(snapshot, "spin");
    const struct sl_thread *clock = thread_named(snapshot, "clock");
    cr_assert(spinner && spinner->source == SL_SOURCE_PTRACE);
    cr_assert(spinner->stack->complete && has_function(spinner->stack, "spin"));
    cr_assert(clock && clock->stack->complete && has_function(clock->stack, "read_clock"));
    cr_assert_eq(snapshot->stats.stopped, 2);
    /* They run on: their CPU time grows. */
    uint64_t before = thread_named(snapshot, "spin")->cpu_ns;
    for (uint64_t now = before; now <= before;) {
        struct sl_snapshot *later = take(subject.pid);
        now = thread_named(later, "spin")->cpu_ns;
        sl_snapshot_free(later);
    }
}

SL_TEST(snapshot, without_stopping_a_running_thread_has_a_reason_and_no_stack, .timeout = 60)
{
    const char *const argv[] = {"spinner", NULL};
    const struct sl_snapshot_opts opts = {
        .size = sizeof opts, .source = SL_SNAPSHOT_PROC, .no_stop = true};
    SL_AUTO_SUBJECT struct sl_test_subject subject = sl_subject_start(argv);

    SL_AUTO(sl_snapshot) struct sl_snapshot *snapshot = take_with(subject.pid, &opts);
    const struct sl_thread *spinner = thread_named(snapshot, "spin");
    cr_assert(!spinner->stack && strstr(spinner->reason, "on a CPU"));
    cr_assert_eq(snapshot->stats.stopped, 0);
}

SL_TEST(snapshot, a_process_whose_leader_has_exited_is_read, .timeout = 60)
{
    SL_AUTO_SUBJECT struct sl_test_subject subject = sl_subject("leader_gone");

    SL_AUTO(sl_snapshot) struct sl_snapshot *snapshot = take(subject.pid);
    cr_assert_eq(snapshot->n_threads, 2);
    const struct sl_thread *leader = sl_snapshot_find(snapshot, subject.pid);
    cr_assert(leader && leader->state == 'Z' && !leader->stack && leader->reason);
    const struct sl_thread *survivor = thread_named(snapshot, "survivor");
    cr_assert(survivor->stack->complete && has_function(survivor->stack, "survive"));
}

static void *wait_in_own_process(void *argument)
{
    while (sem_wait(argument))
        continue;
    return NULL;
}

SL_TEST(snapshot, the_own_process_is_read_with_the_calling_thread, .timeout = 60)
{
    sem_t semaphore;
    pthread_t thread;

    cr_assert(sem_init(&semaphore, 0, 0) == 0);
    cr_assert(pthread_create(&thread, NULL, wait_in_own_process, &semaphore) == 0);
    bool found = false;
    while (!found) { /* until the thread has reached its wait */
        SL_AUTO(sl_snapshot) struct sl_snapshot *snapshot = take(getpid());
        const struct sl_thread *self = sl_snapshot_find(snapshot, gettid());
        cr_assert(self && self->stack && self->stack->complete);
        cr_assert(has_function(self->stack, "sl_snapshot_take"));
        cr_assert_eq(snapshot->stats.stopped, 0);
        for (size_t t = 0; t < snapshot->n_threads; t++)
            found = found || (has_function(snapshot->threads[t].stack, "wait_in_own_process") &&
                              snapshot->threads[t].stack->complete);
        sl_clock_sleep_ns(SL_NS_PER_MS);
    }
    cr_assert(sem_post(&semaphore) == 0);
    cr_assert(pthread_join(thread, NULL) == 0);
    cr_assert(sem_destroy(&semaphore) == 0);
}

SL_TEST(snapshot, ended_threads_that_nobody_joined_are_found_with_their_start, .timeout = 60)
{
    const char *const argv[] = {"unjoined", NULL};
    const struct sl_snapshot_opts opts = {
        .size = sizeof opts, .source = SL_SNAPSHOT_PROC, .find_unjoined = true};
    SL_AUTO_SUBJECT struct sl_test_subject subject = sl_subject_start(argv);

    SL_AUTO(sl_snapshot) struct sl_snapshot *snapshot = take_with(subject.pid, &opts);
    cr_assert_null(snapshot->unjoined_missing, "%s", snapshot->unjoined_missing);
    cr_assert_eq(snapshot->n_threads, 2);
    cr_assert_eq(snapshot->n_unjoined, 3);
    for (size_t i = 0; i < snapshot->n_unjoined; i++)
        cr_assert_str_eq(snapshot->unjoined[i].start->function, "forgotten");
    SL_AUTO(sl_snapshot) struct sl_snapshot *plain = take(subject.pid);
    cr_assert(plain->n_unjoined == 0 && plain->unjoined_missing);
}

SL_TEST(snapshot, where_the_c_library_is_static_unjoined_threads_are_not_known, .timeout = 60)
{
    const char *const argv[] = {"blocked_calls_static", NULL};
    const struct sl_snapshot_opts opts = {
        .size = sizeof opts, .source = SL_SNAPSHOT_PROC, .find_unjoined = true};

    bool is_built = false;
    for (size_t i = 0; layouts[i]; i++)
        is_built = is_built || strcmp(layouts[i], argv[0]) == 0;
    if (!is_built)
        cr_skip_test("no static C library");
    SL_AUTO_SUBJECT struct sl_test_subject subject = sl_subject_start(argv);
    SL_AUTO(sl_snapshot) struct sl_snapshot *snapshot = take_with(subject.pid, &opts);
    cr_assert(snapshot->n_unjoined == 0 && snapshot->unjoined_missing);
}

SL_TEST(snapshot, a_pid_that_does_not_exist_is_gone)
{
    struct sl_error err = {0};
    struct sl_snapshot *snapshot = NULL;
    struct sl_tasks *tasks = NULL;
    pid_t pid = fork();
    cr_assert(pid >= 0);
    if (pid == 0)
        _exit(0);
    cr_assert(waitpid(pid, NULL, 0) == pid);
    sl_assert_fails(sl_snapshot_take(pid, NULL, &snapshot, &err), SL_EGONE, &err, "no process");
    sl_assert_fails(sl_tasks_list(pid, &tasks, &err), SL_EGONE, &err, "no process");
}

SL_TEST(snapshot, a_main_thread_that_has_ended_is_no_unjoined_thread, .timeout = 60)
{
    const char *const argv[] = {"leader_gone", NULL};
    const struct sl_snapshot_opts opts = {
        .size = sizeof opts, .source = SL_SNAPSHOT_PROC, .find_unjoined = true};
    SL_AUTO_SUBJECT struct sl_test_subject subject = sl_subject_start(argv);

    SL_AUTO(sl_snapshot) struct sl_snapshot *snapshot = take_with(subject.pid, &opts);
    if (snapshot->unjoined_missing)
        cr_skip_test("%s", snapshot->unjoined_missing);
    cr_assert_eq(snapshot->n_unjoined, 0);
}

SL_TEST(snapshot, a_zombie_is_gone)
{
    struct sl_error err = {0};
    struct sl_snapshot *snapshot = NULL;
    siginfo_t info;
    pid_t pid = fork();
    cr_assert(pid >= 0);
    if (pid == 0)
        _exit(0);
    cr_assert(waitid(P_PID, (id_t) pid, &info, WEXITED | WNOWAIT) == 0);
    sl_assert_fails(sl_snapshot_take(pid, NULL, &snapshot, &err), SL_EGONE, &err, "has ended");
    cr_assert(waitpid(pid, NULL, 0) == pid);
}

static void *kill_soon(void *argument)
{
    struct sl_test_subject *subject = argument;
    (void) kill(subject->pid, SIGKILL);
    return NULL;
}

SL_TEST(snapshot, a_process_that_ends_meanwhile_is_an_error_or_a_smaller_snapshot, .timeout = 60)
{
    const char *const argv[] = {"parked", "300", "3", NULL};

    for (int i = 0; i < 10; i++) {
        struct sl_error err = {0};
        struct sl_snapshot *snapshot = NULL;
        pthread_t killer;
        struct sl_test_subject subject = sl_subject_start(argv);
        cr_assert(pthread_create(&killer, NULL, kill_soon, &subject) == 0);
        enum sl_status status = sl_snapshot_take(subject.pid, NULL, &snapshot, &err);
        cr_assert(pthread_join(killer, NULL) == 0);
        if (status)
            cr_assert(status == SL_EGONE || status == SL_EPERM, "%s: %s", sl_status_text(status),
                      err.text);
        else
            cr_assert(snapshot->n_threads <= 301);
        sl_snapshot_free(snapshot);
        cr_assert_eq(sl_subject_end(&subject), -SIGKILL);
    }
}

SL_TEST(snapshot, tasks_carry_name_state_and_identity, .timeout = 60)
{
    const char *const argv[] = {"blocked_calls", NULL};
    struct sl_error err = {0};
    SL_AUTO(sl_tasks) struct sl_tasks *tasks = NULL;
    SL_AUTO_SUBJECT struct sl_test_subject subject = sl_subject_start(argv);

    await_sleep(subject.pid);
    sl_assert_ok(sl_tasks_list(subject.pid, &tasks, &err), &err);
    SL_AUTO(sl_snapshot) struct sl_snapshot *snapshot = take(subject.pid);
    cr_assert_eq(tasks->n_tasks, snapshot->n_threads);
    for (size_t i = 0; i < tasks->n_tasks; i++) {
        const struct sl_task *task = &tasks->tasks[i];
        const struct sl_thread *thread = &snapshot->threads[i];
        cr_assert((uint64_t) task->tid == thread->id && task->start_time == thread->start_time);
        cr_assert_str_eq(task->name, thread->name);
        cr_assert(task->state == 'S' && task->start_time > 0);
    }
}

#define N_JOINED      100
#define N_DESCRIPTORS 1000

/* With descriptors of its own, which the kernel closes after it has woken who joins the thread. */
static void *end_slowly(void *tid)
{
    *(pid_t *) tid = gettid();
    if (unshare(CLONE_FILES))
        return NULL;
    for (int i = 0; i < N_DESCRIPTORS && dup(STDERR_FILENO) >= 0; i++)
        continue;
    return NULL;
}

SL_TEST(snapshot, a_thread_that_was_joined_is_not_there_any_more, .timeout = 120)
{
    struct sl_error err = {0};

    for (int i = 0; i < N_JOINED; i++) {
        SL_AUTO(sl_tasks) struct sl_tasks *tasks = NULL;
        pthread_t thread;
        pid_t tid = 0;
        cr_assert_eq(pthread_create(&thread, NULL, end_slowly, &tid), 0);
        cr_assert_eq(pthread_join(thread, NULL), 0);
        sl_assert_ok(sl_tasks_list(getpid(), &tasks, &err), &err);
        SL_AUTO(sl_snapshot) struct sl_snapshot *snapshot = take(getpid());
        cr_assert_null(sl_snapshot_find(snapshot, (uint64_t) tid), "after %d others", i);
        for (size_t k = 0; k < tasks->n_tasks; k++)
            cr_assert_neq(tasks->tasks[k].tid, tid, "after %d others", i);
    }
}
