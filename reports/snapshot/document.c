/* SPDX-License-Identifier: Apache-2.0 */
#include "reports/snapshot/document.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "base/macros.h"
#include "reports/snapshot/name_ranges.h"
#include "reports/snapshot/wait_text.h"

struct builder {
    const struct sl_snapshot_listing *listing;
    struct sl_arena *arena;
    const struct sl_thread **threads; /* room for those of one group, */
    const char **names;               /* and for their names */
};

static int compare_waits(const void *left, const void *right)
{
    const struct sl_thread *a = *(const struct sl_thread *const *) left;
    const struct sl_thread *b = *(const struct sl_thread *const *) right;
    int order = sl_wait_compare(a, b);
    return order ? order : (a->id > b->id) - (a->id < b->id);
}

static int compare_counts(const void *left, const void *right)
{
    const struct sl_document_wait *a = left, *b = right;
    if (a->count != b->count)
        return a->count > b->count ? -1 : 1;
    return strcmp(a->text, b->text);
}

/* Do all wait for the same, as is common?  Then there is nothing to sort. */
static bool wait_alike(const struct sl_thread **threads, size_t n)
{
    for (size_t i = 1; i < n; i++)
        if (sl_wait_compare(threads[0], threads[i]) != 0)
            return false;
    return true;
}

/* Different waits of a group, most frequent first.  Reorders the threads. */
static bool sum_waits(struct builder *builder, const struct sl_thread **threads, size_t n,
                      struct sl_document_group *group)
{
    if (!wait_alike(threads, n))
        qsort(threads, n, sizeof *threads, compare_waits);
    for (size_t i = 0; i < n; i++)
        group->n_waits += i == 0 || sl_wait_compare(threads[i - 1], threads[i]) != 0;
    struct sl_document_wait *waits = sl_arena_array(builder->arena, group->n_waits, sizeof *waits);
    if (!waits)
        return false;
    for (size_t i = 0, w = 0; i < n; i++) {
        if (i && sl_wait_compare(threads[i - 1], threads[i]) == 0) {
            waits[w - 1].count += threads[i]->count;
            continue;
        }
        waits[w].count = threads[i]->count;
        waits[w].wait = threads[i]->wait;
        waits[w].text = sl_wait_say(builder->arena, builder->listing->snapshot, threads[i]);
        if (!waits[w++].text)
            return false;
    }
    qsort(waits, group->n_waits, sizeof *waits, compare_counts);
    group->waits = waits;
    group->group.wait = waits->wait;
    return true;
}

/* "S", or "498 S, 2 R" in the order of the alphabet. */
static const char *say_states(const struct builder *builder, const struct sl_group *group)
{
    uint32_t counts[128] = {0};
    const char *text = "";

    for (size_t i = 0; i < group->n_members; i++)
        counts[builder->threads[i]->state & 0x7f] += builder->threads[i]->count;
    for (unsigned state = 0; state < SL_COUNT_OF(counts) && text; state++) {
        char letter = state ? (char) state : '?';
        if (counts[state] == group->count)
            return sl_arena_printf(builder->arena, "%c", letter);
        if (counts[state])
            text = sl_arena_printf(builder->arena, "%s%s%" PRIu32 " %c", text, *text ? ", " : "",
                                   counts[state], letter);
    }
    return text;
}

static bool
build_group(struct builder *builder, const struct sl_group *from, struct sl_document_group *group)
{
    *group = (struct sl_document_group){.group = *from};
    for (size_t i = 0; i < from->n_members; i++) {
        builder->threads[i] = &builder->listing->snapshot->threads[from->members[i]];
        builder->names[i] = builder->threads[i]->name;
    }
    group->states = say_states(builder, from);
    return group->states &&
           sl_name_ranges(builder->arena, builder->names, from->n_members, &group->names,
                          &group->n_names) &&
           sum_waits(builder, builder->threads, from->n_members, group);
}

static bool build_groups(struct builder *builder, struct sl_document *document)
{
    const struct sl_snapshot_listing *listing = builder->listing;
    struct sl_document_group *groups =
        sl_arena_array(builder->arena, listing->n_groups, sizeof *groups);

    for (size_t g = 0; groups && g < listing->n_groups; g++)
        if (!build_group(builder, &listing->groups[g], &groups[g]))
            return false;
    document->groups = groups;
    document->n_groups = listing->n_groups;
    return groups;
}

static int compare_starts(const void *left, const void *right)
{
    const struct sl_document_unjoined_group *a = left, *b = right;
    return (a->start.address > b->start.address) - (a->start.address < b->start.address);
}

/* Names before addresses: those differ from one run of a program to the next. */
static int compare_unjoined_groups(const void *left, const void *right)
{
    const struct sl_document_unjoined_group *a = left, *b = right;
    if (a->count != b->count)
        return a->count > b->count ? -1 : 1;
    int order = strcmp(a->start.function ? a->start.function : "",
                       b->start.function ? b->start.function : "");
    return order ? order : compare_starts(a, b);
}

static bool build_unjoined(struct builder *builder, struct sl_document_unjoined *unjoined)
{
    const struct sl_snapshot *snapshot = builder->listing->snapshot;
    struct sl_document_unjoined_group *groups =
        sl_arena_array(builder->arena, snapshot->n_unjoined, sizeof *groups);
    size_t n = 0;

    if (!groups)
        return false;
    for (size_t i = 0; i < snapshot->n_unjoined; i++)
        groups[i] =
            (struct sl_document_unjoined_group){.count = 1, .start = *snapshot->unjoined[i].start};
    qsort(groups, snapshot->n_unjoined, sizeof *groups, compare_starts);
    for (size_t i = 0; i < snapshot->n_unjoined; i++) {
        if (n && compare_starts(&groups[n - 1], &groups[i]) == 0)
            groups[n - 1].count++;
        else
            groups[n++] = groups[i];
    }
    qsort(groups, n, sizeof *groups, compare_unjoined_groups);
    *unjoined = (struct sl_document_unjoined){.count = (uint32_t) snapshot->n_unjoined,
                                              .reason = snapshot->unjoined_missing,
                                              .groups = groups,
                                              .n_groups = n};
    return true;
}

static struct sl_document_sources count_sources(const struct sl_snapshot *snapshot)
{
    struct sl_document_sources sources = {0};
    uint32_t *const counts[] = {
        [SL_SOURCE_NONE] = &sources.none, [SL_SOURCE_PROC] = &sources.proc,
        [SL_SOURCE_BPF] = &sources.bpf,   [SL_SOURCE_PTRACE] = &sources.ptrace,
        [SL_SOURCE_DUMP] = &sources.dump,
    };
    for (size_t i = 0; i < snapshot->n_threads; i++)
        *counts[snapshot->threads[i].source] += snapshot->threads[i].count;
    return sources;
}

enum sl_status sl_document_build(const struct sl_snapshot_listing *listing, struct sl_arena *arena,
                                 struct sl_document *ret_document, struct sl_error *err)
{
    const struct sl_snapshot *snapshot = listing->snapshot;
    SL_AUTO_FREE const struct sl_thread **threads =
        calloc(snapshot->n_threads + 1, sizeof(const struct sl_thread *));
    SL_AUTO_FREE const char **names = calloc(snapshot->n_threads + 1, sizeof(const char *));
    struct builder builder = {
        .listing = listing, .arena = arena, .threads = threads, .names = names};
    struct sl_document document = {
        .kind = snapshot->kind,
        .runtime = snapshot->runtime,
        .dump = snapshot->dump ? *snapshot->dump : (struct sl_dump){0},
        .pid = snapshot->pid,
        .command = sl_snapshot_command(snapshot),
        .ticks_per_second = snapshot->ticks_per_second,
        .stats = snapshot->stats,
        .sources = count_sources(snapshot),
        .witnesses = listing->witnesses,
        .n_witnesses = listing->n_witnesses,
        .wait_tree = listing->waits,
        .left_out = {(uint32_t) snapshot->n_left_out, snapshot->left_out_reason},
        .modules = snapshot->modules,
        .n_modules = snapshot->n_modules,
        .proof_assumptions = sl_proof_assumptions,
        .n_proof_assumptions = listing->proved ? sl_proof_n_assumptions : 0};

    if (!threads || !names || !build_groups(&builder, &document) ||
        !build_unjoined(&builder, &document.unjoined))
        return sl_fail(err, SL_ENOMEM, "out of memory for %zu threads", snapshot->n_threads);
    *ret_document = document;
    return SL_OK;
}

static struct sl_document_goroutine
tell_goroutine(const struct sl_snapshot *snapshot, const struct sl_thread *thread)
{
    const struct sl_stack *creator = thread->created_by;

    if (snapshot->kind != SL_SNAPSHOT_GOROUTINES)
        return (struct sl_document_goroutine){0};
    return (struct sl_document_goroutine){
        .count = thread->count,
        .state = thread->wait.text,
        .waiting_ns = thread->wait.age_ns,
        .own = thread->goroutine ? *thread->goroutine : (struct sl_goroutine){0},
        .created_by = creator && creator->n_frames ? creator->frames : NULL,
    };
}

struct sl_document_thread
sl_document_thread(const struct sl_snapshot_listing *listing, size_t index)
{
    const struct sl_thread *from = &listing->snapshot->threads[index];

    return (struct sl_document_thread){
        .thread = *from,
        .goroutine = tell_goroutine(listing->snapshot, from),
        .stack = from->stack ? *from->stack : (struct sl_stack){.reason = from->reason},
        .state = {from->state ? from->state : '?'},
        .proof = listing->each ? listing->each[index].proof : (struct sl_proof){0},
    };
}
