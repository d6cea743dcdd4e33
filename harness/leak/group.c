/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/leak/group.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "base/macros.h"
#include "harness/leak/stack/frame.h"

/* Copy of a string that may be NULL.  @return false when memory is short */
static bool copy_text(struct sl_arena *arena, const char *text, const char **ret_copy)
{
    *ret_copy = sl_arena_strdup(arena, text);
    return *ret_copy || !text;
}

static bool
copy_frames(struct sl_arena *arena, const struct sl_stack *stack, struct sl_group *group)
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

/* Indices of the members in the snapshot; of those that have ended nothing is in it. */
static bool list_members(struct sl_arena *arena, const struct sl_snapshot *snapshot,
                         const struct leak_cluster *cluster, struct sl_group *group)
{
    uint32_t *members = sl_arena_array(arena, cluster->n_members, sizeof *members);

    if (!members)
        return false;
    for (size_t i = 0; i < cluster->n_members; i++) {
        const struct leak_candidate *member = &cluster->members[i];
        if (!member->unjoined)
            members[group->n_members++] = (uint32_t) (member->thread - snapshot->threads);
        if (member->thread->id && group->n_ids < SL_GROUP_SAMPLE)
            group->ids[group->n_ids++] = member->thread->id;
    }
    group->members = members;
    return true;
}

enum sl_status group_of_cluster(const struct sl_snapshot *snapshot,
                                const struct leak_cluster *cluster, struct sl_arena *arena,
                                struct sl_group *ret_group, struct sl_error *err)
{
    const struct sl_thread *thread = cluster->members[0].thread;
    const struct sl_stack *stack = thread->stack;
    struct sl_group group = {
        .count = cluster->count,
        .function = sl_leak_headline(arena, stack),
        .wait = thread->wait,
    };

    (void) snprintf(group.fingerprint, sizeof group.fingerprint, "%016" PRIx64,
                    cluster->members[0].fingerprint);
    memcpy(group.thread_name, thread->name, sizeof group.thread_name);
    if (!group.function || !list_members(arena, snapshot, cluster, &group) ||
        (stack && !copy_frames(arena, stack, &group)) ||
        !copy_text(arena, stack ? stack->reason : thread->reason, &group.reason) ||
        !copy_text(arena, thread->wait.syscall, &group.wait.syscall) ||
        !copy_text(arena, thread->wait.target, &group.wait.target) ||
        !copy_text(arena, thread->wait.held, &group.wait.held) ||
        !copy_text(arena, thread->wait.text, &group.wait.text))
        return sl_fail(err, SL_ENOMEM, "out of memory for a group of %" PRIu32 " threads",
                       group.count);
    *ret_group = group;
    return SL_OK;
}

static enum sl_status make_groups(const struct sl_snapshot *snapshot,
                                  const struct leak_clusters *clusters, struct sl_arena *arena,
                                  const struct sl_group **ret_groups, struct sl_error *err)
{
    struct sl_group *groups = sl_arena_array(arena, clusters->n_clusters, sizeof *groups);
    enum sl_status status =
        groups ? SL_OK
               : sl_fail(err, SL_ENOMEM, "out of memory for %zu groups", clusters->n_clusters);

    for (size_t i = 0; i < clusters->n_clusters && !status; i++)
        status = group_of_cluster(snapshot, &clusters->clusters[i], arena, &groups[i], err);
    if (status)
        return status;
    qsort(groups, clusters->n_clusters, sizeof *groups, sl_group_compare);
    *ret_groups = groups;
    return SL_OK;
}

enum sl_status sl_leak_group_all(const struct sl_snapshot *snapshot, struct sl_arena *arena,
                                 const struct sl_group **ret_groups, size_t *ret_n_groups,
                                 struct sl_error *err)
{
    struct leak_clusters clusters;
    enum sl_status status = cluster_all(snapshot, &clusters, err);

    if (status)
        return status;
    status = make_groups(snapshot, &clusters, arena, ret_groups, err);
    if (!status)
        *ret_n_groups = clusters.n_clusters;
    cluster_release(&clusters);
    return status;
}
