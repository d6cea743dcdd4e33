/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/snapshot/settle.h"

#include <errno.h>
#include <sched.h>
#include <sys/syscall.h>

#include "base/clock.h"
#include "base/fail.h"
#include "harness/snapshot/crew.h"
#include "harness/snapshot/source/ptrace.h"

#define MAX_TRIES     3
#define MAX_STOPPED   512 /* asked at once */
#define FIRST_STOPPED 4
#define RUNNING_WAIT  (300 * SL_NS_PER_US) /* most threads that run are about to block again */
#define RETRY_BUDGET  (50 * SL_NS_PER_MS)  /* not so where there are more of them than CPUs */
#define STOP_SPIN_NS  (200 * SL_NS_PER_US) /* a thread on a CPU stops within microseconds */
#define STOP_POLL_NS  (100 * SL_NS_PER_US)
#define STOP_WAIT     SL_NS_PER_S /* for the next one to stop; all run on meanwhile */
#define REAP_EVERY_NS (100 * SL_NS_PER_MS)
#define RETURN_BUDGET (20 * SL_NS_PER_MS) /* until threads that were stopped wait again */

/* The stack of a thread that was seen, then whether it held still. */
static enum sl_status read_stack(struct sl_pass *pass, const struct sl_register_source *source,
                                 struct sl_attempt *attempt, struct sl_error *err)
{
    struct sl_copy copy;

    enum sl_status status = sl_attempt_request(pass, attempt, pass->alone, &copy, err);
    if (!status) {
        sl_reader_copy(pass->code.reader, &copy, 1);
        attempt->copied = copy.copied;
        status = sl_attempt_unwind(pass, attempt, err);
    }
    if (attempt->sighting.blocked) {
        copy = sl_wait_request(pass->code.reader, &attempt->sighting.call, &attempt->wait_memory);
        sl_reader_copy(pass->code.reader, &copy, 1);
        sl_wait_accept(&copy, &attempt->wait_memory);
    }
    attempt->thread->consistent =
        source->held_still(&pass->source_context, attempt->thread->id, &attempt->sighting);
    source->leave(&pass->source_context, attempt->thread->id, &attempt->sighting);
    return status;
}

/* One thread by itself: look, copy, unwind, look again. */
static enum sl_status look_alone(struct sl_pass *pass, const struct sl_register_source *source,
                                 struct sl_attempt *attempt, struct sl_error *err)
{
    sl_attempt_look(pass, &pass->source_context, source, attempt);
    return attempt->look == SL_LOOK_OK ? read_stack(pass, source, attempt, err) : SL_OK;
}

static bool is_settled(const struct sl_attempt *attempt)
{
    return attempt->look != SL_LOOK_RUNNING &&
           (attempt->look != SL_LOOK_OK || attempt->thread->consistent);
}

/* The frames of a thread that ran while it was read may never have existed together. */
static enum sl_status
mark_changed(struct sl_pass *pass, struct sl_attempt *attempt, struct sl_error *err)
{
    const struct sl_pc pc = {.address = attempt->sighting.registers.value[SL_REG_RIP],
                             .exact = true};

    attempt->end = SL_UNWIND_CHANGED;
    attempt->thread->stack = sl_code_stack(&pass->code, &pc, 1, SL_UNWIND_CHANGED);
    return attempt->thread->stack ? SL_OK
                                  : sl_fail(err, SL_ENOMEM, "out of memory for stack of a thread");
}

/*
 * Again without stopping, for a while.  Always from /proc: a source that sees all
 * threads at once is of no use for one.
 */
static enum sl_status retry(struct sl_pass *pass, struct sl_error *err)
{
    const uint64_t end = sl_clock_now_ns() + RETRY_BUDGET;
    enum sl_status status = SL_OK;

    for (int i = 0; i < MAX_TRIES && !status && (i == 0 || sl_clock_now_ns() < end); i++) {
        bool all_settled = true, any_runs = false;
        for (size_t k = 0; k < pass->n_attempts; k++) {
            bool settled = is_settled(&pass->attempts[k]);
            all_settled = all_settled && settled;
            any_runs = any_runs || pass->attempts[k].look == SL_LOOK_RUNNING;
            pass->snapshot->stats.retried += i == 0 && !settled;
        }
        if (all_settled)
            break;
        if (any_runs) /* one rest for all of them */
            sl_clock_sleep_ns(RUNNING_WAIT);
        for (size_t k = 0; k < pass->n_attempts && !status; k++)
            if (!is_settled(&pass->attempts[k]) && !sl_budget_is_over(pass->target.budget))
                status = look_alone(pass, &sl_source_proc, &pass->attempts[k], err);
    }
    return status;
}

/* A thread being stopped: what was seen of it before is kept until the stop has worked. */
struct stop {
    struct sl_attempt *before;
    struct sl_attempt now;
    struct sl_thread thread;
    bool asked; /* and not stopped yet, which was seen last at: */
    uint64_t running_ns;
};

/* Read one that has stopped, or let it run unread when that comes too late for it. */
static enum sl_status read_stopped(struct sl_pass *pass, struct stop *stop, struct sl_error *err)
{
    const struct sl_register_source *source = &sl_source_ptrace;
    struct sl_attempt *attempt = &stop->now;
    bool overdue = attempt->look == SL_LOOK_OK &&
                   sl_clock_now_ns() - stop->running_ns > pass->source_context.stop_budget_ns;

    if (overdue) {
        source->leave(&pass->source_context, stop->thread.id, &attempt->sighting);
        attempt->look = SL_LOOK_OVERDUE;
    }
    sl_attempt_record(pass, source, attempt);
    return attempt->look == SL_LOOK_OK ? read_stack(pass, source, attempt, err) : SL_OK;
}

/* Read each of them as soon as it has stopped.  @param ret_n_waiting  that have not */
static enum sl_status collect_stopped(struct sl_pass *pass, struct stop *stops, size_t n,
                                      size_t *ret_n_waiting, struct sl_error *err)
{
    enum sl_status status = SL_OK;

    *ret_n_waiting = 0;
    for (size_t i = 0; i < n && !status; i++) {
        struct sl_attempt *attempt = &stops[i].now;
        if (!stops[i].asked)
            continue;
        attempt->look =
            sl_source_ptrace.finish(&pass->source_context, stops[i].thread.id, &attempt->sighting);
        stops[i].asked = attempt->look == SL_LOOK_UNSTOPPED;
        *ret_n_waiting += stops[i].asked;
        if (stops[i].asked)
            stops[i].running_ns = sl_clock_now_ns();
        else
            status = read_stopped(pass, &stops[i], err);
    }
    return status;
}

/* Ask all of them to stop before any is waited for. */
static size_t ask_to_stop(struct sl_pass *pass, struct stop *stops, size_t n)
{
    size_t n_asked = 0;

    for (size_t i = 0; i < n; i++) {
        struct sl_attempt *attempt = &stops[i].now;
        stops[i].running_ns = sl_clock_now_ns();
        attempt->look =
            sl_source_ptrace.begin(&pass->source_context, stops[i].thread.id, &attempt->sighting);
        stops[i].asked = attempt->look == SL_LOOK_OK;
        attempt->asked_to_stop = stops[i].asked;
        n_asked += stops[i].asked;
        if (stops[i].asked)
            attempt->look = SL_LOOK_UNSTOPPED;
        sl_attempt_record(pass, &sl_source_ptrace, attempt);
    }
    return n_asked;
}

/*
 * Until all have been read, none stops any more, or the patience with them has run out.  Those
 * that are waited for run meanwhile, so that it costs them nothing.
 */
static enum sl_status
stop_threads(struct sl_pass *pass, struct stop *stops, size_t n, struct sl_error *err)
{
    struct sl_source_context *context = &pass->source_context;
    const uint64_t start = sl_clock_now_ns();
    const uint64_t patience =
        SL_MIN(context->patience_ns, sl_budget_left(pass->target.budget, SL_BUDGET_TIME));
    enum sl_status status = SL_OK;
    size_t n_waiting = ask_to_stop(pass, stops, n);
    uint64_t waited = 0, last_stop = 0;

    while (n_waiting && !status && waited <= patience && waited - last_stop <= STOP_WAIT) {
        size_t n_before = n_waiting;
        status = collect_stopped(pass, stops, n, &n_waiting, err);
        waited = sl_clock_now_ns() - start;
        if (n_waiting < n_before)
            last_stop = waited;
        else if (waited - last_stop < STOP_SPIN_NS)
            (void) sched_yield();
        else
            sl_clock_sleep_ns(STOP_POLL_NS);
    }
    context->patience_ns -= SL_MIN(waited, context->patience_ns);
    return status;
}

/* What was had without stopping stays when that did not work. */
static void keep_better(const struct sl_pass *pass, struct stop *stop)
{
    struct sl_attempt *attempt = stop->before;
    bool asked = attempt->asked_to_stop || stop->now.asked_to_stop;

    if (pass->source->stops || stop->now.look == SL_LOOK_OK || stop->now.look == SL_LOOK_GONE) {
        struct sl_thread *thread = attempt->thread;
        *attempt = stop->now;
        attempt->thread = thread;
        *thread = stop->thread;
    } else if (attempt->look != SL_LOOK_OK && stop->now.look != SL_LOOK_REFUSED) {
        attempt->look = stop->now.look;
    }
    attempt->asked_to_stop = asked;
}

/* Did not hold still, or lacks a register; or the source is one that stops threads. */
static bool wants_stop(const struct sl_pass *pass, const struct sl_attempt *attempt, bool again)
{
    if (again)
        return attempt->look == SL_LOOK_OVERDUE;
    return pass->source->stops || !is_settled(attempt) ||
           (attempt->look == SL_LOOK_OK && attempt->end == SL_UNWIND_NO_REGISTER);
}

static size_t count_to_stop(const struct sl_pass *pass, bool again)
{
    size_t n = 0;
    for (size_t i = 0; i < pass->n_attempts; i++)
        n += wants_stop(pass, &pass->attempts[i], again);
    return n;
}

static enum sl_status stop_those_left(struct sl_pass *pass, bool again, struct sl_error *err)
{
    size_t capacity = SL_MIN(count_to_stop(pass, again), (size_t) MAX_STOPPED);
    enum sl_status status = SL_OK;

    if (capacity == 0)
        return SL_OK;
    SL_AUTO_FREE struct stop *stops = calloc(capacity, sizeof *stops);
    if (!stops)
        return sl_fail(err, SL_ENOMEM, "out of memory for threads to stop");
    /* A few first: on their stacks the tables are read that the others need, too. */
    for (size_t at = 0, room = SL_MIN(capacity, (size_t) FIRST_STOPPED);
         at < pass->n_attempts && !status && !sl_budget_is_over(pass->target.budget);
         room = capacity) {
        size_t n = 0;
        for (; at < pass->n_attempts && n < room; at++) {
            struct sl_attempt *attempt = &pass->attempts[at];
            if (!wants_stop(pass, attempt, again))
                continue;
            stops[n] = (struct stop){.before = attempt, .thread = {.id = attempt->thread->id}};
            stops[n].now.thread = &stops[n].thread;
            n++;
        }
        status = stop_threads(pass, stops, n, err);
        for (size_t i = 0; i < n && !status; i++)
            keep_better(pass, &stops[i]);
    }
    return status;
}

struct stopper {
    struct sl_pass *pass;
    enum sl_status status;
    struct sl_error error;
};

/* Twice: by then the tables are known that made the first ones take long. */
static void *run_stopper(void *argument)
{
    struct stopper *stopper = argument;

    for (int round = 0; round < 2 && !stopper->status; round++)
        stopper->status = stop_those_left(stopper->pass, round > 0, &stopper->error);
    return NULL;
}

/* Until the stopper has ended; it may have to be helped on (ptrace.h). */
static void await_stopper(const struct sl_pass *pass, pthread_t thread)
{
    struct timespec until = sl_clock_to_timespec(sl_clock_now_ns() + REAP_EVERY_NS);

    while (pthread_clockjoin_np(thread, NULL, CLOCK_MONOTONIC, &until) == ETIMEDOUT) {
        sl_ptrace_reap(pass->tids, pass->n_tids, pass->target.pid);
        until = sl_clock_to_timespec(sl_clock_now_ns() + REAP_EVERY_NS);
    }
}

/*
 * On a thread of its own.  When it ends the kernel lets go of every thread that it traced,
 * also of those that stop later than they were waited for: before names are looked up,
 * which may take long.
 */
static enum sl_status stop_apart(struct sl_pass *pass, struct sl_error *err)
{
    struct stopper stopper = {.pass = pass};
    pthread_t thread;

    if (!count_to_stop(pass, false))
        return SL_OK;
    int error = sl_crew_thread(&thread, run_stopper, &stopper);
    if (error && !pass->source->stops)
        return SL_OK; /* then nobody is stopped */
    if (error) {
        errno = error;
        return sl_fail_errno(err, "cannot create a thread that stops others");
    }
    await_stopper(pass, thread);
    if (stopper.status && err && !err->status)
        *err = stopper.error;
    return stopper.status;
}

/* Has the thread gone back to where it was when it was asked to stop? */
static bool is_back(const struct sl_attempt *attempt, const struct sl_sighting *sighting)
{
    const struct sl_syscall *before = &attempt->sighting.call, *now = &sighting->call;
    return attempt->sighting.blocked && sighting->blocked && before->sp == now->sp &&
           before->pc == now->pc && (before->nr == now->nr || now->nr == SYS_restart_syscall);
}

/*
 * What the stops cost.  A thread that waited is woken, and waits again; all that it did in
 * between is ours.  @return whether all are known
 */
static bool measure_stops(struct sl_pass *pass)
{
    bool all_known = true;

    for (size_t i = 0; i < pass->n_attempts; i++) {
        const struct sl_attempt *attempt = &pass->attempts[i];
        struct sl_stop_cost *cost = &attempt->thread->cost;
        struct sl_sighting sighting;

        if (!attempt->asked_to_stop || cost->known)
            continue;
        cost->stopped = true;
        enum sl_look look =
            sl_source_proc.look(&pass->source_context, attempt->thread->id, &sighting);
        if (look == SL_LOOK_OK)
            sl_source_proc.leave(&pass->source_context, attempt->thread->id, &sighting);
        if (look != SL_LOOK_OK || !is_back(attempt, &sighting)) {
            all_known = all_known && !attempt->sighting.blocked; /* one that ran may go on */
            continue;
        }
        *cost = (struct sl_stop_cost){
            .stopped = true,
            .known = true,
            .switches = sighting.count.switches - attempt->sighting.count.switches,
            .cpu_ns =
                sighting.count.cpu_ns ? sighting.count.cpu_ns - attempt->sighting.count.cpu_ns : 0};
    }
    return all_known;
}

static void await_return(struct sl_pass *pass)
{
    const uint64_t end = sl_clock_now_ns() + RETURN_BUDGET;
    while (!measure_stops(pass) && sl_clock_now_ns() < end)
        sl_clock_sleep_ns(RUNNING_WAIT);
}

enum sl_status sl_attempts_settle(struct sl_pass *pass, struct sl_error *err)
{
    enum sl_status status = pass->source->stops ? SL_OK : retry(pass, err);

    if (!status && pass->may_stop)
        status = stop_apart(pass, err);
    if (!status)
        await_return(pass);
    for (size_t i = 0; i < pass->n_attempts && !status; i++) {
        struct sl_attempt *attempt = &pass->attempts[i];
        if (attempt->look == SL_LOOK_OK && !attempt->thread->consistent)
            status = mark_changed(pass, attempt, err);
    }
    return status;
}
