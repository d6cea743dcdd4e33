/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/proof/proof.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fail.h"
#include "harness/proof/arena.h"
#include "harness/proof/cancel.h"
#include "harness/proof/mark.h"
#include "harness/proof/name.h"
#include "harness/proof/obstacle.h"
#include "harness/proof/path.h"
#include "harness/proof/wait.h"

#define MAX_ATTEMPTS 5 /* at a moment in which nothing runs */
#define PAUSE_NS     (2 * SL_NS_PER_MS)

/* All that is known of the process at one moment. */
struct look {
    const struct sl_snapshot *snapshot;
    struct sl_arena *arena;
    struct sl_target target;
    struct sl_budget budget;
    struct proof_threads threads;
    struct sl_maps *maps;
    struct sl_reader *reader;
    struct sl_modules *modules;
    struct resident resident;
    struct proof_space space;
    struct proof_kernel kernel;
    struct marker marker;
    bool moving;              /* something ran: another attempt may do better */
    const char *reason;       /* why nothing is claimed; NULL: what marking found holds */
    size_t *of_threads;       /* of the snapshot: index among those of the look, or PROOF_NOBODY */
    struct proof_path *paths; /* one for each group */
};

static void release(struct look *look)
{
    proof_threads_release(&look->threads);
    mark_release(&look->marker);
    space_release(&look->space);
    resident_release(&look->resident);
    obstacle_release(&look->kernel);
    sl_modules_free(look->modules);
    sl_reader_free(look->reader);
    sl_maps_free(look->maps);
    sl_target_release(&look->target);
    free(look->of_threads);
    free(look->paths);
}

static enum sl_status open_memory(struct look *look, struct sl_error *err)
{
    char *text;
    size_t size;

    enum sl_status status = sl_target_read_all(&look->target, "maps", &text, &size, err);
    if (!status)
        status = sl_maps_parse(text, &look->maps, err);
    if (!status)
        status = sl_reader_new(&look->target, &look->reader, err);
    if (!status)
        status = sl_modules_new(&look->target, look->reader, look->arena, &look->modules, err);
    return status;
}

/* What its memory is. */
static enum sl_status tell_memory_apart(struct look *look, struct sl_error *err)
{
    SL_AUTO_FREE struct heap_view *view = calloc(1, sizeof *view);

    if (!view)
        return sl_fail(err, SL_ENOMEM, "out of memory for a view of heaps");
    view->reader = look->reader;
    view->resident = &look->resident;
    view->budget = &look->budget;
    enum sl_status status = space_build(look->maps, &look->threads, view, &look->space, err);
    if (status)
        return status;
    if (!arena_settle(&look->space, view))
        return sl_fail(err, SL_ENOMEM, "out of memory for areas of memory");
    wait_settle(&look->threads, &look->space);
    return SL_OK;
}

/* What is looked at, up to the marks. */
static enum sl_status mark_living(struct look *look, struct sl_error *err)
{
    struct proof_threads *threads = &look->threads;

    enum sl_status status = open_memory(look, err);
    if (status)
        return status;
    look->reason = obstacle_find(threads, look->maps, &look->kernel);
    if (look->reason)
        return SL_OK;
    status = proof_threads_place(threads, look->maps, look->reader, err);
    if (status)
        return status;
    if (!wait_classify(threads, look->maps, look->reader))
        return sl_fail(err, SL_ENOMEM, "out of memory for %zu threads", threads->n_threads);
    cancel_find_variables(look->modules, look->maps, &threads->variables);
    if (!resident_find(&look->target, look->maps, &look->resident)) {
        look->reason = "which pages it has could not be read";
        return SL_OK;
    }
    if (resident_hides(&look->resident, look->maps)) {
        look->reason = "there is something in memory that it may not read now";
        return SL_OK;
    }
    status = tell_memory_apart(look, err);
    if (status)
        return status;
    look->marker = (struct marker){
        .threads = threads, .space = &look->space, .reader = look->reader, .budget = &look->budget};
    status = mark_all(&look->marker, look->kernel.words, look->kernel.n_words, err);
    look->reason = look->marker.failed;
    return status;
}

static size_t find_of_thread(const struct look *look, const struct sl_group *group, size_t member)
{
    return look->of_threads[group->members[member]];
}

static bool match_threads(struct look *look)
{
    const struct proof_threads *threads = &look->threads;

    look->of_threads = calloc(look->snapshot->n_threads + 1, sizeof *look->of_threads);
    if (!look->of_threads)
        return false;
    for (size_t i = 0; i < look->snapshot->n_threads; i++)
        look->of_threads[i] = PROOF_NOBODY;
    for (size_t i = 0; i < threads->n_threads; i++)
        if (threads->threads[i].seen)
            look->of_threads[threads->threads[i].seen - look->snapshot->threads] = i;
    return true;
}

/* Of each group the first thread that something reaches. */
static bool trace_paths(struct look *look, struct sl_group *const *groups, size_t n_groups)
{
    const struct proof_threads *threads = &look->threads;

    look->paths = calloc(n_groups + 1, sizeof *look->paths);
    for (size_t g = 0; look->paths && g < n_groups; g++)
        for (size_t m = 0; m < groups[g]->n_members && !look->paths[g].n_steps; m++) {
            size_t i = find_of_thread(look, groups[g], m);
            if (i != PROOF_NOBODY && threads->threads[i].awake &&
                threads->threads[i].wait == WAIT_WAKE && !threads->threads[i].never)
                path_trace(&look->marker, &threads->threads[i], &look->paths[g]);
        }
    return look->paths;
}

/* One attempt, without the names, which need no moment. */
static enum sl_status
take(struct look *look, struct sl_group *const *groups, size_t n_groups, struct sl_error *err)
{
    enum sl_status status = sl_target_open(look->snapshot->pid, &look->target, err);
    look->target.budget = &look->budget;
    look->threads.context = (struct sl_source_context){.target = &look->target};
    if (!status)
        status =
            proof_threads_begin(&look->threads, look->snapshot, look->arena, &look->reason, err);
    look->moving = look->reason && look->threads.source;
    if (status || look->reason)
        return status;
    status = mark_living(look, err);
    if (status || look->reason)
        return status;
    if (!match_threads(look) || !trace_paths(look, groups, n_groups))
        return sl_fail(err, SL_ENOMEM, "out of memory for %zu threads", look->threads.n_threads);
    look->reason = proof_threads_moved(&look->threads, look->arena);
    look->moving = look->reason;
    return SL_OK;
}

/* Has the thread been where its frames are ever since they were read? */
static bool stayed(const struct look *look, const struct proof_thread *thread)
{
    const struct sl_thread *seen = thread->seen;
    struct sl_run_count now;

    if (seen->source == SL_SOURCE_BPF && !seen->cost.stopped)
        return seen->switches == thread->sighting.count.switches;
    if (sl_target_run_count(&look->target, thread->tid, &now))
        return false;
    return now.switches == seen->switches + (seen->cost.known ? seen->cost.switches : 0);
}

/* Why a thread lives that nothing has to reach. */
static const char *tell_life(struct proof_namer *namer, const struct proof_thread *thread)
{
    if (thread->by != PROOF_NOBODY) {
        const char *whose = name_thread(namer, thread->by);
        return whose ? sl_arena_printf(namer->arena, "waits for %s, which lives", whose) : NULL;
    }
    if (thread->seen->wait.timed)
        return "its wait has a time-out";
    if (thread->wait == WAIT_WAKE)
        return NULL;
    return "what it waits for may come from outside of the process, or by itself";
}

/* Why a thread is dead, where more can be said than that nothing reaches what it waits for. */
static const char *tell_death(struct proof_namer *namer, const struct proof_thread *thread)
{
    const struct proof_thread *threads = namer->threads->threads;

    if (thread->wait != WAIT_OWNER)
        return "nothing that lives reaches what it waits for";
    if (thread->owner == PROOF_NOBODY)
        return "the thread that holds what it waits for has ended";
    if (&threads[thread->owner] == thread)
        return "waits for what it holds itself";
    const char *whose = name_thread(namer, thread->owner);
    return whose ? sl_arena_printf(namer->arena, "waits for %s, which is dead", whose) : NULL;
}

static void refuse(struct sl_proof *proof, const char *reason)
{
    proof->grade = SL_PROOF_NOT_JUDGED;
    proof->reason = reason;
}

/* @return false when memory is short */
static bool judge(struct proof_namer *namer, const struct look *look, struct sl_group *group,
                  const struct proof_path *path, bool cancels)
{
    const struct proof_thread *alive = NULL, *dead = NULL;
    const char *reason = group->members ? NULL : "its threads are not known";
    struct sl_proof proof = {0};

    for (size_t m = 0; m < group->n_members; m++) {
        const size_t i = find_of_thread(look, group, m);
        const struct proof_thread *thread = i == PROOF_NOBODY ? NULL : &look->threads.threads[i];
        if (!thread)
            reason = "it ended, or ran, since its stack was read";
        else if (thread->never)
            reason = thread->never;
        else if (thread->awake)
            alive = alive && (alive->wait == WAIT_WAKE || !path->n_steps) ? alive : thread;
        else if (!stayed(look, thread))
            reason = "it ran since its stack was read";
        else
            dead = thread, proof.n_dead++;
    }
    if (alive) {
        proof.grade = SL_PROOF_ALIVE;
        proof.reason = path->n_steps ? NULL : tell_life(namer, alive);
        const char *what = sl_wait_kind_text(alive->seen->wait.kind);
        if (path->n_steps && !path_tell(namer, path, what, &proof))
            return false;
    } else if (reason || !dead) {
        refuse(&proof, reason);
    } else {
        proof.grade = cancels ? SL_PROOF_UNLESS_CANCELLED : SL_PROOF_DEAD;
        proof.reason = tell_death(namer, dead);
    }
    group->proof = proof;
    return true;
}

static enum sl_status judge_all(const struct look *look, struct sl_group *const *groups,
                                size_t n_groups, struct sl_error *err)
{
    struct proof_namer namer = {.arena = look->arena,
                                .modules = look->modules,
                                .space = &look->space,
                                .threads = &look->threads};
    bool cancels = !look->reason && cancel_is_used(look->modules, look->maps), done = true;

    for (size_t g = 0; g < n_groups && done; g++) {
        if (look->reason)
            refuse(&groups[g]->proof, look->reason);
        else
            done = judge(&namer, look, groups[g], &look->paths[g], cancels);
    }
    name_release(&namer);
    return done ? SL_OK : sl_fail(err, SL_ENOMEM, "out of memory for proofs");
}

static struct look *
begin(const struct sl_snapshot *snapshot, struct sl_arena *arena, const struct sl_budget *budget)
{
    struct look *look = calloc(1, sizeof *look);
    if (!look)
        return NULL;
    look->snapshot = snapshot;
    look->arena = arena;
    look->budget = *budget;
    look->target.task_fd = -1;
    return look;
}

enum sl_status sl_prove(const struct sl_snapshot *snapshot, const struct sl_proof_opts *opts,
                        struct sl_group *const *groups, size_t n_groups, struct sl_arena *arena,
                        struct sl_proof_stats *ret_stats, struct sl_error *err)
{
    const uint64_t limits[SL_N_BUDGET_PARTS] = {
        [SL_BUDGET_TIME] = opts ? opts->max_time_ns : 0,
        [SL_BUDGET_MEMORY] = opts ? opts->max_memory : 0,
    };
    const uint64_t begin_ns = sl_clock_now_ns();
    struct sl_budget budget;
    enum sl_status status;

    sl_budget_begin(&budget, limits);
    for (int attempt = 1;; attempt++) {
        struct look *look = begin(snapshot, arena, &budget);
        if (!look)
            return sl_fail(err, SL_ENOMEM, "out of memory for a proof");
        status = take(look, groups, n_groups, err);
        bool again =
            !status && look->moving && attempt < MAX_ATTEMPTS && !sl_budget_is_over(&budget);
        if (!status && !again)
            status = judge_all(look, groups, n_groups, err);
        if (ret_stats)
            *ret_stats = (struct sl_proof_stats){.bytes = look->marker.n_bytes,
                                                 .scan_ns = look->marker.scan_ns,
                                                 .duration_ns = sl_clock_now_ns() - begin_ns};
        release(look);
        free(look);
        if (!again)
            return status;
        sl_clock_sleep_ns(PAUSE_NS);
    }
}
