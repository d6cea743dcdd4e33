/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/leak/leak.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "base/macros.h"
#include "harness/leak/analysis.h"
#include "harness/leak/names.h"

/* Copy of a string that may be NULL.  @return false when memory is short */
static bool copy_text(struct sl_arena *arena, const char *text, const char **ret_copy)
{
    *ret_copy = sl_arena_strdup(arena, text);
    return *ret_copy || !text;
}

static bool
copy_frames(struct sl_arena *arena, const struct sl_stack *stack, struct sl_leak_group *group)
{
    struct sl_frame *frames = sl_arena_array(arena, stack->n_frames, sizeof *frames);
    if (!frames)
        return false;
    for (size_t i = 0; i < stack->n_frames; i++) {
        const struct sl_frame *frame = &stack->frames[i];
        frames[i] = *frame;
        if (!copy_text(arena, frame->function, &frames[i].function) ||
            !copy_text(arena, frame->file, &frames[i].file) ||
            !copy_text(arena, frame->module, &frames[i].module) ||
            !copy_text(arena, frame->build_id, &frames[i].build_id))
            return false;
    }
    group->frames = frames;
    group->n_frames = stack->n_frames;
    group->complete = stack->complete;
    group->grade = stack->grade;
    return true;
}

const char *sl_leak_headline(struct sl_arena *arena, const struct sl_stack *stack)
{
    char buffer[SL_FRAME_TEXT_MAX];
    const struct sl_frame *frame = sl_leak_frame(stack);

    if (!frame)
        return "(no stack)";
    if (!frame->function && !frame->offset) { /* a foreign dump did not tell */
        const char *module = sl_path_base(frame->module);
        return sl_arena_printf(arena, "(no symbol in %s)", *module ? module : "anonymous memory");
    }
    if (!frame->function)
        return sl_arena_strdup(arena, sl_frame_text(frame, buffer));
    struct sl_leak_name function = sl_leak_function_name(frame->function);
    return sl_arena_printf(arena, "%.*s", (int) function.size, function.text);
}

/* What a group shows of its threads: the first one's stack and wait, and some ids. */
static enum sl_status show_threads(struct sl_arena *arena, const struct sl_leak_cluster *cluster,
                                   struct sl_leak_group *group, struct sl_error *err)
{
    const struct sl_leak_candidate *first = &cluster->members[0];
    const struct sl_thread *thread = first->thread;
    const struct sl_stack *stack = thread->stack;

    (void) snprintf(group->fingerprint, sizeof group->fingerprint, "%016" PRIx64,
                    first->fingerprint);
    group->count = cluster->count;
    for (size_t i = 0; i < cluster->n_members && group->n_ids < SL_LEAK_SAMPLE; i++)
        if (cluster->members[i].thread->id)
            group->ids[group->n_ids++] = cluster->members[i].thread->id;
    memcpy(group->thread_name, thread->name, sizeof group->thread_name);
    group->wait = thread->wait;
    group->function = sl_leak_headline(arena, stack);
    if (!group->function || (stack && !copy_frames(arena, stack, group)) ||
        !copy_text(arena, stack ? stack->reason : thread->reason, &group->reason) ||
        !copy_text(arena, thread->wait.syscall, &group->wait.syscall) ||
        !copy_text(arena, thread->wait.target, &group->wait.target) ||
        !copy_text(arena, thread->wait.held, &group->wait.held) ||
        !copy_text(arena, thread->wait.text, &group->wait.text))
        return sl_fail(err, SL_ENOMEM, "no memory for a group of %" PRIu32 " threads",
                       cluster->count);
    return SL_OK;
}

/* Leaks before what is only shown, large groups first; the fingerprint makes it one order. */
static int compare_groups(const void *a, const void *b)
{
    const struct sl_leak_group *left = a, *right = b;
    if (left->counted != right->counted)
        return left->counted ? -1 : 1;
    if (left->count != right->count)
        return left->count > right->count ? -1 : 1;
    return strcmp(left->fingerprint, right->fingerprint);
}

/* Cluster, explain, sort. */
static enum sl_status make_groups(const struct sl_leak_case *the_case,
                                  const struct sl_leak_candidate *candidates, size_t n_candidates,
                                  struct sl_leak_group **ret_groups, size_t *ret_n_groups,
                                  struct sl_error *err)
{
    struct sl_leak_clusters clusters;
    enum sl_status status = sl_leak_clusters_new(candidates, n_candidates, &clusters, err);
    if (status)
        return status;

    struct sl_leak_group *groups =
        sl_arena_array(the_case->arena, clusters.n_clusters, sizeof *groups);
    if (!groups)
        status = sl_fail(err, SL_ENOMEM, "no memory for %zu groups", clusters.n_clusters);
    for (size_t i = 0; i < clusters.n_clusters && !status; i++) {
        const struct sl_leak_cluster *cluster = &clusters.clusters[i];
        groups[i].counted = the_case->input && !cluster->members[0].resident;
        status = show_threads(the_case->arena, cluster, &groups[i], err);
        if (!status)
            status = sl_leak_explain(the_case, cluster, &groups[i].cause, &groups[i].evidence, err);
    }
    if (!status) {
        qsort(groups, clusters.n_clusters, sizeof *groups, compare_groups);
        *ret_groups = groups;
        *ret_n_groups = clusters.n_clusters;
    }
    sl_leak_clusters_release(&clusters);
    return status;
}

/*
 * A library's thread is resident when it ended with the library.  When nobody saw
 * that, for teardown was not reached, it gets the benefit of the doubt: Close is
 * known to have taken effect, and such threads outlive every Close.  Without an
 * effective Close nothing tells them from those that Close would have ended.  The process's own
 * threads are none of Close's business.
 */
static void mark_residents(const struct sl_leak_case *the_case,
                           struct sl_leak_candidate *candidates, size_t n_candidates)
{
    const struct sl_snapshot *torn_down = the_case->input->torn_down;
    for (size_t i = 0; i < n_candidates; i++) {
        const struct sl_leak_candidate *candidate = &candidates[i];
        bool stays = candidate->unjoined ? sl_leak_has_unjoined(torn_down, candidate->unjoined)
                                         : sl_leak_find_same(torn_down, candidate->thread) != NULL;
        candidates[i].resident =
            candidate->process || (candidate->library && !stays && !the_case->not_closed);
    }
}

static enum sl_status copy_late(const struct sl_leak_input *input, struct sl_arena *arena,
                                struct sl_leak_report *report, struct sl_error *err)
{
    struct sl_late_thread *late = sl_arena_array(arena, input->n_late, sizeof *late);
    if (!late)
        return sl_fail(err, SL_ENOMEM, "no memory for %zu late threads", input->n_late);
    if (input->n_late)
        memcpy(late, input->late, input->n_late * sizeof *late);
    report->late = (uint32_t) input->n_late;
    report->late_threads = late;
    report->n_late_threads = input->n_late;
    return SL_OK;
}

static uint32_t count_unjoined(const struct sl_leak_candidate *candidates, size_t n_candidates)
{
    uint32_t n = 0;
    for (size_t i = 0; i < n_candidates; i++)
        n += candidates[i].unjoined && !candidates[i].resident;
    return n;
}

/* The first n_alive candidates live; of those that have ended Close can be judged by nothing. */
static enum sl_status analyse(struct sl_leak_case *the_case, struct sl_leak_candidate *candidates,
                              size_t n_alive, size_t n_candidates,
                              struct sl_leak_report *ret_report, struct sl_error *err)
{
    const struct sl_leak_input *input = the_case->input;
    struct sl_leak_report report = {.settle_ns = input->settle_ns};
    struct sl_leak_group *groups = NULL;

    enum sl_status status = sl_leak_fingerprint_all(candidates, n_candidates, err);
    if (!status)
        status = sl_leak_judge_close(the_case, candidates, n_alive, err);
    if (status)
        return status;
    mark_residents(the_case, candidates, n_candidates);
    report.unjoined = count_unjoined(candidates, n_candidates);
    status = make_groups(the_case, candidates, n_candidates, &groups, &report.n_groups, err);
    if (!status)
        status = copy_late(input, the_case->arena, &report, err);
    if (!status &&
        !copy_text(the_case->arena, input->settled->unjoined_missing, &report.unjoined_missing))
        status = sl_fail(err, SL_ENOMEM, "no memory for the result");
    if (status)
        return status;
    report.groups = groups;
    for (size_t i = 0; i < report.n_groups; i++)
        *(groups[i].counted ? &report.count : &report.resident) += groups[i].count;
    *ret_report = report;
    return SL_OK;
}

enum sl_status sl_leak_analyse(const struct sl_leak_input *input, struct sl_arena *arena,
                               struct sl_leak_report *ret_report, struct sl_error *err)
{
    SL_AUTO_FREE struct sl_leak_candidate *candidates = NULL;
    size_t n_alive = 0;
    struct sl_leak_case the_case = {
        .input = input,
        .words = sl_leak_complete_words(input->words),
        .observed_ns = sl_leak_observed_ns(input),
        .counts_differ =
            input->closed && input->closed->counts_arrivals != input->settled->counts_arrivals,
        .arena = arena,
    };
    enum sl_status status = sl_leak_diff(input, &candidates, &n_alive, err);
    size_t n_candidates = n_alive;
    if (!status)
        status = sl_leak_add_unjoined(input, arena, &candidates, &n_candidates, err);
    return status ? status : analyse(&the_case, candidates, n_alive, n_candidates, ret_report, err);
}

enum sl_status sl_leak_group_all(const struct sl_snapshot *snapshot, struct sl_arena *arena,
                                 const struct sl_leak_group **ret_groups, size_t *ret_n_groups,
                                 struct sl_error *err)
{
    SL_AUTO_FREE struct sl_leak_candidate *candidates = NULL;
    struct sl_leak_case the_case = {.arena = arena};
    struct sl_leak_group *groups = NULL;

    enum sl_status status = sl_leak_all(snapshot, &candidates, err);
    if (!status)
        status = sl_leak_fingerprint_all(candidates, snapshot->n_threads, err);
    if (!status)
        status =
            make_groups(&the_case, candidates, snapshot->n_threads, &groups, ret_n_groups, err);
    if (!status)
        *ret_groups = groups;
    return status;
}
