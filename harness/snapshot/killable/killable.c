/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/snapshot/killable/killable.h"

#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/macros.h"

/* Only there when ThreadSanitizer is, which knows of no task beside its threads. */
void __tsan_init(void) __attribute__((weak));

/* Those that were given up, of any look: they end when the kernel finds the time, or never. */
static struct sl_killable *killed;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* the list; not held over a wait */

void *sl_killable_new(size_t size)
{
    struct sl_killable *task = mmap(NULL, size, PROT_READ | PROT_WRITE,
                                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (task == MAP_FAILED)
        return NULL;
    task->size = size;
    return task;
}

void sl_killable_free(struct sl_killable *task)
{
    if (task)
        (void) munmap(task, task->size);
}

bool sl_killable_start(struct sl_killable *task, int (*run)(void *))
{
    const int flags = CLONE_VM | CLONE_UNTRACED | CLONE_CHILD_CLEARTID | CLONE_CHILD_SETTID;
    sigset_t all, before;

    if (__tsan_init)
        return false;
    task->parent = getpid();
    atomic_init(&task->alive, 1);
    (void) sigfillset(&all); /* no handler of ours runs there */
    (void) pthread_sigmask(SIG_SETMASK, &all, &before);
    task->tid = clone(run, task->stack + sizeof task->stack, flags, task, NULL, NULL, &task->alive);
    (void) pthread_sigmask(SIG_SETMASK, &before, NULL);
    return task->tid > 0;
}

bool sl_killable_await_end(struct sl_killable *task, uint64_t limit_ns)
{
    const uint64_t end = sl_clock_now_ns() + limit_ns;
    int alive;

    while ((alive = atomic_load(&task->alive))) {
        struct timespec left = sl_clock_to_timespec(sl_clock_left_ns(end));
        if (!left.tv_sec && !left.tv_nsec)
            return false;
        (void) syscall(SYS_futex, &task->alive, FUTEX_WAIT, alive, &left, NULL, 0);
    }
    while (waitpid(task->tid, NULL, __WCLONE) < 0 && errno == EINTR)
        continue;
    return true;
}

static void bury(struct sl_killable *task)
{
    (void) pthread_mutex_lock(&lock);
    task->next = killed;
    killed = task;
    (void) pthread_mutex_unlock(&lock);
}

void sl_killable_give_up(struct sl_killable *task)
{
    (void) kill(task->tid, SIGKILL);
    bury(task);
}

void sl_killable_reap(uint64_t limit_ns)
{
    const uint64_t end = sl_clock_now_ns() + limit_ns;

    (void) pthread_mutex_lock(&lock);
    struct sl_killable *list = SL_TAKE(killed);
    (void) pthread_mutex_unlock(&lock);
    for (struct sl_killable *task = list, *next; task; task = next) {
        next = task->next;
        if (sl_killable_await_end(task, sl_clock_left_ns(end)))
            sl_killable_free(task);
        else
            bury(task);
    }
}
