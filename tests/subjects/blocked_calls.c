/* SPDX-License-Identifier: Apache-2.0 */
/*
 * blocked_calls: one thread for each way to block, named after it.
 *
 *     mutex      pthread_mutex_lock of a mutex that thread `holder` has
 *     holder     pause
 *     condition  pthread_cond_wait          semaphore  sem_wait
 *     rwlock     pthread_rwlock_rdlock      barrier    pthread_barrier_wait
 *     join       pthread_join of `holder`   timed      pthread_cond_timedwait, one hour
 *     pipe       read of an empty pipe      accept     accept on 127.0.0.1
 *     recv       recv on a connection to that listener
 *     poll       poll of the pipe, for ever epoll      epoll_wait, for ever
 *     sleep      nanosleep, one hour        sigwait    sigwaitinfo of SIGUSR1
 *     semop      semop on a System V semaphore
 *
 * Every stack ends, from the outside, with clone3, start_thread, block_in_NAME.  The
 * main thread reads standard input and ends the process when that is closed: with
 * status 0, or 1 when one of the calls returned.  One byte on standard output says
 * that every thread was started; it blocks soon after.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/ipc.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static pthread_mutex_t held = PTHREAD_MUTEX_INITIALIZER, mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_barrier_t barrier;
static sem_t semaphore;
static int pipe_fds[2], listener, connection, epoll_fd, sem_set;
static pthread_t holder;
static atomic_int returned, holding;

static void block_in_holder(void)
{
    (void) pthread_mutex_lock(&held);
    atomic_store(&holding, 1);
    (void) pause();
}

static void block_in_mutex(void)
{
    (void) pthread_mutex_lock(&held);
}

static void block_in_condition(void)
{
    (void) pthread_mutex_lock(&mutex);
    (void) pthread_cond_wait(&condition, &mutex);
}

static void block_in_timed(void)
{
    static pthread_mutex_t own = PTHREAD_MUTEX_INITIALIZER;
    static pthread_cond_t never = PTHREAD_COND_INITIALIZER;
    struct timespec end;
    (void) clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += 3600;
    (void) pthread_mutex_lock(&own);
    (void) pthread_cond_timedwait(&never, &own, &end);
}

static void block_in_semaphore(void)
{
    (void) sem_wait(&semaphore);
}

static void block_in_rwlock(void)
{
    (void) pthread_rwlock_rdlock(&rwlock);
}

static void block_in_barrier(void)
{
    (void) pthread_barrier_wait(&barrier);
}

static void block_in_join(void)
{
    (void) pthread_join(holder, NULL);
}

static void block_in_pipe(void)
{
    char byte;
    (void) !read(pipe_fds[0], &byte, 1);
}

static void block_in_accept(void)
{
    (void) accept(listener, NULL, NULL);
}

static void block_in_recv(void)
{
    char byte;
    (void) recv(connection, &byte, 1, 0);
}

static void block_in_poll(void)
{
    struct pollfd polled = {.fd = pipe_fds[0], .events = POLLIN};
    (void) poll(&polled, 1, -1);
}

static void block_in_epoll(void)
{
    struct epoll_event event;
    (void) epoll_wait(epoll_fd, &event, 1, -1);
}

static void block_in_sleep(void)
{
    const struct timespec hour = {.tv_sec = 3600};
    (void) nanosleep(&hour, NULL);
}

static void block_in_sigwait(void)
{
    sigset_t set;
    (void) sigemptyset(&set);
    (void) sigaddset(&set, SIGUSR1);
    (void) sigwaitinfo(&set, NULL);
}

static void block_in_semop(void)
{
    struct sembuf take = {.sem_op = -1};
    (void) semop(sem_set, &take, 1);
}

static const struct way {
    const char *name;
    void (*block)(void);
} ways[] = {
    {"holder", block_in_holder},       {"mutex", block_in_mutex},
    {"condition", block_in_condition}, {"timed", block_in_timed},
    {"semaphore", block_in_semaphore}, {"rwlock", block_in_rwlock},
    {"barrier", block_in_barrier},     {"join", block_in_join},
    {"pipe", block_in_pipe},           {"accept", block_in_accept},
    {"recv", block_in_recv},           {"poll", block_in_poll},
    {"epoll", block_in_epoll},         {"sleep", block_in_sleep},
    {"sigwait", block_in_sigwait},     {"semop", block_in_semop},
};
enum { N_WAYS = sizeof ways / sizeof *ways };

static void *run(void *argument)
{
    const struct way *way = argument;
    (void) pthread_setname_np(pthread_self(), way->name);
    way->block();
    atomic_store(&returned, 1);
    return NULL;
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

int main(void)
{
    sigset_t blocked;
    char byte = '.';

    (void) sigemptyset(&blocked);
    (void) sigaddset(&blocked, SIGUSR1);
    (void) pthread_sigmask(SIG_BLOCK, &blocked, NULL);
    open_sockets();
    (void) pthread_barrier_init(&barrier, NULL, 2);
    (void) sem_init(&semaphore, 0, 0);
    (void) pthread_rwlock_wrlock(&rwlock);
    epoll_fd = epoll_create1(0);
    sem_set = semget(IPC_PRIVATE, 1, 0600);
    if (pipe(pipe_fds) || sem_set < 0)
        return 1;
    for (int i = 0; i < N_WAYS; i++) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, run, (void *) &ways[i]))
            return 1;
        if (i == 0) {
            holder = thread;
            while (!atomic_load(&holding))
                (void) sched_yield();
        }
    }
    if (write(STDOUT_FILENO, &byte, 1) != 1)
        return 1;
    while (read(STDIN_FILENO, &byte, 1) > 0)
        continue;
    int status = atomic_load(&returned);
    (void) semctl(sem_set, 0, IPC_RMID);
    _exit(status);
}
