/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Observations of programs that are no bus: subjects/leftover.c from outside, and the own process.
 */
#include "sl_subject.h"
#include "sl_test.h"

#include <strandline/observe.h>
#include <strandline/snapshot.h>

#include <linux/sched.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "harness/observe/observe.h"

#define PATIENCE_NS (60 * SL_NS_PER_S)
#define WINDOW_NS   (300 * SL_NS_PER_MS)

#define N_POOL  64
#define N_PULL  4
#define N_FLUSH 2
#define N_LEFT  (N_POOL + N_PULL + 1)

/* Let the subject do its next step, and wait until it says that it did. */
static void play_step(const struct sl_test_subject *subject)
{
    char byte = '.';
    cr_assert(write(subject->input, &byte, 1) == 1 && read(subject->output, &byte, 1) == 1);
}

static struct sl_test_subject subject_new(void)
{
    return sl_subject_start((const char *const[]){"leftover", NULL});
}

static void subject_kill(const struct sl_test_subject *subject)
{
    (void) kill(subject->pid, SIGKILL);
    (void) waitpid(subject->pid, NULL, 0);
}

static void subject_release(struct sl_test_subject *subject)
{
    subject_kill(subject);
    (void) close(subject->input);
    (void) close(subject->output);
}

static struct sl_observation *begin(pid_t pid, struct sl_observation_opts opts)
{
    struct sl_observation *observation = NULL;
    struct sl_error err = {0};

    opts.size = sizeof opts;
    sl_assert_ok(sl_observation_begin(pid, &opts, &observation, &err), &err);
    return observation;
}

static size_t count_waits(const struct sl_snapshot *snapshot, enum sl_wait_kind kind)
{
    size_t n = 0;
    for (size_t i = 0; i < snapshot->n_threads; i++)
        n += snapshot->threads[i].wait.kind == kind;
    return n;
}

/* Mark a peak at which every thread has got to where it stays. */
static void mark_when_parked(struct sl_observation *observation)
{
    struct sl_error err = {0};

    for (uint64_t end_ns = sl_clock_now_ns() + PATIENCE_NS;;) {
        sl_assert_ok(sl_observation_mark(observation, "peak", &err), &err);
        const struct sl_snapshot *peak = sl_observation_snapshot(observation, "peak");
        if (count_waits(peak, SL_WAIT_CONDITION) == N_POOL + N_FLUSH &&
            count_waits(peak, SL_WAIT_SEMAPHORE) == N_PULL)
            return;
        cr_assert_lt(sl_clock_now_ns(), end_ns, "the threads did not park");
        sl_clock_sleep_ns(SL_NS_PER_MS);
    }
}

/* All of leftover, up to what it left. */
static const struct sl_leak_report *
observe(const struct sl_leak_words *words, struct sl_observation **ret_observation)
{
    SL_CLEANUP(subject_release) struct sl_test_subject subject = subject_new();
    const struct sl_leak_report *report = NULL;
    struct sl_error err = {0};

    *ret_observation =
        begin(subject.pid, (struct sl_observation_opts){.settle_ns = WINDOW_NS, .words = words});
    play_step(&subject);
    mark_when_parked(*ret_observation);
    play_step(&subject);
    play_step(&subject);
    sl_assert_ok(sl_observation_end(*ret_observation, &report, &err), &err);
    return report;
}

SL_TEST(observe, options_and_words_without_their_size_are_refused)
{
    const struct sl_leak_words words = {.end = "the end of the shift"};
    const struct sl_observation_opts cases[] = {
        {.settle_ns = WINDOW_NS},
        {.size = sizeof *cases, .words = &words},
    };

    for (size_t i = 0; i < SL_COUNT_OF(cases); i++) {
        struct sl_observation *observation = NULL;
        struct sl_error err = {0};
        sl_assert_fails(sl_observation_begin(getpid(), &cases[i], &observation, &err), SL_EINVAL,
                        &err, "is not set");
        cr_assert_null(observation);
    }
}

SL_TEST(observe, what_a_program_leaves_is_found_grouped_and_explained)
{
    SL_AUTO(sl_observation) struct sl_observation *observation = NULL;
    const struct sl_leak_report *report = observe(NULL, &observation);

    cr_assert_eq(sl_observation_snapshot(observation, SL_LOOK_BEGIN)->n_threads, 1);
    cr_assert_eq(sl_observation_snapshot(observation, "peak")->n_threads, 1 + N_LEFT + N_FLUSH);
    cr_assert_eq(sl_observation_snapshot(observation, SL_LOOK_SETTLED)->n_threads, 1 + N_LEFT);
    cr_assert_null(sl_observation_snapshot(observation, "elsewhere"));
    cr_assert_eq(report->count, N_LEFT);
    cr_assert_eq(report->n_findings, 3);
    const struct sl_finding *pool = &report->findings[0], *pull = &report->findings[1],
                            *monitor = &report->findings[2];
    cr_assert_eq(pool->group.count, N_POOL);
    cr_assert_str_eq(pool->group.function, "queue_take");
    cr_assert_str_eq(pool->group.thread_name, "pool");
    cr_assert(pool->group.complete, "%s", pool->group.reason);
    cr_assert_eq(pool->cause, SL_CAUSE_PARKED, "%s", pool->evidence);
    cr_assert(strstr(pool->evidence, "64 threads wait on a condition without a time-out; none of "
                                     "them ran in the "),
              "%s", pool->evidence);
    cr_assert_eq(pull->group.count, N_PULL);
    cr_assert_str_eq(pull->group.function, "fetch");
    cr_assert_eq(pull->cause, SL_CAUSE_PARKED, "%s", pull->evidence);
    cr_assert_eq(pull->group.wait.kind, SL_WAIT_SEMAPHORE);
    cr_assert_eq(monitor->group.count, 1);
    cr_assert_str_eq(monitor->group.thread_name, "monitor");
    cr_assert_eq(monitor->cause, SL_CAUSE_RETRYING, "%s", monitor->evidence);
    cr_assert(strstr(monitor->evidence, " context switch"), "%s", monitor->evidence);
}

/* Whoever prints it. */
static void find_word(const char *text, const char *word)
{
    cr_assert(!text || !strcasestr(text, word), "'%s' in \"%s\"", word, text);
}

SL_TEST(observe, a_program_that_is_no_bus_reads_no_word_of_one)
{
    SL_AUTO(sl_observation) struct sl_observation *observation = NULL;
    const struct sl_leak_report *report = observe(NULL, &observation);

    for (size_t i = 0; i < report->n_findings; i++) {
        const struct sl_finding *finding = &report->findings[i];
        const char *const texts[] = {finding->evidence, finding->group.function,
                                     finding->group.reason, sl_cause_text(finding->cause)};
        for (size_t j = 0; j < sizeof texts / sizeof *texts; j++) {
            find_word(texts[j], "close");
            find_word(texts[j], "bus");
        }
    }
    find_word(report->unjoined_missing, "close");
}

SL_TEST(observe, sentences_take_the_words_of_the_caller)
{
    SL_AUTO(sl_observation) struct sl_observation *observation = NULL;
    const struct sl_leak_words words = {.size = sizeof words, .end = "the end of the shift"};
    const struct sl_leak_report *report = observe(&words, &observation);
    const char *evidence = report->findings[2].evidence;

    cr_assert(strstr(evidence, "between the end of the shift and the last look"), "%s", evidence);
}

SL_TEST(observe, two_processes_of_one_program_have_the_same_fingerprints)
{
    SL_AUTO(sl_observation) struct sl_observation *first = NULL, *second = NULL;
    const struct sl_leak_report *one = observe(NULL, &first), *other = observe(NULL, &second);

    for (size_t i = 0; i < 2; i++) {
        cr_assert_str_eq(one->findings[i].group.fingerprint, other->findings[i].group.fingerprint);
        cr_assert_neq(one->findings[i].group.ids[0], other->findings[i].group.ids[0]);
    }
}

/* Threads of the own process that wait to be let go. */
struct gate {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool open;
    pid_t observer;
};

static __attribute__((noinline)) void wait_at_gate(struct gate *gate)
{
    pthread_mutex_lock(&gate->mutex);
    while (!gate->open)
        pthread_cond_wait(&gate->changed, &gate->mutex);
    pthread_mutex_unlock(&gate->mutex);
}

static void *waiter_main(void *argument)
{
    wait_at_gate(argument);
    return NULL;
}

static void open_gate(struct gate *gate)
{
    pthread_mutex_lock(&gate->mutex);
    gate->open = true;
    pthread_cond_broadcast(&gate->changed);
    pthread_mutex_unlock(&gate->mutex);
}

/* Opens the gate once the observer waits between two looks. */
static void *opener_main(void *argument)
{
    struct gate *gate = argument;
    char path[64], call[32] = "";

    (void) snprintf(path, sizeof path, "/proc/self/task/%ld/syscall", (long) gate->observer);
    for (uint64_t end_ns = sl_clock_now_ns() + PATIENCE_NS; sl_clock_now_ns() < end_ns;) {
        FILE *file = fopen(path, "re");
        long number = file && fgets(call, sizeof call, file) ? strtol(call, NULL, 10) : -1;
        if (file)
            (void) fclose(file);
        if (number == SYS_ppoll)
            break;
        sl_clock_sleep_ns(SL_NS_PER_MS);
    }
    open_gate(gate);
    return NULL;
}

static pthread_t start_thread(void *(*function)(void *), struct gate *gate)
{
    pthread_t thread;
    cr_assert_eq(pthread_create(&thread, NULL, function, gate), 0);
    return thread;
}

SL_TEST(observe, a_thread_that_the_own_process_leaves_is_found)
{
    struct gate gate = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER};
    SL_AUTO(sl_observation)
    struct sl_observation *observation =
        begin(getpid(), (struct sl_observation_opts){.settle_ns = WINDOW_NS});
    const struct sl_leak_report *report = NULL;
    struct sl_error err = {0};

    pthread_t waiter = start_thread(waiter_main, &gate);
    sl_assert_ok(sl_observation_end(observation, &report, &err), &err);
    open_gate(&gate);
    cr_assert_eq(pthread_join(waiter, NULL), 0);
    cr_assert_eq(report->count, 1);
    cr_assert_eq(report->n_findings, 1);
    cr_assert_str_eq(report->findings[0].group.function, "wait_at_gate");
    cr_assert_eq(report->findings[0].cause, SL_CAUSE_PARKED, "%s", report->findings[0].evidence);
}

SL_TEST(observe, a_thread_that_ends_while_settling_is_late_and_not_left)
{
    struct gate gate = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER,
                        .observer = (pid_t) syscall(SYS_gettid)};
    const struct sl_leak_report *report = NULL;
    struct sl_error err = {0};
    SL_AUTO(sl_observation)
    struct sl_observation *observation =
        begin(getpid(), (struct sl_observation_opts){.settle_ns = PATIENCE_NS});
    cr_assert_eq(pthread_detach(start_thread(waiter_main, &gate)), 0);
    cr_assert_eq(pthread_detach(start_thread(opener_main, &gate)), 0);
    sl_assert_ok(sl_observation_settle(observation, 0, &err), &err);
    sl_assert_ok(sl_observation_end(observation, &report, &err), &err);
    cr_assert_eq(report->count, 0, "%s",
                 report->n_findings ? report->findings[0].group.function : "");
    cr_assert_eq(report->late, 2);
    cr_assert_gt(report->late_threads[0].delay_ns, 0);
    cr_assert_lt(report->settle_ns, PATIENCE_NS);
}

SL_TEST(observe, waiting_ends_when_the_caller_is_to_stop)
{
    struct gate gate = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER};
    const struct sl_leak_report *report = NULL;
    struct sl_error err = {0};
    int ends[2];

    cr_assert_eq(pipe(ends), 0);
    cr_assert_eq(write(ends[1], ".", 1), 1);
    SL_AUTO(sl_observation)
    struct sl_observation *observation =
        begin(getpid(), (struct sl_observation_opts){.settle_ns = PATIENCE_NS, .wake_fd = ends[0]});
    pthread_t waiter = start_thread(waiter_main, &gate);
    sl_assert_fails(sl_observation_end(observation, &report, &err), SL_ECLOSED, &err,
                    "interrupted");
    sl_assert_fails(sl_observation_mark(observation, "late", &err), SL_EINVAL, &err,
                    "'late' in an observation that could not settle");
    cr_assert_not_null(sl_observation_snapshot(observation, SL_LOOK_END));
    open_gate(&gate);
    cr_assert_eq(pthread_join(waiter, NULL), 0);
    (void) close(ends[0]);
    (void) close(ends[1]);
}

SL_TEST(observe, a_process_that_ended_is_told_at_each_step)
{
    const struct sl_leak_report *report = NULL;

    for (int step = 0; step < 3; step++) {
        SL_CLEANUP(subject_release) struct sl_test_subject subject = subject_new();
        SL_AUTO(sl_observation)
        struct sl_observation *observation = begin(subject.pid, (struct sl_observation_opts){0});
        struct sl_error err = {0};

        subject_kill(&subject);
        enum sl_status status = step == 0   ? sl_observation_mark(observation, "peak", &err)
                                : step == 1 ? sl_observation_settle(observation, 0, &err)
                                            : sl_observation_end(observation, &report, &err);
        cr_assert_eq(status, SL_EGONE, "step %d: %s: %s", step, sl_status_text(status), err.text);
        cr_assert_str_not_empty(err.text);
    }
    cr_assert_null(report);
}

/* A child with an id of our choice, which waits to be killed.  @return -1: not allowed */
static pid_t fork_as(pid_t pid)
{
    struct clone_args args = {
        .exit_signal = SIGCHLD, .set_tid = (uint64_t) (uintptr_t) &pid, .set_tid_size = 1};
    pid_t child = (pid_t) syscall(SYS_clone3, &args, sizeof args);

    if (child == 0) {
        (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;)
            (void) pause();
    }
    return child;
}

SL_TEST(observe, a_process_that_got_the_id_of_another_is_not_taken_for_it)
{
    SL_CLEANUP(subject_release) struct sl_test_subject subject = subject_new();
    SL_AUTO(sl_observation)
    struct sl_observation *observation = begin(subject.pid, (struct sl_observation_opts){0});
    struct sl_error err = {0};

    subject_kill(&subject);
    /* As long as no tick of the clock lies between the two, nobody can tell them apart. */
    for (enum sl_status status = SL_OK; !status; subject_kill(&subject)) {
        if (fork_as(subject.pid) < 0)
            cr_skip_test("process ids cannot be chosen: %m");
        status = sl_observation_mark(observation, "peak", &err);
    }
    cr_assert_eq(err.status, SL_EGONE, "%s", err.text);
    cr_assert(strstr(err.text, "another one has its id"), "%s", err.text);
}

SL_TEST(observe, what_has_settled_can_end_without_the_process)
{
    SL_CLEANUP(subject_release) struct sl_test_subject subject = subject_new();
    SL_AUTO(sl_observation)
    struct sl_observation *observation =
        begin(subject.pid, (struct sl_observation_opts){.settle_ns = WINDOW_NS});
    const struct sl_leak_report *report = NULL;
    struct sl_error err = {0};

    play_step(&subject);
    sl_assert_ok(sl_observation_settle(observation, 0, &err), &err);
    subject_kill(&subject);
    sl_assert_ok(sl_observation_end(observation, &report, &err), &err);
    cr_assert_eq(report->count, N_LEFT + N_FLUSH);
}

SL_TEST(observe, steps_out_of_turn_are_refused)
{
    SL_AUTO(sl_observation)
    struct sl_observation *observation = begin(getpid(), (struct sl_observation_opts){0});
    const struct sl_leak_report *report = NULL, *again = NULL;
    struct sl_error err = {0};

    sl_assert_fails(sl_observation_mark(observation, NULL, &err), SL_EINVAL, &err, "has no name");
    cr_assert_null(sl_observation_snapshot(observation, NULL));
    sl_assert_ok(sl_observation_end(observation, &report, &err), &err);
    cr_assert_eq(report->count, 0);
    sl_assert_fails(sl_observation_end(observation, &again, &err), SL_EINVAL, &err, "has ended");
    cr_assert_null(again);
    sl_assert_fails(sl_observation_settle(observation, 0, &err), SL_EINVAL, &err, "is over once");
    sl_assert_fails(sl_observation_mark(observation, "late", &err), SL_EINVAL, &err,
                    "'late' in an observation that has ended");
}

SL_TEST(observe, a_process_that_is_not_there_is_refused)
{
    struct sl_observation *observation = NULL;
    struct sl_error err = {0};
    pid_t pid = fork();

    if (!pid)
        _exit(0);
    cr_assert_eq(waitpid(pid, NULL, 0), pid);
    sl_assert_fails(sl_observation_begin(pid, NULL, &observation, &err), SL_EGONE, &err, "");
    err = (struct sl_error){0};
    cr_assert_neq(sl_observation_begin(0, NULL, &observation, &err), SL_OK);
    cr_assert_str_not_empty(err.text);
    cr_assert_null(observation);
    sl_observation_free(NULL);
}
