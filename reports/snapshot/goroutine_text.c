/* SPDX-License-Identifier: Apache-2.0 */
#include "reports/snapshot/goroutine_text.h"

#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/macros.h"
#include "reports/print/frames.h"
#include "reports/print/say.h"

#define NS_PER_MINUTE (60 * SL_NS_PER_S)

static const struct sl_thread *
member(const struct sl_snapshot *snapshot, const struct sl_group *group, size_t i)
{
    return &snapshot->threads[group->members[i]];
}

static const struct sl_frame *creator(const struct sl_thread *thread)
{
    const struct sl_stack *stack = thread->created_by;
    return stack && stack->n_frames ? stack->frames : NULL;
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same_creator(const struct sl_frame *a, const struct sl_frame *b)
{
    return a == b || (a && b && a->line == b->line && same_text(a->function, b->function) &&
                      same_text(a->file, b->file));
}

/* Of the first that tells, and how many were started elsewhere. */
static void print_creator(const struct sl_page *page, int indent,
                          const struct sl_snapshot *snapshot, const struct sl_group *group)
{
    const struct sl_frame *first = NULL;
    uint32_t n_others = 0;

    for (size_t i = 0; i < group->n_members; i++) {
        const struct sl_thread *thread = member(snapshot, group, i);
        first = first ? first : creator(thread);
        if (!same_creator(first, creator(thread)))
            n_others += thread->count;
    }
    if (!first)
        return;
    (void) fprintf(page->out, "%*screated by ", indent, "");
    sl_frames_print(first, 1, 1, 0, page->out);
    if (n_others)
        (void) fprintf(page->out, "%*s%" PRIu32 " elsewhere, or it is not known where\n", indent,
                       "", n_others);
}

static void print_minutes(const struct sl_page *page, int indent,
                          const struct sl_snapshot *snapshot, const struct sl_group *group)
{
    uint64_t least = UINT64_MAX, most = 0;

    for (size_t i = 0; i < group->n_members; i++) {
        uint64_t minutes = member(snapshot, group, i)->wait.age_ns / NS_PER_MINUTE;
        least = SL_MIN(least, minutes);
        most = SL_MAX(most, minutes);
    }
    if (!most)
        return;
    (void) fprintf(page->out, "%*sfor %s", indent, "", least ? "" : "up to ");
    if (least && least != most)
        (void) fprintf(page->out, "%" PRIu64 " to ", least);
    (void) fprintf(page->out, "%" PRIu64 " minute%s\n", most, most == 1 ? "" : "s");
}

static void print_labels(const struct sl_page *page, int indent, const struct sl_snapshot *snapshot,
                         const struct sl_group *group)
{
    const char *first = NULL;
    uint32_t n_alike = 0, n_others = 0, n_locked = 0;

    for (size_t i = 0; i < group->n_members; i++) {
        const struct sl_thread *thread = member(snapshot, group, i);
        const struct sl_goroutine *goroutine = thread->goroutine;
        n_locked += goroutine && goroutine->locked ? thread->count : 0;
        if (!goroutine || !goroutine->labels)
            continue;
        first = first ? first : goroutine->labels;
        *(same_text(first, goroutine->labels) ? &n_alike : &n_others) += thread->count;
    }
    if (first)
        (void) fprintf(page->out, "%*slabels %s (%" PRIu32 "%s)\n", indent, "",
                       sl_say_text(page, first, ""), n_alike,
                       n_others ? ", others have others" : "");
    if (n_locked)
        (void) fprintf(page->out, "%*s%" PRIu32 " locked to %s\n", indent, "", n_locked,
                       n_locked == 1 ? "its thread" : "their threads");
}

static void print_ids(const struct sl_page *page, int indent, const struct sl_group *group)
{
    for (uint32_t i = 0; i < group->n_ids; i++) {
        if (i)
            (void) fprintf(page->out, ", %" PRIu64, group->ids[i]);
        else
            (void) fprintf(page->out, "%*sid%s %" PRIu64, indent, "", group->count == 1 ? "" : "s",
                           group->ids[i]);
    }
    if (group->n_ids)
        (void) fprintf(page->out, "%s\n", group->count > group->n_ids ? ", ..." : "");
}

void goroutine_print_group(const struct sl_page *page, int indent,
                           const struct sl_snapshot *snapshot, const struct sl_group *group)
{
    print_creator(page, indent, snapshot, group);
    print_minutes(page, indent, snapshot, group);
    print_labels(page, indent, snapshot, group);
    print_ids(page, indent, group);
}

void goroutine_print_head(const struct sl_page *page, const struct sl_thread *thread,
                          const char *wait)
{
    const struct sl_goroutine *goroutine = thread->goroutine;
    const uint64_t minutes = thread->wait.age_ns / NS_PER_MINUTE;

    if (thread->id)
        (void) fprintf(page->out, "\ngoroutine %" PRIu64 " [%s", thread->id, wait);
    else
        (void) fprintf(page->out, "\n%" PRIu32 " goroutine%s [%s", thread->count,
                       thread->count == 1 ? "" : "s", wait);
    if (minutes)
        (void) fprintf(page->out, ", %" PRIu64 " minute%s", minutes, minutes == 1 ? "" : "s");
    (void) fprintf(page->out, "%s]",
                   goroutine && goroutine->locked ? ", locked to its thread" : "");
    if (goroutine && goroutine->thread)
        (void) fprintf(page->out, " on thread %" PRIu64, goroutine->thread);
    if (goroutine && goroutine->labels)
        (void) fprintf(page->out, " %s", sl_say_text(page, goroutine->labels, ""));
    (void) fputc('\n', page->out);
}
