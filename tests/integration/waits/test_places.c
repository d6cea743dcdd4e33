/* SPDX-License-Identifier: Apache-2.0 */
/* What threads wait at where no thread is known to be the one that they wait for. */
#include "sl_snapshot_test.h"

#include <stdio.h>
#include <string.h>

#include "harness/leak/tree/tree.h"
#include "sl_subject.h"

struct scene {
    int pipe, full, unix_end, tcp, has_glib;
};

static struct scene read_scene(const struct sl_test_subject *subject)
{
    struct scene scene;
    char text[64] = "";
    size_t n = 0;

    while (n + 1 < sizeof text && read(subject->output, text + n, 1) == 1 && text[n] != '\n')
        n++;
    cr_assert_eq(sscanf(text, "%d %d %d %d %d", &scene.pipe, &scene.full, &scene.unix_end,
                        &scene.tcp, &scene.has_glib),
                 5, "'%s'", text);
    return scene;
}

static void check_end(const struct sl_snapshot *snapshot, const char *name, int descriptor)
{
    const struct sl_thread *thread = thread_named(snapshot, name);

    cr_assert(thread, "%s", name);
    const struct sl_far_end *end = thread->wait.far_end;
    cr_assert(end, "%s waits for %s", name, thread->wait.target);
    cr_assert_eq(end->n_descriptors, 1, "%s: %zu", name, end->n_descriptors);
    cr_assert_eq(end->descriptors[0], descriptor, "%s: %d, not %d", name, end->descriptors[0],
                 descriptor);
}

SL_TEST(places, the_other_end_of_a_pipe_or_connection_is_found_in_the_process, .timeout = 60)
{
    SL_AUTO_SUBJECT struct sl_test_subject subject = sl_subject("places");
    const struct scene scene = read_scene(&subject);

    await_sleep(subject.pid);
    SL_AUTO(sl_snapshot) struct sl_snapshot *snapshot = take(subject.pid);
    check_end(snapshot, "pipe", scene.pipe);
    check_end(snapshot, "full", scene.full);
    check_end(snapshot, "unix", scene.unix_end);
    check_end(snapshot, "tcp", scene.tcp);
}

SL_TEST(places, an_end_that_another_process_has_is_not_said_to_be_here, .timeout = 60)
{
    SL_AUTO_SUBJECT struct sl_test_subject subject = sl_subject("places");

    (void) read_scene(&subject);
    await_sleep(subject.pid);
    SL_AUTO(sl_snapshot) struct sl_snapshot *snapshot = take(subject.pid);
    cr_assert_null(thread_named(snapshot, "gone")->wait.far_end);
    /* Its standard input, whose other end is ours. */
    cr_assert_null(sl_snapshot_find(snapshot, (uint64_t) subject.pid)->wait.far_end);
}

/* The only candidate for what one waits for is the other; and nobody is called its owner. */
static void
check_candidate(const struct sl_snapshot *snapshot, const char *waiter, const char *candidate)
{
    const struct sl_thread *thread = thread_named(snapshot, waiter);

    cr_assert(thread && thread->wait.lock, "%s waits at %s", waiter,
              sl_wait_kind_text(thread->wait.kind));
    cr_assert_eq(thread->wait.owner, 0);
    const struct sl_lock *lock = thread->wait.lock;
    cr_assert_eq(lock->object, thread->wait.object);
    bool found = false;
    for (size_t i = 0; i < lock->n_candidates; i++) {
        found |= lock->candidates[i] == thread_named(snapshot, candidate)->id;
        cr_assert_neq(lock->candidates[i], thread->id);
    }
    cr_assert(found, "%s is no candidate for what %s waits for: %zu are", candidate, waiter,
              lock->n_candidates);
}

SL_TEST(places, who_has_a_lock_that_keeps_no_owner_is_a_candidate_for_it, .timeout = 60)
{
    SL_AUTO_SUBJECT struct sl_test_subject subject = sl_subject("places");
    const struct scene scene = read_scene(&subject);

    await_sleep(subject.pid);
    SL_AUTO(sl_snapshot) struct sl_snapshot *snapshot = take(subject.pid);
    check_candidate(snapshot, "reader", "sharer");
    if (scene.has_glib)
        check_candidate(snapshot, "glib", "keeper");
}

static const struct sl_wait_place *find_place(const struct sl_wait_tree *tree, const char *name)
{
    for (size_t i = 0; i < tree->n_places; i++)
        if (strcmp(tree->places[i].name, name) == 0)
            return &tree->places[i];
    return NULL;
}

SL_TEST(places, places_stand_beside_the_tree_with_locks_first, .timeout = 60)
{
    SL_AUTO_SUBJECT struct sl_test_subject subject = sl_subject("places");
    const struct scene scene = read_scene(&subject);
    SL_AUTO(sl_arena) struct sl_arena *arena = sl_arena_new();
    struct sl_wait_tree tree;
    struct sl_error err;

    await_sleep(subject.pid);
    SL_AUTO(sl_snapshot) struct sl_snapshot *snapshot = take(subject.pid);
    cr_assert_eq(sl_wait_tree_make(snapshot, arena, &tree, &err), SL_OK);
    cr_assert_eq(tree.n_places, (size_t) (scene.has_glib ? 6 : 5));
    cr_assert(tree.places[0].object);
    const struct sl_wait_place *lock = find_place(&tree, "reader"),
                               *end = find_place(&tree, "full");
    cr_assert_str_eq(lock->what, "read-write lock");
    cr_assert_eq(lock->count, 1);
    cr_assert(end && !end->object && end->n_descriptors == 1);
    cr_assert_eq(end->descriptors[0], (uint64_t) scene.full);
    cr_assert_str_eq(end->call, "write");
}
