/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flicker THREADS: threads that never stay where they are.
 *
 * Each sleeps for some microseconds at the end of one of two call chains, again and again:
 *
 *     left_0   left_1   ... left_4   nanosleep
 *     right_0  right_1  ... right_4  nanosleep
 *
 * The frames of both have the same sizes, so that a stack copied while the thread went
 * from one to the other would unwind well and show functions of both: a stack that never
 * was.  It says so when all have begun: the stack of one that has not is that of its birth, in
 * which neither chain shows.  The main thread reads standard input and ends the process when that
 * is closed.
 */
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

static sem_t started;
static volatile int ended; /* never set; without it the compiler sees that nothing returns */

#define NOINLINE __attribute__((noinline))

static void nap(unsigned microseconds)
{
    const struct timespec time = {.tv_nsec = microseconds * 1000L};
    (void) nanosleep(&time, NULL);
}

#define CHAIN(side)                                                                                \
    static NOINLINE int side##_4(unsigned us)                                                      \
    {                                                                                              \
        nap(us);                                                                                   \
        return ended;                                                                              \
    }                                                                                              \
    static NOINLINE int side##_3(unsigned us)                                                      \
    {                                                                                              \
        return side##_4(us) + ended;                                                               \
    }                                                                                              \
    static NOINLINE int side##_2(unsigned us)                                                      \
    {                                                                                              \
        return side##_3(us) + ended;                                                               \
    }                                                                                              \
    static NOINLINE int side##_1(unsigned us)                                                      \
    {                                                                                              \
        return side##_2(us) + ended;                                                               \
    }                                                                                              \
    static NOINLINE int side##_0(unsigned us)                                                      \
    {                                                                                              \
        return side##_1(us) + ended;                                                               \
    }
CHAIN(left)
CHAIN(right)

static void *run(void *argument)
{
    unsigned number = (unsigned) (unsigned long) argument;
    volatile int result = 0;

    (void) sem_post(&started);
    while (!ended) {
        result += left_0(50 + number % 7 * 30);
        result += right_0(50 + number % 5 * 40);
    }
    (void) result;
    return NULL;
}

int main(int argc, char **argv)
{
    unsigned long n = argc > 1 ? strtoul(argv[1], NULL, 10) : 1;
    char byte = '.';

    (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (sem_init(&started, 0, 0))
        return 1;
    for (unsigned long i = 0; i < n; i++) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, run, (void *) i) || sem_wait(&started))
            return 1;
    }
    if (write(STDOUT_FILENO, &byte, 1) != 1)
        return 1;
    while (read(STDIN_FILENO, &byte, 1) > 0)
        continue;
    _exit(0);
}
