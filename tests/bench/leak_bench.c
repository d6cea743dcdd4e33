/* SPDX-License-Identifier: Apache-2.0 */
/* leak_bench [THREADS [GROUPS [RUNS]]]: time of the leak analysis of threads that all stayed. */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/macros.h"
#include "harness/leak/leak.h"
#include "snapshot_builder.h"

#define MAX_GROUPS 100000

static const struct sl_stack *make_stack(struct sl_snapshot_builder *builder, unsigned group)
{
    char text[200];

    (void) snprintf(text, sizeof text,
                    "libc.so.6:futex_wait|libc.so.6:pthread_cond_wait|app:queue_take_%u|"
                    "app:pool_worker_%u|app:thread_main|libc.so.6:start_thread|libc.so.6:clone3",
                    group, group / 10);
    return sl_build_stack(builder, text);
}

/* Both looks after the end mark; every hundredth thread waits for a lock of the one before. */
static void fill(struct sl_snapshot_builder *builder, const struct sl_stack **stacks,
                 unsigned n_groups, unsigned n_threads)
{
    for (unsigned i = 0; i < n_threads; i++) {
        struct sl_thread *thread =
            sl_build_thread(builder, (pid_t) (1000 + i), 2, stacks[i % n_groups]);
        if (i && i % 100 == 0)
            thread->wait = (struct sl_wait){
                .kind = SL_WAIT_MUTEX, .object = 0x7000 + i, .owner = (pid_t) (999 + i)};
    }
}

/* As those that come along with the program. */
static const struct sl_leak_rule rules[] = {
    {.kind = SL_LEAK_RULE_WITNESS,
     .pattern = {.module = "libnats.so*", .wait = "socket"},
     .reason = "read loop"},
    {.kind = SL_LEAK_RULE_RESIDENT, .pattern = {.module = "libnats.so*"}, .reason = "timers"},
    {.kind = SL_LEAK_RULE_QUEUE,
     .pattern = {.module = "*bus*", .any_function = "wait_room"},
     .reason = "the queue of a worker"},
};

int main(int argc, char **argv)
{
    unsigned n_threads = argc > 1 ? (unsigned) atoi(argv[1]) : 30000;
    unsigned n_groups = argc > 2 ? (unsigned) atoi(argv[2]) : 500;
    int n_runs = argc > 3 ? atoi(argv[3]) : 9;
    struct sl_snapshot_builder *builder = sl_snapshot_builder_new();

    if (!builder || !n_threads || !n_groups || n_groups > MAX_GROUPS)
        return 2;
    SL_AUTO_FREE const struct sl_stack **stacks = calloc(n_groups, sizeof *stacks);
    if (!stacks)
        return 3;
    for (unsigned i = 0; i < n_groups; i++)
        stacks[i] = make_stack(builder, i);
    struct sl_leak_input input = {.start = sl_build_snapshot(builder, SL_NS_PER_S),
                                  .rules = {rules, SL_COUNT_OF(rules)},
                                  .close_reached = true};
    input.closed = sl_build_snapshot(builder, 4 * SL_NS_PER_S);
    fill(builder, stacks, n_groups, n_threads);
    input.settled = sl_build_snapshot(builder, 6 * SL_NS_PER_S);
    fill(builder, stacks, n_groups, n_threads);
    for (int i = 0; i < n_runs; i++) {
        struct sl_arena *arena = sl_arena_new();
        struct sl_leak_report report;
        uint64_t began_ns = sl_clock_now_ns();
        if (!arena || sl_leak_analyse(&input, arena, &report, NULL))
            return 3;
        (void) printf("%u threads in %zu groups: %.1f ms\n", report.count, report.n_findings,
                      (double) (sl_clock_now_ns() - began_ns) / 1e6);
        sl_arena_free(arena);
    }
    sl_snapshot_builder_free(builder);
    return 0;
}
