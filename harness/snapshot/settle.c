/* SPDX-License-Identifier: Apache-2.0 */
/* Threads one by one: those that ran while their group was read, or need to be stopped. */
#include <string.h>

#include "base/clock.h"
#include "base/fail.h"
#include "harness/snapshot/pass.h"

#define MAX_TRIES    3
#define RUNNING_WAIT (300 * SL_NS_PER_US) /* most threads that run are about to block again */

void sl_attempt_look(struct sl_pass *pass, const struct sl_register_source *source,
                     struct sl_attempt *attempt)
{
    struct sl_thread *thread = attempt->thread;
    struct sl_sighting *sighting = &attempt->sighting;
    pid_t tid = thread->tid;

    *sighting = (struct sl_sighting){0};
    attempt->copied = 0;
    attempt->look = source->look(&pass->source_context, tid, sighting);
    *thread = (struct sl_thread){.tid = tid,
                                 .start_time = sighting->stat.start_time,
                                 .state = sighting->stat.state,
                                 .wait = {.syscall_nr = -1},
                                 .switches = sighting->count.switches,
                                 .cpu_ns = sighting->count.cpu_ns
                                               ? sighting->count.cpu_ns
                                               : sighting->stat.cpu_ticks * pass->tick_ns};
    memcpy(thread->name, sighting->stat.name, sizeof thread->name);
    if (attempt->look == SL_LOOK_OK) {
        thread->source = source->id;
        if (source->stops) /* others look at many threads at once */
            pass->snapshot->stats.stopped++;
    }
}

enum sl_status sl_attempt_request(struct sl_pass *pass, struct sl_attempt *attempt, uint8_t *to,
                                  struct sl_copy *ret_copy, struct sl_error *err)
{
    uint64_t sp = attempt->sighting.registers.value[SL_REG_RSP];
    const struct sl_mapping *mapping;

    enum sl_status status = sl_code_find_stack(pass, sp, &mapping, err);
    if (status)
        return status;
    attempt->stack_end = mapping ? mapping->end : sp; /* nothing to copy when it is not mapped */
    attempt->copy = to;
    *ret_copy = (struct sl_copy){
        .address = sp, .data = to, .size = SL_MIN(pass->copy_size, attempt->stack_end - sp)};
    return SL_OK;
}

enum sl_status sl_attempt_alone(struct sl_pass *pass, const struct sl_register_source *source,
                                struct sl_attempt *attempt, struct sl_error *err)
{
    struct sl_copy copy;

    sl_attempt_look(pass, source, attempt);
    if (attempt->look != SL_LOOK_OK)
        return SL_OK;
    enum sl_status status = sl_attempt_request(pass, attempt, pass->alone, &copy, err);
    if (!status) {
        sl_reader_copy(pass->code.reader, &copy, 1);
        attempt->copied = copy.copied;
        status = sl_attempt_unwind(pass, attempt, err);
    }
    attempt->thread->consistent =
        source->held_still(&pass->source_context, attempt->thread->tid, &attempt->sighting);
    source->leave(&pass->source_context, attempt->thread->tid, &attempt->sighting);
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
    const struct sl_pc pc = {.address = attempt->sighting.registers.value[SL_REG_RIP],
                             .exact = true};

    attempt->end = SL_UNWIND_CHANGED;
    attempt->thread->stack = sl_stacks_get(pass->code.stacks, &pc, 1, SL_UNWIND_CHANGED);
    return attempt->thread->stack ? SL_OK : sl_fail(err, SL_ENOMEM, "stack of a thread");
}

/* By stopping the thread.  What was had without is kept when that does not work. */
static enum sl_status
try_stopped(struct sl_pass *pass, struct sl_attempt *attempt, struct sl_error *err)
{
    struct sl_thread before = *attempt->thread;
    struct sl_attempt stopped = *attempt;

    enum sl_status status = sl_attempt_alone(pass, &sl_source_ptrace, &stopped, err);
    if (stopped.look == SL_LOOK_OK || stopped.look == SL_LOOK_GONE)
        *attempt = stopped;
    else if (attempt->look == SL_LOOK_OK)
        *attempt->thread = before;
    else if (stopped.look != SL_LOOK_REFUSED)
        attempt->look = stopped.look;
    return status;
}

/*
 * Again without stopping, for a while.  Always from /proc: a source that sees all
 * threads at once is of no use for one.
 */
static enum sl_status retry(struct sl_pass *pass, struct sl_attempt *attempt, struct sl_error *err)
{
    enum sl_status status = SL_OK;

    pass->snapshot->stats.retried++;
    for (int i = 0; i < MAX_TRIES && !status && !is_settled(attempt); i++) {
        if (attempt->look == SL_LOOK_RUNNING)
            sl_clock_sleep_ns(RUNNING_WAIT);
        status = sl_attempt_alone(pass, &sl_source_proc, attempt, err);
    }
    return status;
}

enum sl_status
sl_attempt_settle(struct sl_pass *pass, struct sl_attempt *attempt, struct sl_error *err)
{
    enum sl_status status = SL_OK;

    if (!is_settled(attempt))
        status = retry(pass, attempt, err);
    bool lacks_register = attempt->look == SL_LOOK_OK && attempt->end == SL_UNWIND_NO_REGISTER;
    if (!status && pass->may_stop && (!is_settled(attempt) || lacks_register))
        status = try_stopped(pass, attempt, err);
    if (!status && attempt->look == SL_LOOK_OK && !attempt->thread->consistent)
        status = mark_changed(pass, attempt, err);
    return status;
}
