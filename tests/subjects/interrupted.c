/* SPDX-License-Identifier: Apache-2.0 */
/*
 * interrupted: one thread for each way to wait with a time-out that the kernel restarts when
 * the process was stopped meanwhile, named after it; each of them waits for an hour.
 *
 *     poll       poll of an empty pipe        sleep      nanosleep
 *     condition  pthread_cond_timedwait       semaphore  sem_timedwait
 *     mutex      pthread_mutex_timedlock of a mutex that the main thread holds
 *     raw        futex, by the function `syscall`, so that its code does not tell the number
 *
 * and one, `frame`, on a futex without a time-out in a function whose frame only rbp tells.
 * The main thread reads standard input and ends the process when that is closed.
 */
#include <alloca.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define HOUR_S 3600

static pthread_mutex_t held = PTHREAD_MUTEX_INITIALIZER;
static volatile size_t room_size = 40;

static struct timespec in_an_hour(void)
{
    struct timespec end;
    (void) clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += HOUR_S;
    return end;
}

static void block_in_poll(void)
{
    int fds[2] = {-1, -1};
    (void) !pipe(fds);
    struct pollfd polled = {.fd = fds[0], .events = POLLIN};
    (void) poll(&polled, 1, HOUR_S * 1000);
}

static void block_in_sleep(void)
{
    const struct timespec hour = {.tv_sec = HOUR_S};
    (void) nanosleep(&hour, NULL);
}

static void block_in_condition(void)
{
    static pthread_mutex_t own = PTHREAD_MUTEX_INITIALIZER;
    static pthread_cond_t never = PTHREAD_COND_INITIALIZER;
    struct timespec end = in_an_hour();
    (void) pthread_mutex_lock(&own);
    (void) pthread_cond_timedwait(&never, &own, &end);
}

static void block_in_semaphore(void)
{
    static sem_t never;
    struct timespec end = in_an_hour();
    (void) sem_timedwait(&never, &end);
}

static void block_in_mutex(void)
{
    struct timespec end = in_an_hour();
    (void) pthread_mutex_timedlock(&held, &end);
}

static void block_in_raw(void)
{
    static int word;
    const struct timespec hour = {.tv_sec = HOUR_S};
    (void) syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, &hour, NULL, 0);
}

static void block_in_frame(void)
{
    static int word;
    char *room = alloca(room_size);
    room[0] = 1;
    __asm__ volatile("" ::"r"(room) : "memory");
    for (;;)
        (void) syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
}

static const struct way {
    const char *name;
    void (*block)(void);
} ways[] = {
    {"poll", block_in_poll},           {"sleep", block_in_sleep}, {"condition", block_in_condition},
    {"semaphore", block_in_semaphore}, {"mutex", block_in_mutex}, {"raw", block_in_raw},
    {"frame", block_in_frame},
};
enum { N_WAYS = sizeof ways / sizeof *ways };

static void *run(void *argument)
{
    const struct way *way = argument;
    (void) pthread_setname_np(pthread_self(), way->name);
    way->block();
    return NULL;
}

int main(void)
{
    char byte = '.';

    (void) pthread_mutex_lock(&held);
    for (int i = 0; i < N_WAYS; i++) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, run, (void *) &ways[i]))
            return 1;
    }
    if (write(STDOUT_FILENO, &byte, 1) != 1)
        return 1;
    while (read(STDIN_FILENO, &byte, 1) > 0)
        continue;
    _exit(0);
}
