/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/run/hang.h"

#include "harness/leak/leak.h"

static const char *function_of(struct sl_arena *arena, const struct sl_thread *thread)
{
    const char *function = thread->stack ? sl_leak_headline(arena, thread->stack) : NULL;
    return function ? function : "an unknown function";
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

/* "Close stands in bus_close, waiting for thread 71 'u-w3', which stands in slow_handler" */
static const char *describe_close(const struct sl_snapshot *snapshot, struct sl_arena *arena)
{
    const struct sl_thread *closer = sl_snapshot_find(snapshot, snapshot->pid);

    if (!closer)
        return NULL;
    if (closer->state == 'Z' || closer->state == 'X')
        return "was called by the main thread, which has ended";
    const struct sl_thread *owner =
        closer->wait.owner ? sl_snapshot_find(snapshot, closer->wait.owner) : NULL;
    const char *held = say_held(arena, closer), *wait = say_wait(arena, closer);
    const char *other = owner ? say_held(arena, owner) : "";
    if (!held || !wait || !other)
        return NULL;
    if (owner)
        return sl_arena_printf(arena,
                               "stands in %s%s, waiting for thread %ld '%s', which stands in %s%s",
                               function_of(arena, closer), held, (long) owner->tid, owner->name,
                               function_of(arena, owner), other);
    return sl_arena_printf(arena, "stands in %s%s%s", function_of(arena, closer), wait, held);
}

void sl_hang_describe(const struct sl_snapshot *snapshot, struct sl_arena *arena,
                      struct sl_trial_result *result)
{
    if (result->close.timed_out && result->close.duration_ns.missing)
        result->close.waits_for = describe_close(snapshot, arena);
    if (sl_leak_group_all(snapshot, arena, &result->hang_groups, &result->n_hang_groups, NULL))
        result->n_hang_groups = 0;
}
