/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/run/hang.h"

#include "harness/leak/leak.h"

static const char *function_of(const struct sl_thread *thread)
{
    const char *function = thread->stack ? sl_leak_function(thread->stack) : NULL;
    return function ? function : "an unknown function";
}

/* "Close stands in bus_close, waiting for thread 71 'u-w3', which stands in slow_handler" */
static const char *describe_close(const struct sl_snapshot *snapshot, struct sl_arena *arena)
{
    const struct sl_thread *closer = sl_snapshot_find(snapshot, snapshot->pid);

    if (!closer)
        return NULL;
    const struct sl_thread *owner =
        closer->wait.owner ? sl_snapshot_find(snapshot, closer->wait.owner) : NULL;
    if (owner)
        return sl_arena_printf(
            arena, "stands in %s, waiting for thread %ld '%s', which stands in %s",
            function_of(closer), (long) owner->tid, owner->name, function_of(owner));
    return sl_arena_printf(arena, "stands in %s, waiting in %s", function_of(closer),
                           sl_wait_kind_text(closer->wait.kind));
}

void sl_hang_describe(const struct sl_snapshot *snapshot, struct sl_arena *arena,
                      struct sl_trial_result *result)
{
    if (result->close.timed_out && result->close.duration_ns.missing)
        result->close.waits_for = describe_close(snapshot, arena);
    if (sl_leak_group_all(snapshot, arena, &result->hang_groups, &result->n_hang_groups, NULL))
        result->n_hang_groups = 0;
}
