/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/snapshot/pass.h"

#include <errno.h>

#include "base/fail.h"
#include "harness/snapshot/group.h"
#include "harness/snapshot/settle.h"
#include "harness/snapshot/target/hold.h"
#include "harness/snapshot/wait/futex.h"

static const char *reason_of_look(enum sl_look look)
{
    switch (look) {
    case SL_LOOK_RUNNING:
        return "the thread was on a CPU, or waited for one, and was not stopped";
    case SL_LOOK_ENDED:
        return "the thread has ended";
    case SL_LOOK_KERNEL:
        return "a worker of the kernel, without user registers";
    case SL_LOOK_REFUSED:
        return "its registers may not be read";
    case SL_LOOK_UNSAFE:
        return "stopping it could make its system call fail";
    case SL_LOOK_UNSTOPPED:
        return "it did not stop in time";
    case SL_LOOK_FAILED:
        return "its registers could not be read";
    case SL_LOOK_OVERDUE:
        return "it was let run again unread, for it would have stood still too long";
    case SL_LOOK_TRACED:
    case SL_LOOK_OK:
    case SL_LOOK_GONE:
        break;
    }
    return NULL;
}

static const char *say_traced(struct sl_holds *holds, pid_t tid)
{
    const char *tracer = sl_holds_tracer(holds, tid);
    const char *text =
        tracer ? sl_arena_printf(holds->arena,
                                 "it could not be stopped to be read, for %s traces it", tracer)
               : NULL;
    return text ? text : "it could not be stopped to be read, for another process traced it";
}

/* Everything known is in: what the thread waits for, or why nothing is known. */
static void explain(const struct sl_wait_context *context, struct sl_holds *holds,
                    const struct sl_attempt *attempt)
{
    struct sl_thread *thread = attempt->thread;
    bool has_call = attempt->look == SL_LOOK_OK && attempt->sighting.blocked;

    if (attempt->look == SL_LOOK_TRACED)
        thread->reason = say_traced(holds, thread->id);
    else if (attempt->look != SL_LOOK_OK)
        thread->reason = reason_of_look(attempt->look);
    else if (has_call)
        thread->wait = sl_wait_describe(context, &attempt->sighting.call, &attempt->wait_memory,
                                        thread->stack);
    bool outside_call = has_call && thread->wait.kind == SL_WAIT_FAULT;
    thread->wait.held = sl_holds_find(holds, thread->id, thread->state, outside_call);
    if (outside_call && (thread->wait.held || !sl_holds_is_fault(holds, thread->id)))
        thread->wait.kind = SL_WAIT_NONE;
}

static void explain_all(struct sl_pass *pass)
{
    struct sl_ids ids = {.target = &pass->target, .tids = pass->tids, .n_tids = pass->n_tids};
    const struct sl_wait_context context = {.descriptors = pass->descriptors,
                                            .arena = pass->snapshot->arena,
                                            .ids = &ids,
                                            .reader = pass->code.reader,
                                            .has_library = sl_futex_has_library(pass->code.maps)};

    struct sl_holds holds = {.target = &pass->target, .arena = pass->snapshot->arena};

    for (size_t i = 0; i < pass->n_attempts; i++)
        explain(&context, &holds, &pass->attempts[i]);
    sl_ids_release(&ids);
}

/* Records are made in place. */
static void make_attempts(struct sl_pass *pass)
{
    for (size_t i = 0; i < pass->n_tids; i++) {
        if (pass->tids[i] == pass->own_tid || pass->tids[i] == pass->helper_tid)
            continue;
        struct sl_thread *thread = &pass->threads[pass->n_attempts];
        thread->id = pass->tids[i];
        pass->attempts[pass->n_attempts++].thread = thread;
    }
}

static enum sl_status look_at_all(struct sl_pass *pass, struct sl_error *err)
{
    enum sl_status status = pass->source->stops ? SL_OK : sl_groups_read(pass, err);

    /* Not before: the descriptors of what it opened are of use to this thread only. */
    sl_ahead_end(&pass->ahead, pass->code.symbolizer);
    if (!status)
        status = sl_attempts_settle(pass, err);
    if (!status)
        status = sl_stacks_symbolize(pass->code.stacks, pass->code.maps, err);
    return status;
}

/* Without its start time a thread can not be told from a later one with its id. */
static enum sl_status check_identities(const struct sl_pass *pass, struct sl_error *err)
{
    for (size_t i = 0; i < pass->n_attempts; i++) {
        const struct sl_attempt *attempt = &pass->attempts[i];
        if (attempt->look == SL_LOOK_GONE || !attempt->sighting.error)
            continue;
        errno = attempt->sighting.error;
        return sl_fail_errno(err, "cannot read the state of thread %ld",
                             (long) attempt->thread->id);
    }
    return SL_OK;
}

/* Threads that ended while they were looked at leave no record: the others close up. */
static void keep_found(struct sl_pass *pass)
{
    size_t *n_threads = &pass->snapshot->n_threads;
    for (size_t i = 0; i < pass->n_attempts; i++)
        if (pass->attempts[i].look != SL_LOOK_GONE)
            pass->threads[(*n_threads)++] = *pass->attempts[i].thread;
}

enum sl_status sl_pass_run(struct sl_pass *pass, struct sl_error *err)
{
    SL_AUTO_FREE struct sl_attempt *attempts = calloc(pass->n_tids, sizeof *attempts);

    if (!attempts)
        return sl_fail(err, SL_ENOMEM, "out of memory for looks at %zu threads", pass->n_tids);
    pass->attempts = attempts;
    pass->copy_size = SL_MIN_COPY;
    make_attempts(pass);
    enum sl_status status = look_at_all(pass, err);
    if (!status)
        status = check_identities(pass, err);
    if (!status)
        explain_all(pass);
    keep_found(pass);
    pass->attempts = NULL;
    return status;
}
