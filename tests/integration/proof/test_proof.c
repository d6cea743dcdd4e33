/* SPDX-License-Identifier: Apache-2.0 */
/* What is proven of threads that wait, in processes that stand still and in such that do not. */
#include "sl_snapshot_test.h"

#include <sys/uio.h>

#include "harness/leak/group.h"
#include "harness/proof/proof.h"
#include "sl_subject.h"

struct proven {
    struct sl_test_subject subject;
    struct sl_snapshot *snapshot;
    struct sl_arena *arena;
    struct sl_group *groups;
    size_t n_groups;
};

static void prove(const char *const *argv, struct proven *proven)
{
    const struct sl_group *groups;
    struct sl_error err = {0};

    proven->subject = sl_subject_start(argv);
    if (strcmp(*argv, "spinner") != 0)
        await_sleep(proven->subject.pid);
    proven->snapshot = take_bpf(proven->subject.pid);
    if (!proven->snapshot) {
        (void) sl_subject_end(&proven->subject);
        cr_skip("the bpf source is not to be had here");
    }
    proven->arena = sl_arena_new();
    cr_assert(proven->arena);
    sl_assert_ok(
        sl_leak_group_all(proven->snapshot, proven->arena, &groups, &proven->n_groups, &err), &err);
    proven->groups = sl_arena_array(proven->arena, proven->n_groups, sizeof *proven->groups);
    struct sl_group **pointers = sl_arena_array(proven->arena, proven->n_groups, sizeof *pointers);
    cr_assert(proven->groups && pointers);
    for (size_t i = 0; i < proven->n_groups; i++) {
        proven->groups[i] = groups[i];
        pointers[i] = &proven->groups[i];
    }
    sl_assert_ok(
        sl_prove(proven->snapshot, NULL, pointers, proven->n_groups, proven->arena, NULL, &err),
        &err);
}

static void release(struct proven *proven)
{
    sl_arena_free(proven->arena);
    sl_snapshot_free(proven->snapshot);
    (void) sl_subject_end(&proven->subject);
}

static const struct sl_group *group_of(const struct proven *proven, const char *function)
{
    for (size_t i = 0; i < proven->n_groups; i++)
        if (strcmp(proven->groups[i].function, function) == 0)
            return &proven->groups[i];
    cr_assert_fail("no thread in %s", function);
    return NULL;
}

static void expect(const char *kind, const char *function, enum sl_proof_grade grade)
{
    const char *const argv[] = {"forgotten", kind, NULL};
    struct proven proven;

    prove(argv, &proven);
    const struct sl_group *group = group_of(&proven, function);
    cr_expect_eq(group->proof.grade, grade, "%s: %s: %s", kind,
                 sl_proof_grade_text(group->proof.grade),
                 group->proof.reason ? group->proof.reason : "");
    cr_expect_eq(group->proof.n_dead, grade == SL_PROOF_DEAD ? group->count : 0, "%s", kind);
    cr_expect_eq(group_of(&proven, "main")->proof.grade, SL_PROOF_ALIVE, "%s: main", kind);
    release(&proven);
}

SL_TEST(proof, what_nobody_points_to_is_dead)
{
    expect("pool", "wait_in_pool", SL_PROOF_DEAD);
    expect("semaphore", "wait_at_semaphore", SL_PROOF_DEAD);
    expect("cycle", "wait_in_pool", SL_PROOF_DEAD);
}

SL_TEST(proof, who_waits_for_the_dead_is_dead)
{
    expect("joiner", "join", SL_PROOF_DEAD);
    expect("abba", "lock_both", SL_PROOF_DEAD);
}

SL_TEST(proof, who_wakes_by_himself_is_alive)
{
    expect("timed", "wait_in_pool_timed", SL_PROOF_ALIVE);
}

static uint64_t read_word(pid_t pid, uint64_t address)
{
    uint64_t word = 0;
    struct iovec local = {&word, sizeof word};
    struct iovec remote = {(void *) (uintptr_t) address, sizeof word};
    cr_assert(process_vm_readv(pid, &local, 1, &remote, 1, 0) == (ssize_t) sizeof word);
    return word;
}

SL_TEST(proof, a_path_leads_from_a_root_to_what_is_waited_for)
{
    const char *const argv[] = {"forgotten", "kept", NULL};
    struct proven proven;

    prove(argv, &proven);
    const struct sl_proof *proof = &group_of(&proven, "wait_in_pool")->proof;
    cr_assert_eq(proof->grade, SL_PROOF_ALIVE);
    cr_assert_geq(proof->n_path, 2);
    cr_expect_str_eq(proof->path[0].what, "main's stack");
    for (size_t i = 0; i + 1 < proof->n_path; i++)
        cr_expect_eq(proof->path[i].holds, read_word(proven.subject.pid, proof->path[i].at));
    const struct sl_proof_step *last = &proof->path[proof->n_path - 1];
    cr_expect(last->at >= proof->path[proof->n_path - 2].holds);
    cr_expect(last->at < proof->path[proof->n_path - 2].holds + 4096);
    release(&proven);
}

SL_TEST(proof, a_variable_is_a_path_by_itself_and_named)
{
    const char *const argv[] = {"forgotten", "static", NULL};
    struct proven proven;

    prove(argv, &proven);
    const struct sl_proof *proof = &group_of(&proven, "wait_in_pool")->proof;
    cr_assert_eq(proof->grade, SL_PROOF_ALIVE);
    cr_assert_eq(proof->n_path, 1);
    cr_expect(strstr(proof->path[0].what, "static_pool+0x"), "%s", proof->path[0].what);
    cr_expect(strstr(proof->path[0].what, "(data of forgotten)"), "%s", proof->path[0].what);
    release(&proven);
}

SL_TEST(proof, nothing_is_claimed_of_a_process_that_runs)
{
    const char *const argv[] = {"spinner", NULL};
    struct proven proven;

    prove(argv, &proven);
    for (size_t i = 0; i < proven.n_groups; i++) {
        cr_expect_eq(proven.groups[i].proof.grade, SL_PROOF_NOT_JUDGED);
        cr_expect(proven.groups[i].proof.reason);
    }
    release(&proven);
}
