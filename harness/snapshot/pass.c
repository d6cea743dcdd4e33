/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/snapshot/pass.h"

#include "base/fail.h"
#include "harness/snapshot/crew.h"
#include "harness/snapshot/wait.h"

static const char *reason_of_look(enum sl_look look)
{
    switch (look) {
    case SL_LOOK_RUNNING:
        return "the thread was on a CPU and was not stopped";
    case SL_LOOK_ENDED:
        return "the thread has ended";
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

/* Copy and unwind up to SL_BATCH threads that were seen. */
static enum sl_status
unwind_batch(struct sl_pass *pass, struct sl_attempt **batch, size_t n, struct sl_error *err)
{
    enum sl_status status = SL_OK;

    for (size_t i = 0; i < n && !status; i++)
        status = sl_attempt_request(pass, batch[i], pass->copies + i * pass->copy_size,
                                    &pass->requests[i], err);
    if (status)
        return status;
    sl_reader_copy(pass->code.reader, pass->requests, n);
    for (size_t i = 0; i < n && !status; i++) {
        batch[i]->copied = pass->requests[i].copied;
        status = sl_attempt_unwind(pass, batch[i], err);
    }
    size_t wanted = (pass->deepest + 511) / 512 * 512;
    pass->copy_size = SL_MIN(SL_MAX(wanted, SL_MIN_COPY), SL_MAX_COPY);
    return status;
}

static void look_at_one(void *argument, size_t i)
{
    struct sl_pass *pass = argument;
    sl_attempt_look(pass, pass->source, &pass->attempts[i]);
}

static void recheck_one(void *argument, size_t i)
{
    struct sl_pass *pass = argument;
    const struct sl_register_source *source = pass->source;
    struct sl_attempt *attempt = &pass->attempts[i];

    if (attempt->look != SL_LOOK_OK)
        return;
    attempt->thread->consistent =
        source->held_still(&pass->source_context, attempt->thread->tid, &attempt->sighting);
    source->leave(&pass->source_context, attempt->thread->tid, &attempt->sighting);
}

/* The whole group without stopping any; afterwards `consistent` says whose look is one moment. */
static enum sl_status read_group(struct sl_pass *pass, struct sl_error *err)
{
    const struct sl_register_source *source = pass->source;
    struct sl_attempt *batch[SL_BATCH];
    enum sl_status status = SL_OK;
    size_t n = 0;

    sl_crew_run(pass->n_attempts, look_at_one, pass);
    for (size_t i = 0; i < pass->n_attempts && !status; i++) {
        if (pass->attempts[i].look == SL_LOOK_OK)
            batch[n++] = &pass->attempts[i];
        if (n == SL_BATCH || (n && i + 1 == pass->n_attempts)) {
            status = unwind_batch(pass, batch, n, err);
            n = 0;
        }
    }
    if (!status && source->recheck)
        status = source->recheck(&pass->source_context, err);
    sl_crew_run(pass->n_attempts, recheck_one, pass); /* after a failure too, to leave them */
    return status;
}

/* Everything known is in: what the thread waits for, or why nothing is known. */
static void explain(struct sl_pass *pass, const struct sl_attempt *attempt)
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

static enum sl_status run_group(struct sl_pass *pass, struct sl_error *err)
{
    bool one_by_one = pass->source->stops;
    enum sl_status status = one_by_one ? SL_OK : read_group(pass, err);

    for (size_t i = 0; i < pass->n_attempts && !status; i++) {
        struct sl_attempt *attempt = &pass->attempts[i];
        status = one_by_one ? sl_attempt_alone(pass, pass->source, attempt, err)
                            : sl_attempt_settle(pass, attempt, err);
    }
    if (!status)
        status = sl_stacks_symbolize(pass->code.stacks, pass->code.maps, err);
    for (size_t i = 0; i < pass->n_attempts && !status; i++)
        explain(pass, &pass->attempts[i]);
    return status;
}

/* Threads that ended while they were looked at leave no record. */
static void keep_found(struct sl_pass *pass)
{
    size_t *n_threads = &pass->snapshot->n_threads;
    for (size_t i = 0; i < pass->n_attempts; i++)
        if (pass->attempts[i].look != SL_LOOK_GONE)
            pass->threads[(*n_threads)++] = *pass->attempts[i].thread;
}

enum sl_status sl_pass_run(struct sl_pass *pass, struct sl_error *err)
{
    /* Short windows, unless all threads are seen in one go anyway. */
    size_t capacity = pass->source->at_once ? pass->n_tids : SL_MIN(pass->n_tids, SL_BATCH);
    SL_AUTO_FREE struct sl_attempt *attempts = calloc(capacity, sizeof *attempts);
    enum sl_status status = SL_OK;

    if (!attempts)
        return sl_fail(err, SL_ENOMEM, "looks at %zu threads", capacity);
    pass->attempts = attempts;
    pass->copy_size = SL_MIN_COPY;
    for (size_t i = 0; i < pass->n_tids && !status;) {
        /* Records are made in place; those of threads that are gone close up afterwards. */
        struct sl_thread *thread = &pass->threads[pass->snapshot->n_threads];
        pass->n_attempts = 0;
        for (; i < pass->n_tids && pass->n_attempts < capacity; i++) {
            if (pass->tids[i] == pass->own_tid)
                continue;
            thread->tid = pass->tids[i];
            attempts[pass->n_attempts++] = (struct sl_attempt){.thread = thread++};
        }
        status = run_group(pass, err);
        keep_found(pass);
    }
    pass->attempts = NULL;
    return status;
}
