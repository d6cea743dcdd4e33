/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/snapshot/pass.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/fail.h"
#include "base/macros.h"
#include "harness/snapshot/candidates.h"
#include "harness/snapshot/crew.h"
#include "harness/snapshot/group.h"
#include "harness/snapshot/holders.h"
#include "harness/snapshot/settle.h"
#include "harness/snapshot/target/far_end.h"
#include "harness/snapshot/target/target.h"
#include "harness/snapshot/wait/futex.h"

#define MAX_WORDS    512         /* asked for at once */
#define PASS_OVER_NS SL_NS_PER_S /* for saying who was not looked at, when the time is over */

/*
 * Threads that may not run, whatever they wait for: stopped by job control, held by a tracer, or
 * frozen with their control group.  And what a thread sleeps for in the kernel when it made no
 * call.
 */
struct holds {
    const struct sl_target *target;
    struct sl_arena *arena;
    bool asked, freezes; /* whether a thread of the process was found frozen */
    pid_t tracer;        /* of which `text` speaks */
    const char *text;
};

/* Does the thread sleep in a function of the kernel with one of these in its name? */
static bool sleeps_in(const struct sl_target *target, pid_t tid, const char *const *parts, size_t n)
{
    char wchan[64];

    if (sl_target_read(target, tid, "wchan", wchan, sizeof wchan) <= 0)
        return false;
    for (size_t i = 0; i < n; i++)
        if (strstr(wchan, parts[i]))
            return true;
    return false;
}

static bool is_frozen(const struct sl_target *target, pid_t tid)
{
    /* cgroup v2, in kernels that made it a part of its caller too, where nothing else sleeps; v1 */
    static const char *const parts[] = {"freezer", "get_signal", "refrigerator"};
    return sleeps_in(target, tid, parts, SL_COUNT_OF(parts));
}

/* A control group freezes whole processes, so one thread of them is asked. */
static bool may_be_frozen(struct holds *holds)
{
    if (!holds->asked)
        holds->freezes = is_frozen(holds->target, holds->target->tid);
    holds->asked = true;
    return holds->freezes;
}

/* Names the process, so that it can be ended. */
static const char *name_process(struct sl_arena *arena, pid_t pid)
{
    char path[64], name[17] = "";

    (void) snprintf(path, sizeof path, "/proc/%ld/comm", (long) pid);
    SL_AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd < 0 ? 0 : read(fd, name, sizeof name - 1);
    name[got > 0 ? got : 0] = '\0';
    name[strcspn(name, "\n")] = '\0';
    return *name ? sl_arena_printf(arena, "process %ld '%s'", (long) pid, name)
                 : sl_arena_printf(arena, "process %ld", (long) pid);
}

/* "process 812 'gdb'", which traces the thread; NULL when nobody does. */
static const char *name_tracer(struct holds *holds, pid_t tid)
{
    pid_t tracer = sl_target_tracer(holds->target, tid);

    if (tracer <= 0)
        return NULL;
    if (tracer != holds->tracer) {
        holds->tracer = tracer;
        holds->text = name_process(holds->arena, tracer);
    }
    return holds->text;
}

/*
 * What struct sl_wait has as `held`.
 *
 * @param state         letter of /proc/PID/task/TID/stat
 * @param outside_call  the thread sleeps without having made a call
 */
static const char *find_hold(struct holds *holds, pid_t tid, char state, bool outside_call)
{
    if (state == 'T')
        return "stopped";
    if (state == 't') {
        const char *tracer = name_tracer(holds, tid);
        const char *text = tracer ? sl_arena_printf(holds->arena, "traced by %s", tracer) : NULL;
        return text ? text : "traced"; /* by a process that is not seen from here, or no more */
    }
    if (state != 'S' && state != 'D')
        return NULL;
    return (outside_call || may_be_frozen(holds)) && is_frozen(holds->target, tid) ? "frozen"
                                                                                   : NULL;
}

/*
 * Is a thread that sleeps outside a call known to wait for memory?  It may as well be on its way
 * through a core dump, or something that this kernel has and others do not.
 */
static bool waits_for_page(const struct sl_target *target, pid_t tid)
{
    /* A fault takes the lock of the memory map, reads the page, or asks the program itself. */
    static const char *const parts[] = {"fault", "folio",          "page",        "swap",
                                        "rwsem", "memcg",          "io_schedule", "mem_cgroup",
                                        "fuse",  "migration_entry"};
    return sleeps_in(target, tid, parts, SL_COUNT_OF(parts));
}

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
    case SL_LOOK_NO_TIME:
        return sl_budget_text(SL_BUDGET_TIME);
    case SL_LOOK_TRACED:
    case SL_LOOK_OK:
    case SL_LOOK_GONE:
        break;
    }
    return NULL;
}

static const char *say_traced(struct holds *holds, pid_t tid)
{
    const char *tracer = name_tracer(holds, tid);
    const char *text =
        tracer ? sl_arena_printf(holds->arena,
                                 "it could not be stopped to be read, for %s traces it", tracer)
               : NULL;
    return text ? text : "it could not be stopped to be read, for another process traced it";
}

/* Everything known is in: what the thread waits for, or why nothing is known. */
static void explain(const struct sl_wait_context *context, struct holds *holds,
                    const struct sl_attempt *attempt)
{
    struct sl_thread *thread = attempt->thread;
    bool has_call = attempt->look == SL_LOOK_OK && attempt->sighting.blocked;

    if (attempt->look == SL_LOOK_TRACED)
        thread->reason = say_traced(holds, thread->id);
    else if (attempt->look != SL_LOOK_OK)
        thread->reason = reason_of_look(attempt->look);
    else if (!thread->stack->n_frames)
        thread->reason = thread->stack->reason;
    if (attempt->look == SL_LOOK_OK)
        thread->sp = attempt->sighting.registers.value[SL_REG_RSP];
    if (thread->reason)
        thread->stack = NULL;
    if (sl_budget_is_over(holds->target->budget))
        return;
    if (has_call)
        thread->wait = sl_wait_describe(context, &attempt->sighting.call, &attempt->wait_memory,
                                        thread->stack);
    bool outside_call = has_call && thread->wait.kind == SL_WAIT_FAULT;
    thread->wait.held = find_hold(holds, thread->id, thread->state, outside_call);
    if (outside_call && (thread->wait.held || !waits_for_page(holds->target, thread->id)))
        thread->wait.kind = SL_WAIT_NONE;
}

/* For many threads at once. */
static void read_words(const struct sl_wait_context *context, struct sl_pass *pass)
{
    struct sl_copy copies[MAX_WORDS];
    struct sl_wait_memory *memories[MAX_WORDS];
    size_t n = 0;

    for (size_t i = 0; i < pass->n_attempts && !sl_budget_is_over(pass->target.budget); i++) {
        struct sl_attempt *attempt = &pass->attempts[i];
        struct sl_wait_memory *memory = &attempt->wait_memory;
        const struct sl_syscall *call = &attempt->sighting.call;
        if (attempt->look == SL_LOOK_OK && attempt->sighting.blocked &&
            sl_wait_wants_words(context, call, attempt->thread->stack)) {
            memories[n] = memory;
            copies[n++] = (struct sl_copy){
                .address = call->args[0], .data = memory->words, .size = sizeof memory->words};
        }
        if (n < SL_COUNT_OF(copies) && i + 1 < pass->n_attempts)
            continue;
        sl_reader_copy(context->reader, copies, n);
        for (size_t k = 0; k < n; k++)
            memories[k]->has_words = copies[k].copied == copies[k].size;
        n = 0;
    }
}

/* Does the thread wait for what comes through one descriptor, or goes? */
static bool waits_at_descriptor(const struct sl_attempt *attempt, bool *ret_writes)
{
    if (attempt->look != SL_LOOK_OK || !attempt->sighting.blocked || !attempt->thread->consistent)
        return false;
    switch (attempt->thread->wait.syscall_nr) {
    case SYS_read:
    case SYS_readv:
    case SYS_recvfrom:
    case SYS_recvmsg:
    case SYS_recvmmsg:
        *ret_writes = false;
        return true;
    case SYS_write:
    case SYS_writev:
    case SYS_sendto:
    case SYS_sendmsg:
    case SYS_sendmmsg:
        *ret_writes = true;
        return true;
    default:
        return false;
    }
}

/* Where the process has the other end of what a thread waits at, nobody else ends that wait. */
static void find_far_ends(struct sl_pass *pass)
{
    struct sl_far_ends *ends = NULL;
    bool writes;

    for (size_t i = 0; i < pass->n_attempts; i++) {
        struct sl_attempt *attempt = &pass->attempts[i];
        if (!waits_at_descriptor(attempt, &writes))
            continue;
        if (!ends && !(ends = sl_far_ends_new(&pass->target)))
            return;
        attempt->thread->wait.far_end = sl_far_ends_find(ends, (int) attempt->sighting.call.args[0],
                                                         writes, pass->snapshot->arena);
    }
    sl_far_ends_free(ends);
}

static void explain_all(struct sl_pass *pass)
{
    struct sl_ids ids = {.target = &pass->target, .tids = pass->tids, .n_tids = pass->n_tids};
    struct sl_futex_memo memo = {0};
    const struct sl_wait_context context = {.descriptors = pass->descriptors,
                                            .arena = pass->snapshot->arena,
                                            .ids = &ids,
                                            .reader = pass->code.reader,
                                            .has_library = sl_futex_has_library(pass->code.maps),
                                            .memo = &memo};

    struct holds holds = {.target = &pass->target, .arena = pass->snapshot->arena};

    read_words(&context, pass);
    for (size_t i = 0; i < pass->n_attempts; i++)
        explain(&context, &holds, &pass->attempts[i]);
    sl_holders_settle(pass, &context);
    sl_candidates_find(pass, context.reader);
    find_far_ends(pass);
    sl_ids_release(&ids);
}

static void leave_out(struct sl_snapshot *snapshot)
{
    snapshot->n_left_out++;
    snapshot->left_out_reason = "there are more than a look may have, or has time for";
}

/* Records are made in place. */
static void make_attempts(struct sl_pass *pass)
{
    struct sl_snapshot *snapshot = pass->snapshot;

    for (size_t i = 0; i < pass->n_tids; i++) {
        if (pass->tids[i] == pass->own_tid || pass->tids[i] == pass->helper_tid)
            continue;
        if (pass->n_attempts == pass->max_threads) {
            leave_out(snapshot);
            continue;
        }
        struct sl_thread *thread = &pass->threads[pass->n_attempts];
        thread->id = pass->tids[i];
        pass->attempts[pass->n_attempts++] =
            (struct sl_attempt){.thread = thread, .look = SL_LOOK_NO_TIME};
    }
}

/* Who could not be looked at in time is known at least, or counted. */
static void pass_over(struct sl_pass *pass)
{
    const uint64_t end = sl_clock_now_ns() + PASS_OVER_NS;

    for (size_t i = 0; i < pass->n_attempts; i++) {
        struct sl_attempt *attempt = &pass->attempts[i];
        if (attempt->look != SL_LOOK_NO_TIME)
            continue;
        if (sl_clock_now_ns() < end) {
            sl_attempt_identify(pass, attempt);
            continue;
        }
        attempt->look = SL_LOOK_GONE;
        leave_out(pass->snapshot);
    }
}

static enum sl_status recheck(void *pass, struct sl_error *err)
{
    return sl_groups_recheck(pass, err);
}

static enum sl_status walk_unjoined(void *argument, struct sl_error *err)
{
    struct sl_pass *pass = argument;
    return sl_unjoined_walk(&pass->code, &pass->unjoined, err);
}

static enum sl_status read_all(struct sl_pass *pass, struct sl_error *err)
{
    enum sl_status status = sl_groups_read(pass, err);

    if (status || !pass->source->at_once)
        return status;
    /* Each is a pass over all threads that takes one CPU. */
    if (pass->n_members > 1 && pass->opts->find_unjoined)
        return sl_crew_both(true, recheck, walk_unjoined, pass, err);
    return sl_groups_recheck(pass, err);
}

static enum sl_status look_at_all(struct sl_pass *pass, struct sl_error *err)
{
    enum sl_status status = pass->source->stops ? SL_OK : read_all(pass, err);

    /* Not before: the descriptors of what it opened are of use to this thread only. */
    sl_ahead_end(&pass->ahead, pass->code.symbolizer);
    if (!status)
        status = sl_attempts_settle(pass, err);
    if (!status)
        status = sl_code_symbolize(&pass->code, err);
    pass_over(pass);
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
    SL_AUTO_FREE struct sl_attempt *attempts = calloc(pass->max_threads, sizeof *attempts);

    if (!attempts)
        return sl_fail(err, SL_ENOMEM, "out of memory for looks at %zu threads", pass->max_threads);
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
