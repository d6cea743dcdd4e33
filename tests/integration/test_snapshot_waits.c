/* SPDX-License-Identifier: Apache-2.0 */
/* What threads are said to wait for, and for whom. */
#include "sl_snapshot_test.h"

#include <stdio.h>

#include "sl_subject.h"

static const char *const mutex_kinds[] = {"default",  "normal", "recursive", "errorcheck",
                                          "adaptive", "robust", "inherit",   "shared",
                                          "timed",    "c11"};
static const char *const own_functions[] = {"wrapper", "refill", "jobs", "exact", "timed_own"};

/* Not where the C library is there as a shared object only. */
static bool is_built(const char *name)
{
    char path[512];
    (void) snprintf(path, sizeof path, "%s/%s", SL_SUBJECTS_DIR, name);
    return access(path, X_OK) == 0;
}

/* The first child of a process. */
static pid_t child_of(pid_t pid)
{
    char path[64];
    long child = 0;

    (void) snprintf(path, sizeof path, "/proc/%ld/task/%ld/children", (long) pid, (long) pid);
    FILE *file = fopen(path, "re");
    if (!file)
        return 0;
    if (fscanf(file, "%ld", &child) != 1)
        child = 0;
    (void) fclose(file);
    return (pid_t) child;
}

static void check_owners(pid_t pid)
{
    await_sleep(pid);
    SL_AUTO(sl_snapshot) struct sl_snapshot *snapshot = take(pid);
    pid_t holder = thread_named(snapshot, "holder")->tid;
    for (size_t i = 0; i < SL_COUNT_OF(mutex_kinds); i++) {
        const struct sl_thread *thread = thread_named(snapshot, mutex_kinds[i]);
        cr_assert(thread, "%s", mutex_kinds[i]);
        cr_assert_eq(thread->wait.kind, SL_WAIT_MUTEX, "%s: %s", mutex_kinds[i],
                     sl_wait_kind_text(thread->wait.kind));
        cr_assert_eq(thread->wait.owner, holder, "%s: %ld is not %ld", mutex_kinds[i],
                     (long) thread->wait.owner, (long) holder);
    }
    const struct sl_thread *joiner = thread_named(snapshot, "joiner");
    cr_assert_eq(joiner->wait.kind, SL_WAIT_JOIN);
    cr_assert_eq(joiner->wait.owner, holder);
}

SL_TEST(snapshot_waits, the_holder_of_a_mutex_of_every_kind_is_named, .timeout = 60)
{
    const char *const argv[] = {"locks", NULL};
    struct sl_test_subject subject = sl_subject_start(argv);

    check_owners(subject.pid);
    cr_assert_eq(sl_subject_end(&subject), 0);
}

SL_TEST(snapshot_waits, a_static_program_has_the_same_primitives, .timeout = 60)
{
    const char *const argv[] = {"locks_static", NULL};

    if (!is_built(argv[0]))
        cr_skip_test("no static C library");
    struct sl_test_subject subject = sl_subject_start(argv);
    check_owners(subject.pid);
    cr_assert_eq(sl_subject_end(&subject), 0);
}

SL_TEST(snapshot_waits, a_holder_in_a_pid_namespace_is_named_by_its_id_out_here, .timeout = 60)
{
    const char *const argv[] = {"locks", "nested", NULL};
    struct sl_test_subject subject = sl_subject_start(argv);

    pid_t child = child_of(subject.pid);
    if (child)
        check_owners(child);
    int status = sl_subject_end(&subject);
    if (status == 77)
        cr_skip_test("no pid namespace can be made here");
    cr_assert_eq(status, 0);
    cr_assert(child);
}

static void check_own_functions(const char *program)
{
    const char *const argv[] = {program, NULL};
    struct sl_test_subject subject = sl_subject_start(argv);

    await_sleep(subject.pid);
    SL_AUTO(sl_snapshot) struct sl_snapshot *snapshot = take(subject.pid);
    for (size_t i = 0; i < SL_COUNT_OF(own_functions); i++) {
        const struct sl_thread *thread = thread_named(snapshot, own_functions[i]);
        cr_assert(thread, "%s", own_functions[i]);
        cr_assert_eq(thread->wait.kind, SL_WAIT_FUTEX, "%s: %s", own_functions[i],
                     sl_wait_kind_text(thread->wait.kind));
        cr_assert_eq(thread->wait.owner, 0);
    }
    cr_assert_eq(sl_subject_end(&subject), 0);
}

SL_TEST(snapshot_waits, functions_named_like_those_of_the_c_library_are_none_of_them, .timeout = 60)
{
    check_own_functions("locks");
}

SL_TEST(snapshot_waits, nor_are_they_where_the_c_library_is_in_the_program, .timeout = 60)
{
    if (!is_built("locks_static"))
        cr_skip_test("no static C library");
    check_own_functions("locks_static");
}
