/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/run/hang.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/macros.h"
#include "base/short_name.h"
#include "harness/leak/leak.h"
#include "harness/leak/stack/frame.h"
#include "harness/leak/tree/graph.h"
#include "harness/leak/tree/tree.h"
#include "harness/proof/proof.h"

#define PROOF_NS (2 * SL_NS_PER_S)

static const char *function_of(struct sl_arena *arena, const struct sl_thread *thread)
{
    const char *function = thread->stack ? sl_leak_headline(arena, thread->stack) : NULL;
    char *fitting = sl_arena_alloc(arena, SL_SHORT_NAME_MAX);
    return function && fitting ? sl_short_name(function, fitting) : "an unknown function";
}

static const char *say_held(struct sl_arena *arena, const struct sl_thread *thread)
{
    return thread->wait.held ? sl_arena_printf(arena, ", %s", thread->wait.held) : "";
}

/* "waiting in futex"; what a thread does that waits in none is told by its state. */
static const char *say_wait(struct sl_arena *arena, const struct sl_thread *closer)
{
    const struct sl_wait *wait = &closer->wait;
    const char *call = sl_wait_call_text(wait);

    if (wait->held && wait->kind == SL_WAIT_NONE)
        return "";
    if (wait->kind == SL_WAIT_NONE)
        return closer->state == 'R' ? ", running" : ", in no blocking call";
    return sl_arena_printf(arena, ", waiting in %s",
                           wait->kind == SL_WAIT_OTHER && call ? call
                                                               : sl_wait_kind_text(wait->kind));
}

/* "holds mutex 0x55d0 and "; who is joined holds nothing that matters. */
static const char *say_lock(struct sl_arena *arena, const struct sl_wait *wait)
{
    return wait->kind == SL_WAIT_JOIN
               ? ""
               : sl_arena_printf(arena, "holds %s 0x%" PRIx64 " and ",
                                 sl_wait_kind_text(wait->kind), wait->object);
}

/* "..., waiting for thread 71 'u-w3', which stands in slow_handler" */
static const char *say_next(struct sl_arena *arena, const char *text, const struct sl_wait *wait,
                            const struct sl_thread *owner)
{
    const char *lock = say_lock(arena, wait), *other = say_held(arena, owner);

    if (!lock || !other)
        return NULL;
    return sl_arena_printf(arena, "%s, waiting for thread %" PRIu64 " '%s', which %sstands in %s%s",
                           text, owner->id, owner->name, lock, function_of(arena, owner), other);
}

/* "..., waiting for thread 71 again: a deadlock of 2 threads" */
static const char *say_circle(struct sl_arena *arena, const char *text,
                              const struct sl_thread *first, const struct sl_wait_link *link)
{
    const char *what = link->ends ? "a circle that a time-out ends, of" : "a deadlock of";

    if (link->circle == 1)
        return sl_arena_printf(arena, "%s, waiting for what it holds itself: %s one thread", text,
                               what);
    return sl_arena_printf(arena,
                           "%s, waiting for thread %" PRIu64 " again: %s %" PRIu32 " threads", text,
                           first->id, what, link->circle);
}

#define MAX_WAITS 8 /* the tree has all */

/* Along the waits, and once around a circle. */
static const char *follow_waits(const struct sl_snapshot *snapshot, struct sl_arena *arena,
                                const struct sl_wait_graph *graph, const struct sl_thread *closer)
{
    const struct sl_thread *threads = snapshot->threads;
    const char *held = say_held(arena, closer);
    const char *text =
        held ? sl_arena_printf(arena, "stands in %s%s", function_of(arena, closer), held) : NULL;
    uint32_t at = (uint32_t) (closer - threads), first = SL_WAIT_NOBODY;

    for (int i = 0; i < MAX_WAITS && text && graph->links[at].next != SL_WAIT_NOBODY; i++) {
        const struct sl_wait_link *link = &graph->links[at];
        if (link->circle && first == SL_WAIT_NOBODY)
            first = at;
        if (link->next == first)
            return say_circle(arena, text, &threads[first], link);
        text = say_next(arena, text, &threads[at].wait, &threads[link->next]);
        at = link->next;
    }
    return text;
}

/*
 * "stands in bus_close, waiting for thread 71 'u-w3', which stands in slow_handler"; and how many
 * wait for it, which may be whom it waits for at a condition.
 */
static const char *describe_closer(const struct sl_snapshot *snapshot, struct sl_arena *arena,
                                   const struct sl_wait_graph *graph,
                                   const struct sl_thread *closer)
{
    const struct sl_wait_link *link = &graph->links[closer - snapshot->threads];
    const char *held = say_held(arena, closer), *wait = say_wait(arena, closer), *text = NULL;

    if (link->next != SL_WAIT_NOBODY)
        text = follow_waits(snapshot, arena, graph, closer);
    else if (held && wait)
        text = sl_arena_printf(arena, "stands in %s%s%s", function_of(arena, closer), wait, held);
    if (text && link->behind)
        text = sl_arena_printf(arena, "%s; %" PRIu32 " thread%s for it", text, link->behind,
                               link->behind == 1 ? " waits" : "s wait");
    return text;
}

static const char *describe_close(const struct sl_snapshot *snapshot, struct sl_arena *arena)
{
    const struct sl_thread *closer = sl_snapshot_find(snapshot, snapshot->pid);
    struct sl_wait_graph graph;

    if (!closer)
        return NULL;
    if (closer->state == 'Z' || closer->state == 'X')
        return "was called by the main thread, which has ended";
    if (sl_wait_graph_make(snapshot, &graph, NULL))
        return NULL;
    const char *text = describe_closer(snapshot, arena, &graph, closer);
    sl_wait_graph_release(&graph);
    return text;
}

void sl_hang_describe(const struct sl_snapshot *snapshot, const struct sl_snapshot *earlier,
                      const char *seen, struct sl_arena *arena, struct sl_trial_result *result)
{
    result->hang_seen = seen;
    if (result->close.timed_out && result->close.duration_ns.missing)
        result->close.waits_for = describe_close(snapshot, arena);
    if (sl_wait_tree_make(snapshot, arena, &result->leaks.wait_tree, NULL))
        result->leaks.wait_tree = (struct sl_wait_tree){0};
    if (sl_leak_describe(snapshot, earlier, arena, &result->hang_findings, &result->n_hang_findings,
                         NULL))
        result->n_hang_findings = 0;
}

void sl_hang_prove(const struct sl_snapshot *snapshot, struct sl_arena *arena,
                   struct sl_trial_result *result)
{
    const struct sl_proof_opts opts = {.max_time_ns = PROOF_NS};
    const size_t n = result->n_hang_findings;
    struct sl_finding *findings = sl_arena_array(arena, n, sizeof *findings);
    SL_AUTO_FREE struct sl_group **groups = calloc(n + 1, sizeof *groups);

    if (!findings || !groups)
        return;
    for (size_t i = 0; i < n; i++) {
        findings[i] = result->hang_findings[i];
        groups[i] = &findings[i].group;
    }
    if (sl_prove(snapshot, &opts, groups, n, arena, NULL, NULL) == SL_OK)
        result->hang_findings = findings;
}

/* The frames of a thread below the signal that it got: what it did when it got it. */
static const struct sl_stack *
strip_handler(const struct sl_stack *stack, struct sl_stack *ret_stripped)
{
    for (size_t i = 0; stack && i + 1 < stack->n_frames; i++) {
        const char *function = stack->frames[i].function;
        if (!function || strcmp(function, "<signal handler called>") != 0)
            continue;
        *ret_stripped = *stack;
        ret_stripped->frames += i + 1;
        ret_stripped->n_frames -= i + 1;
        return ret_stripped;
    }
    return stack;
}

static void
explain_crash(struct sl_finding *finding, const struct sl_crash *crash, struct sl_arena *arena)
{
    const char *name = sigabbrev_np(crash->signal);
    char address[64] = "";

    if (crash->has_address)
        (void) snprintf(address, sizeof address, ", at address 0x%llx",
                        (unsigned long long) crash->address);
    finding->facts = NULL;
    finding->n_facts = 0;
    finding->evidence = sl_arena_printf(arena, "thread '%s' got %s%s%s", crash->thread,
                                        name ? "SIG" : "a signal", name ? name : "", address);
    finding->group.wait = (struct sl_wait){.syscall_nr = -1}; /* the handler's, no own one */
}

void sl_hang_crashed(const struct sl_snapshot *snapshot, const struct sl_crash *crash,
                     struct sl_arena *arena, struct sl_trial_result *result)
{
    const struct sl_thread *found = sl_snapshot_find(snapshot, crash->tid);
    struct sl_snapshot one = *snapshot, others = *snapshot;
    const struct sl_finding *first = NULL, *rest = NULL;
    size_t n_first = 0, n_rest = 0;
    struct sl_stack stripped;

    if (!found) { /* the signal was told, but by no thread of this process */
        sl_hang_describe(snapshot, NULL, "crash", arena, result);
        return;
    }
    struct sl_thread crashed = *found;
    SL_AUTO_FREE struct sl_thread *threads = malloc(snapshot->n_threads * sizeof *threads);
    crashed.stack = strip_handler(found->stack, &stripped);
    one.threads = &crashed;
    one.n_threads = 1;
    others.threads = threads;
    others.n_threads = 0;
    for (size_t i = 0; threads && i < snapshot->n_threads; i++)
        if (&snapshot->threads[i] != found)
            threads[others.n_threads++] = snapshot->threads[i];
    if (sl_leak_describe(&one, NULL, arena, &first, &n_first, NULL))
        n_first = 0;
    if (others.n_threads && sl_leak_describe(&others, NULL, arena, &rest, &n_rest, NULL))
        n_rest = 0;
    struct sl_finding *findings = sl_arena_array(arena, n_first + n_rest, sizeof *findings);
    if (!findings)
        return;
    for (size_t i = 0; i < n_first + n_rest; i++)
        findings[i] = i < n_first ? first[i] : rest[i - n_first];
    if (n_first)
        explain_crash(&findings[0], crash, arena);
    result->hang_seen = "crash";
    result->hang_findings = findings;
    result->n_hang_findings = n_first + n_rest;
}
