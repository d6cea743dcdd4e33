/* SPDX-License-Identifier: Apache-2.0 */
/* Threads blocked in system calls, and two that never leave their CPU. */
#include "matrix.h"

#include <arpa/inet.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static pthread_mutex_t held = PTHREAD_MUTEX_INITIALIZER, mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t never = PTHREAD_COND_INITIALIZER;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_barrier_t barrier;
static sem_t semaphore;
static int pipe_fds[2], listener, connection, epoll_fd;
static uint32_t word;

static NOINLINE void in_mutex(void)
{
    for (;;)
        (void) pthread_mutex_lock(&held);
}

static NOINLINE void in_condition(void)
{
    (void) pthread_mutex_lock(&mutex);
    for (;;)
        (void) pthread_cond_wait(&never, &mutex);
}

static NOINLINE void in_timed(void)
{
    static pthread_mutex_t own = PTHREAD_MUTEX_INITIALIZER;
    struct timespec end;
    (void) clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += 36000;
    (void) pthread_mutex_lock(&own);
    for (;;)
        (void) pthread_cond_timedwait(&never, &own, &end);
}

static NOINLINE void in_semaphore(void)
{
    for (;;)
        (void) sem_wait(&semaphore);
}

static NOINLINE void in_rwlock(void)
{
    for (;;)
        (void) pthread_rwlock_rdlock(&rwlock);
}

static NOINLINE void in_barrier(void)
{
    for (;;)
        (void) pthread_barrier_wait(&barrier);
}

static void *wait_for_ever(void *argument)
{
    (void) prctl(PR_SET_NAME, "joined");
    for (;;)
        (void) sem_wait(&semaphore);
    return argument;
}

static NOINLINE void in_join(void)
{
    pthread_t joined;
    if (pthread_create(&joined, NULL, wait_for_ever, NULL))
        abort();
    for (;;)
        (void) pthread_join(joined, NULL);
}

static NOINLINE void in_futex(void)
{
    for (;;)
        (void) syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
}

static NOINLINE void in_pipe(void)
{
    for (;;)
        matrix_block();
}

static NOINLINE void in_poll(void)
{
    struct pollfd polled = {.fd = pipe_fds[0], .events = POLLIN};
    for (;;)
        (void) poll(&polled, 1, -1);
}

static NOINLINE void in_epoll(void)
{
    struct epoll_event event;
    for (;;)
        (void) epoll_wait(epoll_fd, &event, 1, -1);
}

static NOINLINE void in_select(void)
{
    for (;;) {
        fd_set set;
        FD_ZERO(&set);
        FD_SET(pipe_fds[0], &set);
        (void) select(pipe_fds[0] + 1, &set, NULL, NULL, NULL);
    }
}

static NOINLINE void in_sleep(void)
{
    const struct timespec long_time = {.tv_sec = 36000};
    for (;;)
        (void) nanosleep(&long_time, NULL);
}

static NOINLINE void in_recv(void)
{
    char byte;
    for (;;)
        (void) recv(connection, &byte, 1, 0);
}

static NOINLINE void in_accept(void)
{
    for (;;)
        (void) accept(listener, NULL, NULL);
}

static NOINLINE void in_pause(void)
{
    for (;;)
        (void) pause();
}

static NOINLINE void spinning(void)
{
    for (volatile unsigned long i = 0;; i++)
        continue;
}

static NOINLINE void in_clock(void)
{
    struct timespec now;
    for (;;)
        (void) clock_gettime(CLOCK_MONOTONIC, &now);
}

static void open_sockets(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;

    listener = socket(AF_INET, SOCK_STREAM, 0);
    connection = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(listener, (struct sockaddr *) &address, size) || listen(listener, 4) ||
        getsockname(listener, (struct sockaddr *) &address, &size) ||
        connect(connection, (struct sockaddr *) &address, size) ||
        accept(listener, NULL, NULL) < 0) {
        perror("sockets");
        exit(1);
    }
}

void matrix_open_calls(void)
{
    open_sockets();
    epoll_fd = epoll_create1(0);
    (void) pthread_mutex_lock(&held);
    (void) pthread_rwlock_wrlock(&rwlock);
    (void) pthread_barrier_init(&barrier, NULL, 2);
    (void) sem_init(&semaphore, 0, 0);
    if (pipe(pipe_fds)) {
        perror("pipe");
        exit(1);
    }
}

const struct shape call_shapes[] = {
    {"mutex", in_mutex, 1, 0},
    {"condition", in_condition, 2, 0},
    {"timed", in_timed, 3, 0},
    {"semaphore", in_semaphore, 4, 0},
    {"rwlock", in_rwlock, 5, 0},
    {"barrier", in_barrier, 0, 0},
    {"join", in_join, 1, 0},
    {"futex", in_futex, 2, 0},
    {"pipe", in_pipe, 3, 0},
    {"poll", in_poll, 4, 0},
    {"epoll", in_epoll, 5, 0},
    {"select", in_select, 0, 0},
    {"sleep", in_sleep, 1, 0},
    {"recv", in_recv, 2, 0},
    {"accept", in_accept, 3, 0},
    {"pause", in_pause, 4, 0},
    {"deep", in_condition, 200, 0},

    {"spin", spinning, 2, 0},
    {"clock", in_clock, 2, 0},
    {0},
};
