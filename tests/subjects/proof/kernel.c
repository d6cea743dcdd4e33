/* SPDX-License-Identifier: Apache-2.0 */
/* Kinds whose threads are alive by something that only the kernel keeps or does. */
#include <fcntl.h>
#include <linux/io_uring.h>
#include <mqueue.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "planted.h"

#define CHILD_STACK 65536

/* a pointer that comes back with an event */

static int ends[2];

static void hold_in_epoll(void)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = reveal()};
    struct epoll_event end = {.events = EPOLLIN};
    int epoll = epoll_create1(EPOLL_CLOEXEC);

    if (pipe(ends) || epoll_ctl(epoll, EPOLL_CTL_ADD, ends[0], &event) ||
        epoll_ctl(epoll, EPOLL_CTL_ADD, STDIN_FILENO, &end))
        abort();
    hide(NULL);
    event = (struct epoll_event){0};
    while (epoll_wait(epoll, &event, 1, -1) != 1)
        continue;
    (void) epoll_ctl(epoll, EPOLL_CTL_DEL, STDIN_FILENO, NULL);
    (void) close(ends[1]);
    while (epoll_wait(epoll, &event, 1, -1) != 1)
        continue;
    object_wake(event.data.ptr);
}

static timer_t timer;

static void block_signal(sigset_t *ret_set)
{
    (void) sigemptyset(ret_set);
    (void) sigaddset(ret_set, SIGRTMIN + 1);
    (void) pthread_sigmask(SIG_BLOCK, ret_set, NULL);
}

static void plant_unsignalled(void)
{
    sigset_t set;
    block_signal(&set);
    plant_hidden();
}

static void place_timer(void)
{
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL,
                             .sigev_signo = SIGRTMIN + 1,
                             .sigev_value.sival_ptr = reveal()};
    if (timer_create(CLOCK_MONOTONIC, &event, &timer))
        abort();
    hide(NULL);
}

static void expire(void)
{
    const struct itimerspec soon = {.it_value.tv_nsec = 1};
    (void) timer_settime(timer, 0, &soon, NULL);
}

static void wake_timer(void)
{
    sigset_t set;
    siginfo_t info;

    block_signal(&set);
    expire();
    if (sigwaitinfo(&set, &info) > 0)
        object_wake(info.si_value.sival_ptr);
}

static void notify(union sigval value)
{
    object_wake(value.sival_ptr);
}

static void place_notifier(void)
{
    struct sigevent event = {.sigev_notify = SIGEV_THREAD,
                             .sigev_notify_function = notify,
                             .sigev_value.sival_ptr = reveal()};
    if (timer_create(CLOCK_MONOTONIC, &event, &timer))
        abort();
    hide(NULL);
}

static mqd_t queue;

static void place_in_queue(void)
{
    struct mq_attr attributes = {.mq_maxmsg = 1, .mq_msgsize = 1};
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL,
                             .sigev_signo = SIGRTMIN + 1,
                             .sigev_value.sival_ptr = reveal()};
    char name[32];

    (void) snprintf(name, sizeof name, "/planted-%d", getpid());
    queue = mq_open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600, &attributes);
    if (queue < 0)
        exit(77);
    (void) mq_unlink(name);
    if (mq_notify(queue, &event))
        abort();
    hide(NULL);
}

static void wake_queue(void)
{
    sigset_t set;
    siginfo_t info;

    block_signal(&set);
    (void) mq_send(queue, "", 1, 0);
    if (sigwaitinfo(&set, &info) > 0)
        object_wake(info.si_value.sival_ptr);
}

/* a handler that knows what its own thread waits on */

static _Thread_local struct object *volatile own;
static pid_t waiters[N_EACH];
static volatile size_t n_waiters;

static void on_signal(int number)
{
    (void) number;
    if (own)
        (void) sem_post(&own->semaphore);
}

static void wait_for_signal(struct object *object)
{
    own = object;
    waiters[n_waiters] = gettid();
    n_waiters++;
    object_wait(object);
}

static void plant_signalled(void)
{
    (void) signal(SIGUSR1, on_signal);
    for (size_t i = 0; i < N_EACH; i++) {
        (void) plant(FATE_ALIVE, wait_for_signal, object_new(WAY_SEMAPHORE));
        while (n_waiters <= i)
            (void) usleep(1000);
    }
}

static void wake_signalled(void)
{
    for (size_t i = 0; i < N_EACH; i++)
        (void) syscall(SYS_tgkill, getpid(), waiters[i], SIGUSR1);
}

/* waits that end by themselves, or that another process may end */

static void plant_way(struct object *object)
{
    hide(object);
    plant_waiters(FATE_ALIVE, object, N_EACH);
}

static void plant_timed_condition(void)
{
    plant_way(object_new(WAY_TIMED_CONDITION));
}

static void plant_timed_semaphore(void)
{
    plant_way(object_new(WAY_TIMED_SEMAPHORE));
}

static void plant_shared(void)
{
    pthread_condattr_t attributes;
    struct object *object =
        mmap(NULL, sizeof *object, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (object == MAP_FAILED)
        abort();
    object_init(object, WAY_CONDITION);
    (void) pthread_condattr_init(&attributes);
    (void) pthread_condattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    (void) pthread_cond_init(&object->condition, &attributes);
    plant_way(object);
}

/* what makes every claim impossible */

static void plant_ring(void)
{
    struct io_uring_params params = {0};
    if (syscall(SYS_io_uring_setup, 4, &params) < 0)
        exit(77);
    plant_hidden();
}

static pid_t child;

static int sleep_in_child(void *object)
{
    struct object *volatile kept = object;
    (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;)
        (void) pause();
    object_wake(kept);
    return 0;
}

static void plant_child(void)
{
    char *stack =
        mmap(NULL, CHILD_STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    plant_hidden();
    if (stack == MAP_FAILED)
        abort();
    child = clone(sleep_in_child, stack + CHILD_STACK, CLONE_VM | SIGCHLD, NULL);
    if (child < 0)
        exit(77);
}

static void wake_beside_child(void)
{
    (void) kill(child, SIGKILL);
    (void) waitpid(child, NULL, 0);
    wake_hidden();
}

const struct kind kernel_kinds[] = {
    {"epoll", plant_hidden, .hold = hold_in_epoll},
    {"timer", plant_unsignalled, place_timer, .wake = wake_timer},
    {"timer with a thread", plant_hidden, place_notifier, .wake = expire},
    {"message queue", plant_unsignalled, place_in_queue, .wake = wake_queue},
    {"handler", plant_signalled, .wake = wake_signalled},
    {"timed condition", plant_timed_condition, .wake = wake_hidden},
    {"timed semaphore", plant_timed_semaphore, .wake = wake_hidden},
    {"shared object", plant_shared, .wake = wake_hidden},
    {"io_uring", plant_ring, .wake = wake_hidden},
    {"child with the same memory", plant_child, .wake = wake_beside_child},
    {0},
};
