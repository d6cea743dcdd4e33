/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/snapshot/pass.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/fail.h"
#include "harness/snapshot/wait.h"

#define MAX_TRIES    3
#define RUNNING_WAIT (300 * SL_NS_PER_US) /* most threads that run are about to block again */

static const char *reason_of_look(enum sl_look look)
{
    switch (look) {
    case SL_LOOK_RUNNING:
        return "the thread was on a CPU and was not stopped";
    case SL_LOOK_KERNEL:
        return "a worker of the kernel, without user registers";
    case SL_LOOK_REFUSED:
        return "its registers may not be read";
    case SL_LOOK_UNSAFE:
        return "stopping it would make its system call fail";
    case SL_LOOK_UNSTOPPED:
        return "it did not stop in time";
    case SL_LOOK_FAILED:
        return "its registers could not be read";
    case SL_LOOK_OK:
    case SL_LOOK_GONE:
        break;
    }
    return NULL;
}

/* Identity and state of a thread.  @return false when it has ended */
static bool begin_thread(struct sl_pass *pass, pid_t tid, struct sl_thread *thread)
{
    struct sl_stat stat;

    if (tid == pass->own_tid || sl_target_stat(&pass->target, tid, &stat))
        return false;
    bool ended = stat.state == 'Z' || stat.state == 'X';
    if (ended && tid != pass->target.pid)
        return false;
    *thread = (struct sl_thread){.tid = tid,
                                 .start_time = stat.start_time,
                                 .state = stat.state,
                                 .cpu_ns = stat.cpu_ticks * pass->tick_ns,
                                 .wait = {.syscall_nr = -1},
                                 .reason = ended ? "the thread has ended" : NULL};
    memcpy(thread->name, stat.name, sizeof thread->name);
    return true;
}

static void
look(struct sl_pass *pass, const struct sl_register_source *source, struct sl_attempt *attempt)
{
    struct sl_thread *thread = attempt->thread;

    attempt->copied = 0;
    if (sl_target_run_count(&pass->target, thread->tid, &attempt->before)) {
        attempt->look = SL_LOOK_GONE;
        return;
    }
    thread->switches = attempt->before.switches;
    if (attempt->before.cpu_ns)
        thread->cpu_ns = attempt->before.cpu_ns;
    attempt->look = source->look(&pass->source_context, thread->tid, &attempt->sighting);
    if (attempt->look == SL_LOOK_OK) {
        thread->source = source->id;
        pass->snapshot->stats.stopped += source->stops;
    }
}

/* Where the stack of an attempt goes, and how much of it.  copy->size 0: not mapped. */
static enum sl_status request(struct sl_pass *pass, struct sl_attempt *attempt, uint8_t *to,
                              struct sl_copy *ret_copy, struct sl_error *err)
{
    uint64_t sp = attempt->sighting.registers.value[SL_REG_RSP];
    const struct sl_mapping *mapping;

    enum sl_status status = sl_code_find_stack(pass, sp, &mapping, err);
    if (status)
        return status;
    attempt->stack_end = mapping ? mapping->end : sp;
    attempt->copy = to;
    *ret_copy = (struct sl_copy){
        .address = sp, .data = to, .size = SL_MIN(pass->copy_size, attempt->stack_end - sp)};
    return SL_OK;
}

static bool held_still(struct sl_pass *pass, const struct sl_attempt *attempt)
{
    struct sl_run_count after;
    return sl_target_run_count(&pass->target, attempt->thread->tid, &after) == 0 &&
           after.switches == attempt->before.switches;
}

/* Look, copy and unwind one thread with the shortest window. */
static enum sl_status try_alone(struct sl_pass *pass, const struct sl_register_source *source,
                                struct sl_attempt *attempt, struct sl_error *err)
{
    struct sl_copy copy;
    bool read_late;

    look(pass, source, attempt);
    if (attempt->look != SL_LOOK_OK)
        return SL_OK;
    enum sl_status status = request(pass, attempt, pass->alone, &copy, err);
    if (!status) {
        sl_reader_copy(pass->code.reader, &copy, 1);
        attempt->copied = copy.copied;
        status = sl_attempt_unwind(pass, attempt, &read_late, err);
    }
    attempt->thread->consistent = source->stops || held_still(pass, attempt);
    source->leave(&pass->source_context, attempt->thread->tid);
    return status;
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
    const struct sl_registers *registers = &attempt->sighting.registers;
    const struct sl_pc pc = {.address = registers->value[SL_REG_RIP], .exact = true};

    attempt->end = SL_UNWIND_CHANGED;
    attempt->thread->stack =
        sl_stacks_get(pass->code.stacks, pass->code.maps, &pc, 1, SL_UNWIND_CHANGED);
    return attempt->thread->stack ? SL_OK : sl_fail(err, SL_ENOMEM, "stack of a thread");
}

/* By stopping the thread.  What was had without is kept when that does not work. */
static enum sl_status
try_stopped(struct sl_pass *pass, struct sl_attempt *attempt, struct sl_error *err)
{
    struct sl_thread before = *attempt->thread;
    struct sl_attempt stopped = *attempt;

    enum sl_status status = try_alone(pass, &sl_source_ptrace, &stopped, err);
    if (stopped.look == SL_LOOK_OK || stopped.look == SL_LOOK_GONE)
        *attempt = stopped;
    else if (attempt->look == SL_LOOK_OK)
        *attempt->thread = before;
    else if (attempt->look == SL_LOOK_RUNNING)
        attempt->look = stopped.look;
    return status;
}

/* A thread of which no consistent view was had at first. */
static enum sl_status settle(struct sl_pass *pass, struct sl_attempt *attempt, struct sl_error *err)
{
    enum sl_status status = SL_OK;

    pass->snapshot->stats.retried++;
    for (int i = 0; i < MAX_TRIES && !status && !is_settled(attempt); i++) {
        if (attempt->look == SL_LOOK_RUNNING)
            sl_clock_sleep_ns(RUNNING_WAIT);
        status = try_alone(pass, pass->source, attempt, err);
    }
    if (!status && !is_settled(attempt) && pass->may_stop)
        status = try_stopped(pass, attempt, err);
    if (!status && !is_settled(attempt) && attempt->look == SL_LOOK_OK)
        status = mark_changed(pass, attempt, err);
    return status;
}

/* Everything known is in: what the thread waits for, or why nothing is known. */
static void finish_thread(struct sl_pass *pass, const struct sl_attempt *attempt)
{
    struct sl_thread *thread = attempt->thread;
    const struct sl_wait_context context = {.reader = pass->code.reader,
                                            .descriptors = pass->descriptors,
                                            .arena = pass->snapshot->arena,
                                            .tids = pass->tids,
                                            .n_tids = pass->n_tids};

    if (attempt->look != SL_LOOK_OK)
        thread->reason = reason_of_look(attempt->look);
    else if (attempt->sighting.blocked)
        thread->wait = sl_wait_describe(&context, &attempt->sighting.call, thread->stack);
}

static enum sl_status
finish_attempt(struct sl_pass *pass, struct sl_attempt *attempt, struct sl_error *err)
{
    struct sl_thread *thread = attempt->thread;
    enum sl_status status = SL_OK;
    bool read_late = false;

    if (attempt->look == SL_LOOK_OK && thread->consistent) {
        status = sl_attempt_unwind(pass, attempt, &read_late, err);
        if (read_late)
            thread->consistent = held_still(pass, attempt);
    }
    if (!status && !is_settled(attempt))
        status = settle(pass, attempt, err);
    if (!status && attempt->look == SL_LOOK_OK && attempt->end == SL_UNWIND_NO_REGISTER &&
        thread->source != SL_SOURCE_PTRACE && pass->may_stop)
        status = try_stopped(pass, attempt, err);
    if (!status)
        finish_thread(pass, attempt);
    return status;
}

/* Looks and copies of a batch; afterwards `consistent` says whose copy is one moment. */
static enum sl_status read_batch(struct sl_pass *pass, size_t n, struct sl_error *err)
{
    size_t n_requests = 0;

    for (size_t i = 0; i < n; i++) {
        struct sl_attempt *attempt = &pass->attempts[i];
        look(pass, pass->source, attempt);
        if (attempt->look != SL_LOOK_OK)
            continue;
        enum sl_status status = request(pass, attempt, pass->copies + n_requests * SL_MAX_COPY,
                                        &pass->requests[n_requests], err);
        if (status)
            return status;
        n_requests++;
    }
    sl_reader_copy(pass->code.reader, pass->requests, n_requests);
    for (size_t i = 0, r = 0; i < n; i++) {
        struct sl_attempt *attempt = &pass->attempts[i];
        if (attempt->look != SL_LOOK_OK)
            continue;
        attempt->copied = pass->requests[r++].copied;
        attempt->thread->consistent = held_still(pass, attempt);
    }
    return SL_OK;
}

static enum sl_status run_batch(struct sl_pass *pass, size_t n, struct sl_error *err)
{
    enum sl_status status = SL_OK;

    if (!pass->source->stops)
        status = read_batch(pass, n, err);
    for (size_t i = 0; i < n && !status; i++) {
        struct sl_attempt *attempt = &pass->attempts[i];
        if (pass->source->stops) {
            status = try_alone(pass, pass->source, attempt, err);
            if (!status)
                finish_thread(pass, attempt);
        } else {
            status = finish_attempt(pass, attempt, err);
        }
    }
    size_t wanted = (pass->deepest + 511) / 512 * 512;
    pass->copy_size = SL_MIN(SL_MAX(wanted, SL_MIN_COPY), SL_MAX_COPY);
    return status;
}

/* Threads that ended while they were looked at leave no record. */
static void drop_gone(struct sl_pass *pass, size_t first, size_t n_attempts)
{
    size_t kept = first;

    for (size_t i = first, a = 0; i < pass->snapshot->n_threads; i++) {
        bool attempted = a < n_attempts && pass->attempts[a].thread == &pass->threads[i];
        bool gone = attempted && pass->attempts[a].look == SL_LOOK_GONE;
        a += attempted;
        if (!gone)
            pass->threads[kept++] = pass->threads[i];
    }
    pass->snapshot->n_threads = kept;
}

enum sl_status sl_pass_run(struct sl_pass *pass, struct sl_error *err)
{
    struct sl_snapshot *snapshot = pass->snapshot;
    enum sl_status status = SL_OK;

    pass->copy_size = SL_MIN_COPY;
    for (size_t i = 0; i < pass->n_tids && !status;) {
        size_t first = snapshot->n_threads, n = 0;
        for (; i < pass->n_tids && n < SL_BATCH; i++) {
            struct sl_thread *thread = &pass->threads[snapshot->n_threads];
            if (!begin_thread(pass, pass->tids[i], thread))
                continue;
            snapshot->n_threads++;
            if (!thread->reason)
                pass->attempts[n++] = (struct sl_attempt){.thread = thread};
        }
        status = run_batch(pass, n, err);
        drop_gone(pass, first, n);
    }
    return status;
}
