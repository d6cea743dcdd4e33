/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/leak/candidate.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fail.h"
#include "base/macros.h"
#include "harness/leak/pattern.h"
#include "harness/leak/rules.h"
#include "harness/leak/stack/process_threads.h"

const struct sl_thread *
candidate_find_same(const struct sl_snapshot *snapshot, const struct sl_thread *thread)
{
    if (!snapshot)
        return NULL;
    const struct sl_thread *found = sl_snapshot_find(snapshot, thread->id);
    return found && found->start_time == thread->start_time ? found : NULL;
}

const struct sl_stack *candidate_stack(const struct leak_candidate *candidate)
{
    const struct sl_stack *stack = candidate->thread->stack;
    return candidate->before && (!stack || !stack->complete) ? candidate->before->stack : stack;
}

/* What a thread that a library keeps is called: by its module, which such rules mostly name. */
static const char *library_name(const struct sl_leak_rule *rule, const struct sl_stack *stack)
{
    const char *module = rule ? pattern_module(stack) : NULL;
    return module ? module : rule ? rule->reason : NULL;
}

/*
 * The library that the thread belongs to, or NULL.  A thread keeps its entry, so
 * one that could not be unwound this time is judged by an earlier look.
 */
static const char *library_of(const struct sl_leak_input *input, const struct sl_thread *thread,
                              const struct sl_leak_rule **ret_rule)
{
    const struct sl_thread *looks[] = {
        thread,
        candidate_find_same(input->closed, thread),
        candidate_find_same(input->loaded, thread),
    };
    for (size_t i = 0; i < SL_COUNT_OF(looks); i++)
        if (looks[i] && looks[i]->stack && looks[i]->stack->complete) {
            *ret_rule = sl_leak_rules_resident(&input->rules, looks[i]);
            return library_name(*ret_rule, looks[i]->stack);
        }
    return NULL;
}

static uint64_t gained(uint64_t before, uint64_t cost, uint64_t now)
{
    return now > before + cost ? now - before - cost : 0; /* CPU time may be rounded down */
}

#define STOP_CPU_NS (20 * SL_NS_PER_MS) /* being stopped costs a thread far less */

/* @param comparable  their switches; of CPU time there is one kind */
static struct leak_activity
activity_of(const struct sl_thread *before, const struct sl_thread *now, bool comparable)
{
    if (!before)
        return (struct leak_activity){0};
    if (!comparable || (before->cost.stopped && !before->cost.known))
        return (struct leak_activity){.least_cpu_ns =
                                          gained(before->cpu_ns, STOP_CPU_NS, now->cpu_ns)};
    uint64_t cpu_ns = gained(before->cpu_ns, before->cost.cpu_ns, now->cpu_ns);
    return (struct leak_activity){
        .known = true,
        .switches = gained(before->switches, before->cost.switches, now->switches),
        .cpu_ns = cpu_ns,
        .least_cpu_ns = cpu_ns};
}

bool candidate_rested(const struct sl_snapshot *earlier, const struct sl_snapshot *now,
                      const struct sl_thread *thread)
{
    const struct sl_thread *before = candidate_find_same(earlier, thread);
    struct leak_activity activity =
        activity_of(before, thread, !candidate_counts_differ(earlier, now));

    return activity.known && !activity.switches;
}

bool candidate_counts_differ(const struct sl_snapshot *earlier, const struct sl_snapshot *now)
{
    return earlier && earlier->counts_arrivals != now->counts_arrivals;
}

uint64_t candidate_observed_ns(const struct sl_snapshot *earlier, const struct sl_snapshot *now)
{
    return earlier && earlier->taken_ns < now->taken_ns ? now->taken_ns - earlier->taken_ns : 0;
}

void candidate_compare(struct leak_candidate *candidate, const struct sl_snapshot *earlier,
                       const struct sl_snapshot *now)
{
    if (!candidate_observed_ns(earlier, now))
        return;
    candidate->before = candidate_find_same(earlier, candidate->thread);
    candidate->activity =
        activity_of(candidate->before, candidate->thread, !candidate_counts_differ(earlier, now));
}

/*
 * Threads that ended and were never joined.  For the kernel they are gone, but the C library keeps
 * the stack of each until somebody joins it, so that a Close that leaves them leaks as surely as
 * one that leaves living threads.  They are candidates like those, with a stack of one frame.
 */
struct remains {
    struct sl_thread thread;
    struct sl_stack stack;
};

/* Is what is left of a thread that ended still there?  false, too, where that is not known. */
static bool has_unjoined(const struct sl_snapshot *snapshot, const struct sl_unjoined *unjoined)
{
    for (size_t i = 0; snapshot && !snapshot->unjoined_missing && i < snapshot->n_unjoined; i++)
        if (snapshot->unjoined[i].pthread == unjoined->pthread)
            return true;
    return false;
}

static struct leak_candidate candidate_of_unjoined(const struct sl_leak_input *input,
                                                   const struct sl_unjoined *unjoined,
                                                   struct remains *remains)
{
    const struct sl_stack whole = {.frames = unjoined->start, .n_frames = 1, .complete = true};
    const struct sl_thread lived = {.stack = &whole};
    const struct sl_leak_rule *rule = sl_leak_rules_resident(&input->rules, &lived);

    remains->stack = whole;
    remains->stack.complete = false;
    remains->stack.reason = "the thread has ended; this is the function that it was started with";
    /* The kernel has given its id to others. */
    remains->thread =
        (struct sl_thread){.count = 1, .stack = &remains->stack, .wait = {.syscall_nr = -1}};
    return (struct leak_candidate){
        .thread = &remains->thread,
        .unjoined = unjoined,
        .library = library_name(rule, &whole),
        .library_rule = rule,
    };
}

bool candidate_is_in(const struct sl_snapshot *snapshot, const struct leak_candidate *candidate)
{
    return candidate->unjoined ? has_unjoined(snapshot, candidate->unjoined)
                               : candidate_find_same(snapshot, candidate->thread) != NULL;
}

void candidate_find_replaced(const struct sl_leak_input *input, struct leak_candidate *candidates,
                             size_t n_candidates)
{
    const struct sl_snapshot *torn_down = input->torn_down;

    for (size_t i = 0; torn_down && i < torn_down->n_threads; i++) {
        const struct sl_thread *thread = &torn_down->threads[i];
        if (candidate_find_same(input->start, thread) ||
            candidate_find_same(input->settled, thread))
            continue;
        const struct sl_leak_rule *rule = NULL;
        const char *library = library_of(input, thread, &rule);
        size_t at = 0;
        while (library && at < n_candidates &&
               (!candidates[at].library || strcmp(candidates[at].library, library) != 0 ||
                candidates[at].replaced || candidate_is_in(torn_down, &candidates[at])))
            at++;
        if (library && at < n_candidates)
            candidates[at].replaced = true;
    }
}

/* Stacks that were asked about last; many threads share one. */
struct stack_memo {
    const struct sl_stack *stack;
    bool may_be_of_process, may_be_of_library;
};
#define N_MEMOS 1024

static const struct stack_memo *
recall(const struct sl_leak_input *input, const struct sl_stack *stack, struct stack_memo *memos)
{
    struct stack_memo *memo = &memos[(uintptr_t) stack / sizeof *stack % N_MEMOS];

    if (!stack || memo->stack != stack)
        *memo = (struct stack_memo){
            .stack = stack,
            .may_be_of_process = !input->strict && process_threads_may_have(stack),
            /* One that could not be unwound this time is judged by an earlier look. */
            .may_be_of_library =
                !stack || !stack->complete || sl_leak_rules_may_reside(&input->rules, stack)};
    return memo;
}

enum sl_status candidate_list(const struct sl_leak_input *input, struct sl_arena *arena,
                              struct leak_candidate **ret_candidates, size_t *ret_n_alive,
                              size_t *ret_n_candidates, struct sl_error *err)
{
    const struct sl_snapshot *settled = input->settled;
    size_t n_unjoined = settled->unjoined_missing ? 0 : settled->n_unjoined;
    struct remains *remains = sl_arena_array(arena, n_unjoined, sizeof *remains);
    struct leak_candidate *candidates =
        remains ? calloc(settled->n_threads + n_unjoined + 1, sizeof *candidates) : NULL;
    if (!candidates)
        return sl_fail(err, SL_ENOMEM, "out of memory for %zu threads",
                       settled->n_threads + n_unjoined);

    struct stack_memo memos[N_MEMOS] = {0};
    size_t n = 0;
    for (size_t i = 0; i < settled->n_threads; i++) {
        const struct sl_thread *thread = &settled->threads[i];
        if (candidate_find_same(input->start, thread))
            continue;
        const struct sl_leak_rule *rule = NULL;
        const struct stack_memo *memo = recall(input, thread->stack, memos);
        const char *library = memo->may_be_of_library ? library_of(input, thread, &rule) : NULL;
        candidates[n] = (struct leak_candidate){
            .thread = thread,
            .library = library,
            .library_rule = rule,
            .process = memo->may_be_of_process ? process_threads_kind(thread) : NULL,
        };
        candidate_compare(&candidates[n++], input->closed, settled);
    }
    *ret_n_alive = n;
    for (size_t i = 0; i < n_unjoined; i++)
        if (!has_unjoined(input->start, &settled->unjoined[i]))
            candidates[n++] = candidate_of_unjoined(input, &settled->unjoined[i], &remains[i]);
    *ret_candidates = candidates;
    *ret_n_candidates = n;
    return SL_OK;
}
