/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/goroutine/live/live.h"

#include <string.h>

#include "base/clock.h"
#include "base/fail.h"
#include "harness/goroutine/live/look.h"
#include "harness/snapshot/killable/killable.h"

#define REAP_NS    SL_NS_PER_S /* for tasks that were killed to end */
#define MAX_PLACES 65536       /* of one stack */

static bool may_take_memory(void *context, size_t size)
{
    struct live_look *look = context;
    bool taken = sl_budget_take(&look->budget, SL_BUDGET_MEMORY, size);

    look->refused |= !taken;
    return taken;
}

static void begin_budget(struct live_look *look)
{
    const uint64_t limits[SL_N_BUDGET_PARTS] = {
        [SL_BUDGET_TIME] = look->opts.max_time_ns,
        [SL_BUDGET_MEMORY] = look->opts.max_memory,
        [SL_BUDGET_FILES] = look->opts.max_file_bytes,
        [SL_BUDGET_FRAMES] = look->opts.max_total_frames,
    };

    sl_budget_begin(&look->budget, limits);
    look->target.budget = &look->budget;
}

/* The snapshot and what it is made with. */
static enum sl_status begin(struct live_look *look, struct sl_error *err)
{
    struct sl_arena *arena = sl_arena_new();
    struct sl_snapshot *snapshot = arena ? sl_arena_alloc(arena, sizeof *snapshot) : NULL;

    if (!snapshot) {
        sl_arena_free(arena);
        return sl_fail(err, SL_ENOMEM, "out of memory for goroutines");
    }
    *snapshot = (struct sl_snapshot){.arena = arena,
                                     .kind = SL_SNAPSHOT_GOROUTINES,
                                     .pid = look->target.pid,
                                     .taken_ns = sl_clock_now_ns(),
                                     .ticks_per_second = (uint64_t) sysconf(_SC_CLK_TCK),
                                     .unjoined_missing = "not asked for"};
    look->snapshot = snapshot;
    look->scratch = sl_arena_new();
    if (look->scratch)
        look->places = sl_arena_array(look->scratch, MAX_PLACES, sizeof *look->places);
    if (!look->places)
        return sl_fail(err, SL_ENOMEM, "out of memory for goroutines");
    sl_arena_ask(arena, may_take_memory, look);
    sl_arena_ask(look->scratch, may_take_memory, look);
    intern_init(&look->intern, arena);
    look->ids = (struct sl_ids){.target = &look->target};
    look->functions = (struct live_functions){.reader = look->reader,
                                              .image = &look->image,
                                              .arena = look->scratch,
                                              .intern = &look->intern,
                                              .budget = &look->budget};
    return SL_OK;
}

static void end(struct live_look *look)
{
    sl_ids_release(&look->ids);
    intern_release(&look->intern);
    functions_release(&look->functions);
    free(look->stacks.slots);
    sl_arena_free(look->scratch);
    sl_snapshot_free(look->snapshot);
    sl_reader_free(look->reader);
    sl_target_release(&look->target);
    sl_killable_reap(REAP_NS);
    free(look);
}

static void finish(struct live_look *look)
{
    struct sl_snapshot *snapshot = look->snapshot;
    struct sl_stat stat;

    if (!sl_target_stat(&look->target, look->target.pid, &stat))
        snapshot->command = sl_arena_strdup(snapshot->arena, stat.name);
    snapshot->runtime = sl_arena_strdup(snapshot->arena, look->image.version);
    snapshot->threads = look->threads;
    snapshot->n_threads = look->n_threads;
    snapshot->n_left_out = look->n_left_out;
    if (look->n_left_out)
        snapshot->left_out_reason = sl_budget_is_over(&look->budget)
                                        ? sl_budget_text(SL_BUDGET_TIME)
                                        : "there are more than may be looked at";
    snapshot->stats.threads = (uint32_t) look->n_threads;
    for (size_t i = 0; i < look->n_threads; i++)
        snapshot->stats.unwound += look->threads[i].stack != NULL;
    snapshot->stats.memoised =
        (uint32_t) (snapshot->stats.unwound - SL_MIN(look->stacks.n, snapshot->stats.unwound));
    snapshot->stats.duration_ns = sl_clock_now_ns() - snapshot->taken_ns;
    sl_arena_ask(snapshot->arena, NULL, NULL);
}

static enum sl_status look_at(struct live_look *look, struct sl_error *err)
{
    pid_t *tids = NULL;
    size_t n_tids = 0;

    enum sl_status status = sl_reader_new(&look->target, &look->reader, err);
    if (!status)
        status = image_find(&look->target, look->reader, &look->image, err);
    if (!status)
        status = begin(look, err);
    if (!status)
        status = sl_target_list(&look->target, &tids, &n_tids, err);
    look->ids.tids = tids;
    look->ids.n_tids = n_tids;
    if (!status)
        status = live_list(look, err);
    if (!status)
        status = live_read(look, err);
    if (!status && !sl_target_revive(&look->target))
        status = sl_fail(err, SL_EGONE, "process %ld has ended", (long) look->target.pid);
    free(tids);
    if (status == SL_ENOMEM && look->refused)
        return sl_fail(err, SL_ELIMIT, "%s: process %ld", sl_budget_text(SL_BUDGET_MEMORY),
                       (long) look->target.pid);
    return status;
}

enum sl_status sl_goroutines_take(pid_t pid, const struct sl_snapshot_opts *opts,
                                  struct sl_snapshot **ret_snapshot, struct sl_error *err)
{
    struct live_look *look = calloc(1, sizeof *look);

    if (!look)
        return sl_fail(err, SL_ENOMEM, "out of memory for goroutines");
    if (opts)
        memcpy(&look->opts, opts, SL_MIN(opts->size, sizeof look->opts));
    enum sl_status status = sl_target_open(pid, &look->target, err);
    if (status) {
        free(look);
        return status;
    }
    begin_budget(look);
    status = look_at(look, err);
    if (!status) {
        finish(look);
        *ret_snapshot = SL_TAKE(look->snapshot);
    }
    end(look);
    return status;
}
