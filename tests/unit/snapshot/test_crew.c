/* SPDX-License-Identifier: Apache-2.0 */
/* Sharing work out over threads. */
#include "sl_test.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

#include "base/fail.h"
#include "base/macros.h"
#include "harness/snapshot/crew.h"

#define MAX_MEMBERS 4

int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*start)(void *), void *argument);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*start)(void *), void *argument);

static atomic_int n_creates_allowed = INT_MAX;

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*start)(void *), void *argument)
{
    return atomic_fetch_sub(&n_creates_allowed, 1) > 0
               ? __real_pthread_create(thread, attributes, start, argument)
               : EAGAIN;
}

struct record {
    atomic_int calls[MAX_MEMBERS];
    pthread_t threads[MAX_MEMBERS];
};

static void note(void *argument, size_t member)
{
    struct record *record = argument;
    atomic_fetch_add(&record->calls[member], 1);
    record->threads[member] = pthread_self();
}

SL_TEST(crew, every_member_works_once_on_a_thread_of_its_own)
{
    for (size_t n = 1; n <= MAX_MEMBERS; n++) {
        struct record record = {0};
        sl_crew_run(n, note, &record);
        for (size_t i = 0; i < MAX_MEMBERS; i++)
            cr_assert_eq(atomic_load(&record.calls[i]), i < n, "member %zu of %zu", i, n);
        for (size_t i = 0; i < n; i++)
            cr_assert_eq(pthread_equal(record.threads[i], pthread_self()) != 0, i == 0);
    }
}

SL_TEST(crew, without_threads_the_calling_one_does_everything)
{
    for (int allowed = 0; allowed < MAX_MEMBERS - 1; allowed++) {
        struct record record = {0};
        atomic_store(&n_creates_allowed, allowed);
        sl_crew_run(MAX_MEMBERS, note, &record);
        for (size_t i = 0; i < MAX_MEMBERS; i++) {
            bool own = i == 0 || i > (size_t) allowed;
            cr_assert_eq(atomic_load(&record.calls[i]), 1);
            cr_assert_eq(pthread_equal(record.threads[i], pthread_self()) != 0, own);
        }
    }
    atomic_store(&n_creates_allowed, INT_MAX);
}

SL_TEST(crew, a_few_items_are_for_one)
{
    cr_assert_eq(sl_crew_size(0), 1);
    cr_assert_eq(sl_crew_size(255), 1);
    size_t many = sl_crew_size(100000);
    cr_assert(many >= 1 && many <= MAX_MEMBERS);
}

static void note_mask(void *argument, size_t member)
{
    sigset_t mask;
    cr_assert(pthread_sigmask(SIG_SETMASK, NULL, &mask) == 0);
    ((int *) argument)[member] = sigismember(&mask, SIGTERM);
}

SL_TEST(crew, helpers_take_no_signal_and_the_calling_thread_does)
{
    int blocked[2] = {-1, -1};
    sl_crew_run(2, note_mask, blocked);
    cr_assert_eq(blocked[0], 0);
    cr_assert_eq(blocked[1], 1);
}

struct parted {
    int kept, other;
    bool parted, has_kept, has_other;
};

static bool is_open(int fd)
{
    return fcntl(fd, F_GETFD) >= 0;
}

static void part(void *argument, size_t member)
{
    struct parted *parted = argument;
    if (!member)
        return;
    parted->parted = sl_crew_part_descriptors(parted->kept);
    parted->has_kept = is_open(parted->kept);
    parted->has_other = is_open(parted->other);
    for (int i = 0; i < 10 && parted->parted; i++)
        cr_assert(open("/dev/null", O_RDONLY | O_CLOEXEC) > STDERR_FILENO);
}

/* The lowest one that is free, which is what the next open takes. */
static int next_descriptor(void)
{
    SL_AUTO_FD int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    return fd;
}

/* Whether the descriptor that is kept lies before or behind the other. */
static void check_parted(int kept, int other)
{
    struct parted parted = {.kept = kept, .other = other};
    int before = next_descriptor();

    sl_crew_run(2, part, &parted);
    if (!parted.parted)
        cr_skip_test("this kernel does not part descriptors");
    cr_assert(parted.has_kept);
    cr_assert_not(parted.has_other);
    cr_assert(is_open(kept) && is_open(other));
    cr_assert_eq(next_descriptor(), before);
}

SL_TEST(crew, a_call_on_the_calling_thread_parts_no_descriptors)
{
    SL_AUTO_FD int kept = open("/dev/null", O_RDONLY | O_CLOEXEC);
    SL_AUTO_FD int other = open("/dev/null", O_RDONLY | O_CLOEXEC);
    struct parted parted = {.kept = kept, .other = other};

    atomic_store(&n_creates_allowed, 0);
    sl_crew_run(2, part, &parted);
    atomic_store(&n_creates_allowed, INT_MAX);
    cr_assert_not(parted.parted);
    cr_assert(parted.has_kept && parted.has_other);
    cr_assert(is_open(kept) && is_open(other));
}

SL_TEST(crew, a_helper_has_descriptors_of_its_own_and_leaves_none_behind)
{
    SL_AUTO_FD int first = open("/dev/null", O_RDONLY | O_CLOEXEC);
    SL_AUTO_FD int second = open("/dev/null", O_RDONLY | O_CLOEXEC);

    cr_assert(first > STDERR_FILENO && second > first);
    check_parted(first, second);
    check_parted(second, first);
}

/* More than the least that a thread may have. */
static void use_stack(void *argument, size_t member)
{
    volatile char stack[256 * 1024];

    (void) argument;
    for (size_t i = 0; i < sizeof stack; i += 1024)
        stack[i] = (char) member;
}

SL_TEST(crew, a_helper_has_stack_enough_however_little_the_process_gives_to_threads)
{
    pthread_attr_t attributes;

    cr_assert(pthread_attr_init(&attributes) == 0 &&
              pthread_attr_setstacksize(&attributes, 64 * 1024) == 0 &&
              pthread_setattr_default_np(&attributes) == 0);
    sl_crew_run(MAX_MEMBERS, use_stack, NULL);
    (void) pthread_attr_destroy(&attributes);
}

static enum sl_status succeed(void *n_done, struct sl_error *err)
{
    (void) err;
    atomic_fetch_add((atomic_int *) n_done, 1);
    return SL_OK;
}

static enum sl_status fail(void *n_done, struct sl_error *err)
{
    atomic_fetch_add((atomic_int *) n_done, 1);
    return sl_fail(err, SL_EGONE, "it has ended");
}

SL_TEST(crew, of_two_tasks_the_first_that_fails_says_why)
{
    for (int at_once = 0; at_once < 2; at_once++) {
        sl_crew_task *const tasks[][2] = {{succeed, succeed}, {succeed, fail}, {fail, succeed}};
        for (size_t i = 0; i < SL_COUNT_OF(tasks); i++) {
            atomic_int n_done = 0;
            struct sl_error err = {0};
            if (i == 0)
                sl_assert_ok(sl_crew_both(at_once, tasks[i][0], tasks[i][1], &n_done, &err), &err);
            else
                sl_assert_fails(sl_crew_both(at_once, tasks[i][0], tasks[i][1], &n_done, &err),
                                SL_EGONE, &err, "it has ended");
            /* One after the other, as far as the first that fails. */
            cr_assert_eq(atomic_load(&n_done), !at_once && i == 2 ? 1 : 2);
        }
    }
}
