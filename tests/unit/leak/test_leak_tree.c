/* SPDX-License-Identifier: Apache-2.0 */
#include "sl_test.h"

#include <string.h>

#include "base/fail.h"
#include "base/macros.h"
#include "harness/leak/stack/frame.h"
#include "harness/leak/tree/graph.h"
#include "harness/leak/tree/tree.h"
#include "sl_alloc.h"
#include "snapshot_builder.h"

#define WORKER "libc.so.6:pthread_mutex_lock|app:take|app:worker|libc.so.6:start_thread"
#define CLOSER "libc.so.6:pthread_join|app:stop|app:closer|libc.so.6:start_thread"
#define HOLDER "libc.so.6:read|app:serve|app:holder|libc.so.6:start_thread"

#define FIRST 101

/* Threads in a scene; `stacks` are WORKER, CLOSER and HOLDER. */
struct forest {
    struct sl_snapshot_builder *builder;
    struct sl_arena *arena;
    struct sl_snapshot *snapshot;
    const struct sl_stack *stacks[3];
    struct sl_wait_tree tree;
};

static struct forest forest_new(void)
{
    struct forest forest = {.builder = sl_snapshot_builder_new(), .arena = sl_arena_new()};

    cr_assert_not_null(forest.arena);
    forest.stacks[0] = sl_build_stack(forest.builder, WORKER);
    forest.stacks[1] = sl_build_stack(forest.builder, CLOSER);
    forest.stacks[2] = sl_build_stack(forest.builder, HOLDER);
    forest.snapshot = sl_build_snapshot(forest.builder, 1);
    return forest;
}

static void forest_release(struct forest *forest)
{
    sl_arena_free(forest->arena);
    sl_snapshot_builder_free(forest->builder);
}

#define FOREST(name) SL_CLEANUP(forest_release) struct forest name = forest_new()

/* The next thread, waiting for the thread with the id `owner`; 0: for none. */
static struct sl_thread *add(struct forest *forest, enum sl_wait_kind kind, pid_t owner)
{
    pid_t tid = FIRST + (pid_t) forest->snapshot->n_threads;
    size_t stack = kind == SL_WAIT_MUTEX ? 0 : kind == SL_WAIT_JOIN ? 1 : 2;
    struct sl_thread *thread = sl_build_thread(forest->builder, tid, 1, forest->stacks[stack]);

    thread->wait = (struct sl_wait){.kind = kind,
                                    .syscall_nr = 202,
                                    .syscall = "futex",
                                    .object = 0x1000 + 64 * (uint64_t) owner,
                                    .owner = owner};
    return thread;
}

static void make(struct forest *forest)
{
    struct sl_error err = {0};
    sl_assert_ok(sl_wait_tree_make(forest->snapshot, forest->arena, &forest->tree, &err), &err);
}

SL_TEST(leak_tree, without_owners_there_is_no_tree)
{
    FOREST(forest);
    (void) add(&forest, SL_WAIT_IO, 0);
    (void) add(&forest, SL_WAIT_MUTEX, 0);
    make(&forest);
    cr_assert_eq(forest.tree.n_roots, 0);
    cr_assert_eq(forest.tree.waiting, 0);
}

SL_TEST(leak_tree, an_owner_that_is_not_in_the_snapshot_makes_no_edge)
{
    FOREST(forest);
    (void) add(&forest, SL_WAIT_MUTEX, 77);
    make(&forest);
    cr_assert_eq(forest.tree.n_roots, 0);
}

SL_TEST(leak_tree, hundreds_that_wait_alike_are_one_line_below_their_root)
{
    FOREST(forest);
    (void) add(&forest, SL_WAIT_IO, 0);
    for (int i = 0; i < 511; i++)
        (void) add(&forest, SL_WAIT_MUTEX, FIRST);
    (void) add(&forest, SL_WAIT_JOIN, FIRST);
    make(&forest);
    cr_assert_eq(forest.tree.n_roots, 1);
    cr_assert_eq(forest.tree.waiting, 512);
    cr_assert_eq(forest.tree.deadlocks, 0);
    const struct sl_wait_root *root = &forest.tree.roots[0];
    cr_assert_eq(root->count, 513);
    cr_assert_eq(root->n_nodes, 3);
    cr_assert_eq(root->nodes[0].waits_for, -1);
    cr_assert_eq(root->nodes[0].ids[0], FIRST);
    cr_assert_eq(root->nodes[0].behind, 512);
    cr_assert_str_eq(root->nodes[0].function, "serve");
    cr_assert_eq(root->nodes[1].count, 511, "the larger line stands first");
    cr_assert_eq(root->nodes[1].n_objects, 1);
    cr_assert_eq(root->nodes[1].n_ids, SL_GROUP_SAMPLE);
    cr_assert_str_eq(root->nodes[1].function, "take");
    cr_assert_eq(root->nodes[2].wait.kind, SL_WAIT_JOIN);
    cr_assert_eq(root->nodes[2].waits_for, 0);
}

SL_TEST(leak_tree, alike_trees_below_one_root_are_told_once)
{
    FOREST(forest);
    (void) add(&forest, SL_WAIT_IO, 0);
    for (int pool = 0; pool < 5; pool++) {
        pid_t closer = FIRST + (pid_t) forest.snapshot->n_threads;
        (void) add(&forest, SL_WAIT_JOIN, FIRST);
        for (int i = 0; i < 100; i++)
            (void) add(&forest, SL_WAIT_MUTEX, closer);
    }
    make(&forest);
    cr_assert_eq(forest.tree.n_roots, 1);
    cr_assert_eq(forest.tree.roots[0].n_nodes, 3);
    cr_assert_eq(forest.tree.roots[0].nodes[1].count, 5);
    cr_assert_eq(forest.tree.roots[0].nodes[1].behind, 500);
    cr_assert_eq(forest.tree.roots[0].nodes[2].count, 500);
    cr_assert_eq(forest.tree.roots[0].nodes[2].n_objects, 5);
    cr_assert_eq(forest.tree.roots[0].nodes[2].waits_for, 1);
}

SL_TEST(leak_tree, a_circle_is_whole_and_stands_before_larger_trees)
{
    FOREST(forest);
    (void) add(&forest, SL_WAIT_IO, 0);
    for (int i = 0; i < 20; i++)
        (void) add(&forest, SL_WAIT_MUTEX, FIRST);
    const pid_t a = FIRST + 21, b = a + 1, c = a + 2;
    (void) add(&forest, SL_WAIT_MUTEX, c);
    (void) add(&forest, SL_WAIT_JOIN, a);
    (void) add(&forest, SL_WAIT_MUTEX, b);
    (void) add(&forest, SL_WAIT_JOIN, b); /* leads into it */
    make(&forest);
    cr_assert_eq(forest.tree.n_roots, 2);
    cr_assert_eq(forest.tree.deadlocks, 1);
    const struct sl_wait_root *root = &forest.tree.roots[0];
    cr_assert_eq(root->circle, 3);
    cr_assert_eq(root->n_nodes, 4);
    const pid_t in_order[] = {a, c, b};
    for (size_t i = 0; i < 3; i++) {
        cr_assert_eq(root->nodes[i].ids[0], (uint64_t) in_order[i]);
        cr_assert_eq(root->nodes[i].waits_for, (int32_t) ((i + 1) % 3));
    }
    cr_assert_eq(root->nodes[2].behind, 1);
    cr_assert_eq(root->nodes[3].waits_for, 2);
}

SL_TEST(leak_tree, a_thread_that_waits_for_itself_is_a_circle_of_one)
{
    FOREST(forest);
    (void) add(&forest, SL_WAIT_MUTEX, FIRST);
    make(&forest);
    cr_assert_eq(forest.tree.deadlocks, 1);
    cr_assert_eq(forest.tree.roots[0].circle, 1);
    cr_assert_eq(forest.tree.roots[0].nodes[0].waits_for, 0);
}

SL_TEST(leak_tree, a_circle_that_a_time_out_ends_is_no_deadlock)
{
    FOREST(forest);
    (void) add(&forest, SL_WAIT_MUTEX, FIRST + 1);
    add(&forest, SL_WAIT_MUTEX, FIRST)->wait.timed = true;
    make(&forest);
    cr_assert_eq(forest.tree.deadlocks, 0);
    cr_assert_eq(forest.tree.roots[0].circle, 2);
    cr_assert(forest.tree.roots[0].ends);
}

SL_TEST(leak_tree, who_ended_holding_locks_is_one_root)
{
    FOREST(forest);
    for (int i = 0; i < 6; i++) {
        struct sl_thread *thread = add(&forest, SL_WAIT_MUTEX, 0);
        thread->wait.object = 0x1000 * (uint64_t) (i % 3 + 1);
        thread->wait.ended_owner = i % 3 == 2 ? 78 : 77;
    }
    (void) add(&forest, SL_WAIT_JOIN, FIRST);
    make(&forest);
    cr_assert_eq(forest.tree.n_roots, 2);
    cr_assert_eq(forest.tree.waiting, 7);
    const struct sl_wait_root *root = &forest.tree.roots[0];
    cr_assert_eq(root->count, 5);
    cr_assert_eq(root->nodes[0].count, 0);
    cr_assert_eq(root->nodes[0].ids[0], 77);
    cr_assert_null(root->nodes[0].function);
    cr_assert_eq(root->nodes[0].behind, 5);
    cr_assert_eq(root->nodes[1].count, 4);
    cr_assert_eq(root->nodes[1].n_objects, 2);
    cr_assert_eq(root->nodes[2].wait.kind, SL_WAIT_JOIN);
    cr_assert_eq(forest.tree.roots[1].nodes[0].ids[0], 78);
}

/* What a thread that follows the edges one by one finds. */
struct walked {
    uint32_t root, depth, circle;
    bool ends;
};

static struct walked walk(const struct sl_snapshot *snapshot, const uint32_t *next, uint32_t from)
{
    const size_t n = snapshot->n_threads;
    uint32_t at = from, depth = 0;
    struct walked walked = {0};

    for (size_t i = 0; i < n && next[at] != SL_WAIT_NOBODY; i++)
        at = next[at];
    walked.root = at;
    if (next[at] != SL_WAIT_NOBODY) { /* after n steps it is in the circle */
        uint32_t lowest = at;
        bool inside = at == from;
        for (uint32_t k = next[at]; k != at; k = next[k]) {
            lowest = SL_MIN(lowest, k);
            inside |= k == from;
        }
        walked.root = lowest;
        uint32_t k = at;
        do {
            walked.ends |= inside && snapshot->threads[k].wait.timed;
            walked.circle += inside;
            k = next[k];
        } while (k != at);
        for (at = from; !inside; depth++) { /* until it meets the circle */
            bool met = at == walked.root;
            for (k = next[walked.root]; k != walked.root && !met; k = next[k])
                met = k == at;
            if (met)
                break;
            at = next[at];
        }
        walked.depth = inside ? 0 : depth;
        return walked;
    }
    for (at = from; next[at] != SL_WAIT_NOBODY; at = next[at])
        depth++;
    walked.depth = depth;
    return walked;
}

static void assert_graph(const struct forest *forest, const uint32_t *next)
{
    struct sl_wait_graph graph;
    struct sl_error err = {0};

    sl_assert_ok(sl_wait_graph_make(forest->snapshot, &graph, &err), &err);
    for (uint32_t i = 0; i < graph.n_links; i++) {
        const struct walked walked = walk(forest->snapshot, next, i);
        cr_assert_eq(graph.links[i].next, next[i]);
        cr_assert_eq(graph.links[i].root, walked.root);
        cr_assert_eq(graph.links[i].depth, walked.depth);
        cr_assert_eq(graph.links[i].circle, walked.circle);
        cr_assert_eq(graph.links[i].ends, walked.ends);
    }
    sl_wait_graph_release(&graph);
}

static uint32_t draw(uint64_t *state, uint32_t below)
{
    *state = *state * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return (uint32_t) (*state >> 33) % below;
}

/* Is the thread at this index one of a line?  true, too, where the line does not name all. */
static bool may_have(const struct sl_wait_node *node, uint32_t index)
{
    for (uint32_t k = 0; k < node->n_ids; k++)
        if (node->ids[k] == FIRST + (uint64_t) index)
            return true;
    return node->count > node->n_ids;
}

/* Every line of a tree, against the threads that it was made of. */
static void assert_tree(const struct forest *forest, const uint32_t *next)
{
    uint32_t n_waiting = 0, n_told = 0;

    for (size_t i = 0; i < forest->snapshot->n_threads; i++)
        n_waiting += next[i] != SL_WAIT_NOBODY;
    cr_assert_eq(forest->tree.waiting, n_waiting);
    for (size_t r = 0; r < forest->tree.n_roots; r++) {
        const struct sl_wait_root *root = &forest->tree.roots[r];
        uint32_t count = 0;
        for (size_t i = 0; i < root->n_nodes; i++) {
            const struct sl_wait_node *node = &root->nodes[i];
            count += node->count;
            n_told += node->waits_for >= 0 ? node->count : 0;
            cr_assert_eq(node->depth == 0, i < SL_MAX(root->circle, 1));
            cr_assert(node->depth == 0 || (size_t) node->waits_for < i);
            for (uint32_t k = 0; k < node->n_ids; k++) {
                uint32_t owner = next[node->ids[k] - FIRST];
                if (node->waits_for < 0)
                    cr_assert_eq(owner, SL_WAIT_NOBODY);
                else
                    cr_assert(may_have(&root->nodes[node->waits_for], owner));
            }
        }
        cr_assert_eq(count, root->count);
    }
    cr_assert_eq(n_told, n_waiting);
}

SL_TEST(leak_tree, random_graphs_are_found_as_one_who_follows_each_wait_finds_them)
{
    uint64_t random = 12;

    for (int round = 0; round < 400; round++) {
        FOREST(forest);
        const uint32_t n = 1 + draw(&random, 60), share = draw(&random, 101);
        uint32_t next[64];
        for (uint32_t i = 0; i < n; i++) {
            bool waits = draw(&random, 100) < share;
            next[i] = waits ? draw(&random, n) : SL_WAIT_NOBODY;
            struct sl_thread *thread = add(&forest, draw(&random, 2) ? SL_WAIT_MUTEX : SL_WAIT_JOIN,
                                           waits ? FIRST + (pid_t) next[i] : 0);
            thread->wait.timed = draw(&random, 8) == 0;
        }
        assert_graph(&forest, next);
        make(&forest);
        assert_tree(&forest, next);
    }
}

/* One long chain and one wide root, in the order that is worst for who follows each wait. */
SL_TEST(leak_tree, thirty_thousand_threads_take_no_time_that_grows_faster_than_they_do)
{
    FOREST(forest);
    const uint32_t half = 15000;

    (void) add(&forest, SL_WAIT_IO, 0);
    for (uint32_t i = 1; i < half; i++)
        (void) add(&forest, SL_WAIT_JOIN, FIRST + (pid_t) i - 1);
    for (uint32_t i = 0; i < half; i++)
        (void) add(&forest, SL_WAIT_MUTEX, FIRST + (pid_t) half - 1);
    make(&forest);
    cr_assert_eq(forest.tree.n_roots, 1);
    cr_assert_eq(forest.tree.roots[0].n_nodes, half + 1);
    cr_assert_eq(forest.tree.roots[0].nodes[half].count, half);
    cr_assert_eq(forest.tree.roots[0].nodes[half].depth, half);
}

static enum sl_status make_once(void *user, struct sl_error *err)
{
    SL_AUTO(sl_arena) struct sl_arena *arena = sl_arena_new();
    struct sl_wait_tree tree = {.n_roots = 77};

    if (!arena)
        return sl_fail(err, SL_ENOMEM, "no memory for the arena");
    enum sl_status status = sl_wait_tree_make(user, arena, &tree, err);
    cr_assert_eq(tree.n_roots, status ? 77 : 1);
    return status;
}

SL_TEST(leak_tree, a_failed_allocation_is_reported_and_nothing_is_returned)
{
    FOREST(forest);
    (void) add(&forest, SL_WAIT_MUTEX, FIRST + 1);
    (void) add(&forest, SL_WAIT_MUTEX, FIRST);
    (void) add(&forest, SL_WAIT_JOIN, FIRST);
    cr_assert_gt(sl_alloc_fail_each(SL_ALLOC_ONE, make_once, forest.snapshot), 5);
}
