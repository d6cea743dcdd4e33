/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/snapshot/crew.h"

#include <errno.h>
#include <limits.h>
#include <linux/close_range.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>

#include "base/macros.h"

/* Only there when ThreadSanitizer is, which takes equal descriptors for one. */
void __tsan_init(void) __attribute__((weak));

#define MAX_MEMBERS 4 /* a snapshot should not take a whole machine */
#define MIN_STACK   ((size_t) 1024 * 1024)
#define MIN_ITEMS   256 /* fewer are done before a thread is made */

/* Set on a thread that was made for a crew, which may do with its descriptors what it likes. */
static _Thread_local bool on_own_thread;

struct seat {
    void (*work)(void *argument, size_t member);
    void *argument;
    size_t member;
    pthread_t thread;
    bool made;
};

size_t sl_crew_size(size_t n_items)
{
    cpu_set_t cpus;
    if (n_items < MIN_ITEMS || sched_getaffinity(0, sizeof cpus, &cpus))
        return 1;
    return SL_MIN((size_t) CPU_COUNT(&cpus), (size_t) MAX_MEMBERS);
}

static void *run(void *argument)
{
    struct seat *seat = argument;
    on_own_thread = true;
    seat->work(seat->argument, seat->member);
    return NULL;
}

/*
 * Away from the CPU of the calling thread, which goes on there.  When no CPU is idle
 * the kernel starts a thread beside the one that made it, and sees no reason to move it
 * before the work is done.  @return false when there is no other CPU
 */
static bool set_elsewhere(pthread_attr_t *attributes)
{
    cpu_set_t cpus;
    int own = sched_getcpu();

    if (own < 0 || sched_getaffinity(0, sizeof cpus, &cpus))
        return false;
    CPU_CLR(own, &cpus);
    return CPU_COUNT(&cpus) > 0 && pthread_attr_setaffinity_np(attributes, sizeof cpus, &cpus) == 0;
}

static int
create(pthread_t *ret_thread, bool elsewhere, void *(*work)(void *argument), void *argument)
{
    pthread_attr_t attributes;
    sigset_t all;
    size_t size;

    int error = pthread_attr_init(&attributes);
    if (error)
        return error;
    (void) sigfillset(&all);
    error = pthread_attr_setsigmask_np(&attributes, &all);
    if (!error && pthread_attr_getstacksize(&attributes, &size) == 0 && size < MIN_STACK)
        error = pthread_attr_setstacksize(&attributes, MIN_STACK);
    if (!error && elsewhere && !set_elsewhere(&attributes))
        error = ENOTSUP;
    if (!error)
        error = pthread_create(ret_thread, &attributes, work, argument);
    (void) pthread_attr_destroy(&attributes);
    return error;
}

int sl_crew_thread(pthread_t *ret_thread, void *(*work)(void *argument), void *argument)
{
    return create(ret_thread, false, work, argument);
}

static void start(struct seat *seat)
{
    seat->made =
        create(&seat->thread, true, run, seat) == 0 || create(&seat->thread, false, run, seat) == 0;
}

void sl_crew_run(size_t n_members, void (*work)(void *argument, size_t member), void *argument)
{
    struct seat seats[MAX_MEMBERS];

    n_members = SL_MIN(n_members, (size_t) MAX_MEMBERS);
    for (size_t i = 1; i < n_members; i++) {
        seats[i] = (struct seat){.work = work, .argument = argument, .member = i};
        start(&seats[i]);
    }
    work(argument, 0);
    for (size_t i = 1; i < n_members; i++) {
        if (seats[i].made)
            (void) pthread_join(seats[i].thread, NULL);
        else
            work(argument, i);
    }
}

struct pair {
    sl_crew_task *tasks[2];
    void *argument;
    enum sl_status statuses[2];
    struct sl_error errors[2];
};

static void do_task(void *argument, size_t i)
{
    struct pair *pair = argument;
    pair->statuses[i] = pair->tasks[i](pair->argument, &pair->errors[i]);
}

enum sl_status sl_crew_both(bool at_once, sl_crew_task *first, sl_crew_task *second, void *argument,
                            struct sl_error *err)
{
    struct pair pair = {.tasks = {first, second}, .argument = argument};

    if (at_once)
        sl_crew_run(2, do_task, &pair);
    else
        do_task(&pair, 0);
    if (!at_once && !pair.statuses[0])
        do_task(&pair, 1);
    size_t failed = pair.statuses[0] ? 0 : 1;
    if (pair.statuses[failed] && err && !err->status)
        *err = pair.errors[failed];
    return pair.statuses[failed];
}

bool sl_crew_part_descriptors(int kept)
{
    unsigned first = STDERR_FILENO + 1, at = (unsigned) SL_MAX(kept, STDERR_FILENO);

    /* A call that was made for want of a thread is on the caller's, and so are the descriptors. */
    if (!on_own_thread || __tsan_init)
        return false;
    /* What lies behind is left out of the copy; what lies before is closed in it. */
    if (close_range(at + 1, UINT_MAX, CLOSE_RANGE_UNSHARE))
        return false;
    if (at > first)
        (void) close_range(first, at - 1, 0);
    return true;
}
