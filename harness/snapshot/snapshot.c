/* SPDX-License-Identifier: Apache-2.0 */
#include <strandline/snapshot.h>

#include <elf.h>
#include <pthread.h>
#include <string.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/fail.h"
#include "base/hash.h"
#include "harness/snapshot/choice.h"
#include "harness/snapshot/crew.h"
#include "harness/snapshot/killable/killable.h"
#include "harness/snapshot/pass.h"
#include "harness/snapshot/resident.h"

#define DEFAULT_STOP_BUDGET_NS (200 * SL_NS_PER_MS)
#define DEFAULT_MAX_THREADS    250000
#define HIGHEST_PRIORITY       (-20)
#define REPLACED_BUDGET_NS     SL_NS_PER_S
#define FEW_DESCRIPTORS        32 /* with less than that nothing is done at the same time */
#define LONG_LIST              16 /* threads; fewer are listed before another thread runs */
#define REAP_NS                SL_NS_PER_S       /* for tasks that were killed to end */
#define PATIENCE_NS            (5 * SL_NS_PER_S) /* with all threads that do not stop, and run on */

/* Arguments and result of the thread that does the work. */
struct job {
    pid_t pid;
    struct sl_snapshot_opts opts;
    struct sl_budget budget;
    bool refused; /* memory, which the budget did not have */
    bool may_stop;
    bool is_apart; /* on a thread of its own */
    struct sl_choice choice;
    struct sl_snapshot *snapshot;
    struct sl_error *err;
    enum sl_status status;
};

/*
 * The auxiliary vector of a 64-bit process holds the size of 64-bit program headers.  Its
 * addresses are chosen anew for every program, so that it tells one from the next, too.
 */
static enum sl_status check_class(struct sl_pass *pass, struct sl_error *err)
{
    SL_AUTO_FREE char *content = NULL;
    size_t size;
    Elf64_auxv_t entry;

    enum sl_status status = sl_target_read_all(&pass->target, "auxv", &content, &size, err);
    if (status == SL_EPERM) /* another user's, or one that changed its user */
        sl_error_prefix(err, "not allowed to read process %ld", (long) pass->target.pid);
    if (status)
        return status;
    pass->has_program = true;
    pass->program = sl_fnv64(SL_FNV64_BASIS, content, size);
    for (size_t at = 0; at + sizeof entry <= size; at += sizeof entry) {
        memcpy(&entry, content + at, sizeof entry);
        if (entry.a_type == AT_PHENT && entry.a_un.a_val == sizeof(Elf64_Phdr))
            return SL_OK;
    }
    memcpy(&entry, content, SL_MIN(size, sizeof entry));
    if (size < sizeof entry || entry.a_type == AT_NULL) {
        pass->program = 0; /* not filled in yet, or the process is on its way out */
        return sl_fail(err, SL_EGONE, "process %ld has no program just now",
                       (long) pass->target.pid);
    }
    return sl_fail(err, SL_ENOTSUP, "process %ld is not a 64-bit x86 process",
                   (long) pass->target.pid);
}

/* Did the process begin another program while it was looked at?  False when it has ended. */
static bool was_replaced(struct sl_pass *pass)
{
    SL_AUTO_FREE char *content = NULL;
    size_t size;

    if (!pass->has_program || sl_target_read_all(&pass->target, "auxv", &content, &size, NULL))
        return false;
    return sl_fnv64(SL_FNV64_BASIS, content, size) != pass->program;
}

struct survey {
    struct sl_pass *pass;
    struct sl_choice *choice;
    bool may_look_ahead;
};

/* As the source says. */
static enum sl_status list_threads(void *argument, struct sl_error *err)
{
    struct survey *survey = argument;
    struct sl_pass *pass = survey->pass;
    enum sl_status status =
        sl_choice_open(survey->choice, pass->may_stop, &pass->source_context, &pass->source, err);
    if (status)
        return status;
    return pass->source->list
               ? pass->source->list(&pass->source_context, &pass->tids, &pass->n_tids, err)
               : sl_target_list(&pass->target, &pass->tids, &pass->n_tids, err);
}

static enum sl_status find_code(void *argument, struct sl_error *err)
{
    struct survey *survey = argument;
    struct sl_pass *pass = survey->pass;

    pass->helper_tid = gettid();
    enum sl_status status = sl_code_open(&pass->code, err);
    /* Not in the calling process, whose threads are just being listed. */
    if (!status && survey->may_look_ahead)
        sl_ahead_start(&pass->ahead, &pass->target, pass->code.modules, pass->code.maps,
                       sl_symbolizer_store(pass->code.symbolizer));
    return status;
}

/* Who is there, and what code: two lists that the kernel makes, at the same time if they are long.
 */
static enum sl_status survey(struct sl_pass *pass, struct sl_choice *choice, struct sl_error *err)
{
    bool poor = sl_target_spare_fds() < FEW_DESCRIPTORS;
    bool at_once = !poor && sl_target_count(&pass->target) >= LONG_LIST;
    struct survey survey = {.pass = pass,
                            .choice = choice,
                            .may_look_ahead =
                                !poor && !pass->target.self && !pass->opts->no_symbols};

    return sl_crew_both(at_once, list_threads, find_code, &survey, err);
}

/* By the first bytes that the process may read itself; some pages nobody else can. */
static bool may_read_memory(struct sl_pass *pass)
{
    const struct sl_maps *maps = pass->code.maps;
    int tries = 8;
    for (size_t i = 0; i < maps->n_mappings && tries; i++) {
        if (!maps->mappings[i].readable)
            continue;
        if (sl_reader_is_permitted(pass->code.reader, maps->mappings[i].start))
            return true;
        tries--;
    }
    return false;
}

/* A process on its way out has no memory any more. */
static enum sl_status refuse_memory(struct sl_pass *pass, struct sl_error *err)
{
    SL_AUTO_FREE char *content = NULL;
    size_t size;

    if (sl_reader_met_silence(pass->code.reader))
        return sl_fail(err, SL_ETIMEDOUT, "the memory of process %ld does not answer",
                       (long) pass->target.pid);
    enum sl_status status = sl_target_read_all(&pass->target, "maps", &content, &size, err);
    if (status)
        return status;
    if (!size)
        return sl_fail(err, SL_EGONE, "process %ld has ended", (long) pass->target.pid);
    return sl_fail(err, SL_EPERM, "not allowed to read the memory of process %ld",
                   (long) pass->target.pid);
}

static enum sl_status prepare(struct sl_pass *pass, struct job *job, struct sl_error *err)
{
    struct sl_snapshot *snapshot = pass->snapshot;

    pass->alone = malloc(SL_MAX_COPY);
    pass->window = malloc(SL_WINDOW_SIZE);
    if (!pass->alone || !pass->window)
        return sl_fail(err, SL_ENOMEM, "out of memory for copies of stacks");
    enum sl_status status =
        sl_descriptors_new(&pass->target, snapshot->arena, &pass->descriptors, err);
    if (status)
        return status;
    pass->source_context = (struct sl_source_context){
        .target = &pass->target,
        .descriptors = pass->descriptors,
        .allow_stop = pass->opts->allow_stop,
        .stop_budget_ns =
            pass->opts->stop_budget_ns ? pass->opts->stop_budget_ns : DEFAULT_STOP_BUDGET_NS,
        .patience_ns = PATIENCE_NS};
    status = check_class(pass, err);
    if (!status)
        status = survey(pass, &job->choice, err);
    pass->may_stop &= !sl_choice_is_tentative(&job->choice);
    if (status)
        return status;
    if (!may_read_memory(pass))
        return refuse_memory(pass, err);
    size_t max = pass->opts->max_threads ? pass->opts->max_threads : DEFAULT_MAX_THREADS;
    pass->max_threads = SL_MIN(pass->n_tids, max);
    pass->threads = sl_arena_array(snapshot->arena, pass->max_threads, sizeof *pass->threads);
    if (!pass->threads)
        return sl_fail(err, SL_ENOMEM, "out of memory for records of %zu threads",
                       pass->max_threads);
    snapshot->threads = pass->threads;
    return SL_OK;
}

static void release(struct sl_pass *pass)
{
    sl_ahead_end(&pass->ahead, NULL);
    if (pass->source && pass->source->close)
        pass->source->close(&pass->source_context);
    sl_code_close(&pass->code);
    sl_descriptors_free(pass->descriptors);
    sl_target_release(&pass->target);
    sl_killable_reap(REAP_NS);
    free(pass->tids);
    free(pass->alone);
    free(pass->window);
    free(pass->unjoined.nodes);
    (void) pthread_mutex_destroy(&pass->lock);
    free(pass);
}

/* How old the threads were when the pass began; what they started at counts from the boot. */
static void set_ages(struct sl_pass *pass)
{
    const struct sl_snapshot *snapshot = pass->snapshot;
    struct timespec now;

    (void) clock_gettime(CLOCK_BOOTTIME, &now);
    uint64_t began_ns = sl_clock_of_timespec(&now) - (sl_clock_now_ns() - snapshot->taken_ns);
    for (size_t i = 0; i < snapshot->n_threads; i++) {
        uint64_t started_ns = pass->threads[i].start_time * pass->tick_ns;
        pass->threads[i].age_ns = began_ns > started_ns ? began_ns - started_ns : 0;
    }
}

static enum sl_status
find_unjoined(struct sl_pass *pass, struct sl_unjoined **ret_unjoined, struct sl_error *err)
{
    struct sl_unjoined_list *list = &pass->unjoined;
    enum sl_status status = list->walked ? SL_OK : sl_unjoined_walk(&pass->code, list, err);

    return status ? status : sl_unjoined_name(&pass->code, list, ret_unjoined, err);
}

/* @param ret_replaced  what was seen is of two programs, or of none */
static enum sl_status take_once(struct job *job, bool *ret_replaced, struct sl_error *err)
{
    struct sl_snapshot *snapshot = job->snapshot;
    struct sl_unjoined *unjoined = NULL;
    struct sl_pass *pass = calloc(1, sizeof *pass);

    *ret_replaced = false;
    job->choice.used = 0;
    if (!pass)
        return sl_fail(err, SL_ENOMEM, "out of memory for snapshot of process %ld",
                       (long) job->pid);
    pass->opts = &job->opts;
    pass->snapshot = snapshot;
    pass->own_tid = gettid();
    (void) pthread_mutex_init(&pass->lock, NULL);
    pass->target.task_fd = -1;
    pass->code =
        (struct sl_code){.target = &pass->target, .opts = &job->opts, .snapshot = snapshot};
    pass->tick_ns = SL_NS_PER_S / snapshot->ticks_per_second;
    enum sl_status status = sl_target_open(job->pid, &pass->target, err);
    pass->target.budget = &job->budget;
    pass->may_stop = job->may_stop && !pass->target.self;
    if (!status)
        status = prepare(pass, job, err);
    if (!status)
        status = sl_pass_run(pass, err);
    if (!status)
        set_ages(pass);
    snapshot->counts_arrivals = pass->target.counter == SL_COUNTER_SCHEDSTAT;
    if (!status && job->opts.find_unjoined)
        status = find_unjoined(pass, &unjoined, err);
    snapshot->stacks_measured = job->opts.measure_stacks;
    if (!status && job->opts.measure_stacks)
        status = sl_resident_measure(&pass->code, pass->threads, snapshot->n_threads, unjoined,
                                     unjoined ? snapshot->n_unjoined : 0, err);
    if (!status)
        status = sl_code_list_modules(&pass->code, err);
    if (!status && !snapshot->n_threads)
        status = sl_fail(err, SL_EGONE, "process %ld has ended", (long) job->pid);
    *ret_replaced = was_replaced(pass);
    release(pass);
    snapshot->stats.threads = (uint32_t) snapshot->n_threads;
    snapshot->stats.duration_ns = sl_clock_now_ns() - snapshot->taken_ns;
    return status;
}

/*
 * Is all there that any source tells?  Of a thread that the kernel refused a mutex registers may
 * have it.
 */
static bool is_whole(const struct sl_snapshot *snapshot)
{
    for (size_t i = 0; i < snapshot->n_threads; i++) {
        const struct sl_thread *thread = &snapshot->threads[i];
        if (!thread->stack || !thread->stack->complete ||
            (thread->wait.kind == SL_WAIT_MUTEX && !thread->wait.object))
            return false;
    }
    return true;
}

/* Anew, within bounds, when the process replaced its program meanwhile. */
static enum sl_status take(struct job *job)
{
    const uint64_t end = sl_clock_now_ns() + REPLACED_BUDGET_NS;
    const struct sl_snapshot empty = *job->snapshot;
    struct sl_error failed = {0}; /* of the source that was used before */

    for (;;) {
        struct sl_error error = {0};
        bool replaced;
        enum sl_status status = take_once(job, &replaced, &error);
        /* That no other one may be used is not why there is no look. */
        if (status && status != SL_EGONE && !job->choice.used && failed.status) {
            error = failed;
            status = failed.status;
        }
        if (replaced && sl_clock_now_ns() < end) {
            *job->snapshot = empty;
            job->snapshot->taken_ns = sl_clock_now_ns();
            continue;
        }
        if (replaced)
            return sl_fail(job->err, SL_EBUSY,
                           "process %ld replaces its program faster than it can be looked at",
                           (long) job->pid);
        if (!status && sl_choice_is_tentative(&job->choice) && !is_whole(job->snapshot)) {
            sl_choice_insist(&job->choice);
            *job->snapshot = empty;
            continue;
        }
        if (sl_choice_fall_back(&job->choice, status)) {
            *job->snapshot = empty;
            failed = error;
            continue;
        }
        if (status == SL_ENOMEM && job->refused)
            return sl_fail(job->err, SL_ELIMIT, "%s: process %ld", sl_budget_text(SL_BUDGET_MEMORY),
                           (long) job->pid);
        if (status && job->err && !job->err->status)
            *job->err = error;
        return status;
    }
}

static bool may_take_memory(void *context, size_t size)
{
    struct job *job = context;

    bool taken = sl_budget_take(&job->budget, SL_BUDGET_MEMORY, size);

    job->refused |= !taken;
    return taken;
}

static void *run_job(void *argument)
{
    struct job *job = argument;

    /*
     * Among more busy threads than CPUs it would be its turn as rarely as theirs, and a thread
     * that it has stopped would stand still as long.  Refused to most users; then it takes longer.
     */
    if (job->is_apart)
        (void) setpriority(PRIO_PROCESS, (id_t) gettid(), HIGHEST_PRIORITY);
    job->status = take(job);
    return NULL;
}

/*
 * The pass runs on a thread of its own, and so do those that it makes: no handler of the
 * host's signals runs on them; they may take precedence over other threads, which nobody
 * else is left with; and the calling thread, blocked meanwhile, shows its own stack like
 * any other.
 */
static void run_apart(struct job *job)
{
    pthread_t worker;

    job->is_apart = true;
    if (sl_crew_thread(&worker, run_job, job) == 0) {
        (void) pthread_join(worker, NULL);
        return;
    }
    /* The thread limit is reached: still look, but stop nobody. */
    job->may_stop = job->is_apart = false;
    (void) run_job(job);
}

enum sl_status sl_snapshot_take(pid_t pid, const struct sl_snapshot_opts *opts,
                                struct sl_snapshot **ret_snap, struct sl_error *err)
{
    if (opts && opts->size < sizeof opts->size)
        return sl_fail(err, SL_EINVAL, "the size of the options is not set");
    struct sl_arena *arena = sl_arena_new();
    struct sl_snapshot *snapshot = arena ? sl_arena_alloc(arena, sizeof *snapshot) : NULL;

    if (!snapshot) {
        sl_arena_free(arena);
        return sl_fail(err, SL_ENOMEM, "out of memory for snapshot of process %ld", (long) pid);
    }
    snapshot->arena = arena;
    snapshot->pid = pid;
    snapshot->unjoined_missing = "not asked for";
    snapshot->taken_ns = sl_clock_now_ns();
    snapshot->ticks_per_second = (uint64_t) sysconf(_SC_CLK_TCK);

    struct job job = {.pid = pid, .snapshot = snapshot, .err = err};
    if (opts)
        memcpy(&job.opts, opts, SL_MIN(opts->size, sizeof job.opts));
    job.may_stop = !job.opts.no_stop;
    job.choice.opts = &job.opts;
    const uint64_t limits[SL_N_BUDGET_PARTS] = {
        [SL_BUDGET_TIME] = job.opts.max_time_ns,
        [SL_BUDGET_MEMORY] = job.opts.max_memory,
        [SL_BUDGET_FILES] = job.opts.max_file_bytes,
        [SL_BUDGET_FRAMES] = job.opts.max_total_frames,
    };
    sl_budget_begin(&job.budget, limits);
    sl_arena_ask(arena, may_take_memory, &job);
    run_apart(&job);
    sl_arena_ask(arena, NULL, NULL);
    if (job.status) {
        sl_snapshot_free(snapshot);
        return job.status;
    }
    *ret_snap = snapshot;
    return SL_OK;
}
