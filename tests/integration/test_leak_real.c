/* SPDX-License-Identifier: Apache-2.0 */
/* The leak analysis on real threads: subjects/leftover.c, looked at from outside. */
#include "sl_test.h"

#include <strandline/snapshot.h>

#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "harness/leak/leak.h"
#include "harness/leak/settle.h"
#include "harness/snapshot/target/tasks.h"

#define PATIENCE_NS (20 * SL_NS_PER_S)
#define WINDOW_NS   (300 * SL_NS_PER_MS)

#define N_POOL  64
#define N_PULL  4
#define N_FLUSH 2
#define N_LEAKS (N_POOL + N_PULL + 1)

struct subject {
    pid_t pid;
    int to_fd, from_fd;
};

/* The subject says that it reached its next step. */
static void await_step(const struct subject *subject)
{
    char byte;
    cr_assert_eq(read(subject->from_fd, &byte, 1), 1);
}

static void go_on(const struct subject *subject)
{
    cr_assert_eq(write(subject->to_fd, ".", 1), 1);
}

static struct subject subject_new(void)
{
    struct subject subject;
    int in[2], out[2];
    cr_assert(pipe(in) == 0 && pipe(out) == 0);
    subject.pid = fork();
    cr_assert_geq(subject.pid, 0);
    if (!subject.pid) {
        (void) dup2(in[0], STDIN_FILENO);
        (void) dup2(out[1], STDOUT_FILENO);
        (void) close(in[1]);
        (void) execl(LEFTOVER_PROGRAM, LEFTOVER_PROGRAM, (char *) NULL);
        _exit(127);
    }
    (void) close(in[0]);
    (void) close(out[1]);
    subject.to_fd = in[1];
    subject.from_fd = out[0];
    await_step(&subject);
    return subject;
}

static void subject_release(struct subject *subject)
{
    (void) kill(subject->pid, SIGKILL);
    (void) waitpid(subject->pid, NULL, 0);
    (void) close(subject->to_fd);
    (void) close(subject->from_fd);
}

static struct sl_snapshot *take(const struct subject *subject)
{
    struct sl_snapshot *snapshot = NULL;
    struct sl_error err = {0};
    sl_assert_ok(sl_snapshot_take(subject->pid, NULL, &snapshot, &err), &err);
    return snapshot;
}

static size_t count_waits(const struct sl_snapshot *snapshot, enum sl_wait_kind kind)
{
    size_t n = 0;
    for (size_t i = 0; i < snapshot->n_threads; i++)
        n += snapshot->threads[i].wait.kind == kind;
    return n;
}

/* A snapshot in which every thread has got to where it stays. */
static struct sl_snapshot *take_when_parked(const struct subject *subject)
{
    for (uint64_t end_ns = sl_clock_now_ns() + PATIENCE_NS;;) {
        struct sl_snapshot *snapshot = take(subject);
        if (count_waits(snapshot, SL_WAIT_CONDITION) == N_POOL + N_FLUSH &&
            count_waits(snapshot, SL_WAIT_SEMAPHORE) == N_PULL)
            return snapshot;
        sl_snapshot_free(snapshot);
        cr_assert_lt(sl_clock_now_ns(), end_ns, "the threads did not park");
        sl_clock_sleep_ns(SL_NS_PER_MS);
    }
}

/* One look of the settle loop.  @return number of threads listed */
static size_t
feed(const struct subject *subject, struct sl_settle *settle, struct sl_settle_step *step)
{
    SL_AUTO(sl_tasks) struct sl_tasks *tasks = NULL;
    struct sl_error err = {0};
    sl_assert_ok(sl_tasks_list(subject->pid, &tasks, &err), &err);
    SL_AUTO_FREE struct sl_settle_thread *threads = calloc(tasks->n_tasks + 1, sizeof *threads);
    for (size_t i = 0; i < tasks->n_tasks; i++) {
        threads[i] = (struct sl_settle_thread){.tid = tasks->tasks[i].tid,
                                               .start_time = tasks->tasks[i].start_time};
        memcpy(threads[i].name, tasks->tasks[i].name, sizeof threads[i].name);
    }
    sl_assert_ok(sl_settle_feed(settle, sl_clock_now_ns(), threads, tasks->n_tasks, step, &err),
                 &err);
    return tasks->n_tasks;
}

/* Settle until the window ends, which it does not before the flushers have gone from /proc. */
static void settle(const struct subject *subject, struct sl_settle *settle)
{
    struct sl_settle_step step = {0};
    size_t n_tasks = feed(subject, settle, &step);
    go_on(subject);
    await_step(subject);
    uint64_t end_ns = sl_clock_now_ns() + PATIENCE_NS;
    while (!step.done || n_tasks > 1 + N_LEAKS) {
        cr_assert_lt(sl_clock_now_ns(), end_ns);
        sl_clock_sleep_ns(step.done ? SL_NS_PER_MS : step.wait_ns);
        n_tasks = feed(subject, settle, &step);
    }
}

/* All that happens to one subject, up to the analysis. */
static void observe(struct sl_arena *arena, bool close_reached, struct sl_leak_report *report)
{
    SL_CLEANUP(subject_release) struct subject subject = subject_new();
    struct sl_error err = {0};
    struct sl_snapshot *start = take(&subject);
    go_on(&subject);
    await_step(&subject);
    struct sl_snapshot *loaded = take_when_parked(&subject);
    go_on(&subject);
    await_step(&subject);
    uint64_t closed_ns = sl_clock_now_ns();
    struct sl_snapshot *closed = take(&subject);

    const struct sl_settle_thread baseline = {.tid = start->threads[0].id,
                                              .start_time = start->threads[0].start_time};
    SL_AUTO(sl_settle) struct sl_settle *machine = NULL;
    sl_assert_ok(sl_settle_new(&baseline, 1, closed_ns, WINDOW_NS, &machine, &err), &err);
    settle(&subject, machine);
    struct sl_snapshot *settled = take(&subject);

    struct sl_leak_input input = {
        .start = start,
        .loaded = loaded,
        .closed = closed,
        .settled = settled,
        .close_reached = close_reached,
    };
    sl_settle_late(machine, &input.late, &input.n_late);
    sl_assert_ok(sl_leak_analyse(&input, arena, report, &err), &err);
    sl_snapshot_free(start);
    sl_snapshot_free(loaded);
    sl_snapshot_free(closed);
    sl_snapshot_free(settled);
}

SL_TEST(leak_real, what_a_close_leaves_is_found_grouped_and_explained)
{
    SL_AUTO(sl_arena) struct sl_arena *arena = sl_arena_new();
    struct sl_leak_report report;
    observe(arena, true, &report);

    cr_assert_eq(report.count, N_LEAKS);
    cr_assert_eq(report.n_groups, 3);
    const struct sl_leak_group *pool = &report.groups[0], *pull = &report.groups[1],
                               *monitor = &report.groups[2];
    cr_assert_eq(pool->count, N_POOL);
    cr_assert_str_eq(pool->function, "queue_take");
    cr_assert_str_eq(pool->thread_name, "pool");
    cr_assert(pool->complete, "%s", pool->reason);
    cr_assert_eq(pool->cause, SL_CAUSE_PARKED, "%s", pool->evidence);
    cr_assert(strstr(pool->evidence, "64 threads wait on a condition without a time-out; none of "
                                     "them ran in the "),
              "%s", pool->evidence);
    cr_assert_eq(pull->count, N_PULL);
    cr_assert_str_eq(pull->function, "fetch");
    cr_assert_eq(pull->cause, SL_CAUSE_PARKED, "%s", pull->evidence);
    cr_assert_eq(pull->wait.kind, SL_WAIT_SEMAPHORE);
    cr_assert_eq(monitor->count, 1);
    cr_assert_str_eq(monitor->thread_name, "monitor");
    cr_assert_eq(monitor->cause, SL_CAUSE_UNKNOWN, "%s", monitor->evidence);
    cr_assert(strstr(monitor->evidence, " context switch"), "%s", monitor->evidence);
}

SL_TEST(leak_real, threads_that_end_while_settling_are_late_and_no_leaks)
{
    SL_AUTO(sl_arena) struct sl_arena *arena = sl_arena_new();
    struct sl_leak_report report;
    observe(arena, true, &report);
    cr_assert_eq(report.late, N_FLUSH);
    for (size_t i = 0; i < report.n_late_threads; i++) {
        cr_assert_str_eq(report.late_threads[i].name, "flush");
        cr_assert_gt(report.late_threads[i].delay_ns, 0);
    }
}

SL_TEST(leak_real, two_processes_of_one_program_have_the_same_fingerprints)
{
    SL_AUTO(sl_arena) struct sl_arena *arena = sl_arena_new();
    struct sl_leak_report one, other;
    observe(arena, true, &one);
    observe(arena, true, &other);
    for (size_t i = 0; i < 2; i++) {
        cr_assert_str_eq(one.groups[i].fingerprint, other.groups[i].fingerprint);
        cr_assert_neq(one.groups[i].ids[0], other.groups[i].ids[0]);
    }
}

SL_TEST(leak_real, a_program_that_never_closed_is_not_closed)
{
    SL_AUTO(sl_arena) struct sl_arena *arena = sl_arena_new();
    struct sl_leak_report report;
    observe(arena, false, &report);
    cr_assert_eq(report.count, N_LEAKS);
    for (size_t i = 0; i < report.n_groups; i++)
        cr_assert_eq(report.groups[i].cause, SL_CAUSE_NOT_CLOSED);
}
