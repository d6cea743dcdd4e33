/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spinner [N]: N threads (1) named `spin` that never leave their CPU by themselves, and one
 * named `clock` that spends its time in the vDSO, reading the clock.
 *
 * Stacks: spin or read_clock, start_thread, clone3; clock_gettime and functions of
 * the vDSO may be further in.  The main thread reads standard input and ends the
 * process when that is closed; it writes one byte when the threads run.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static atomic_int running;

static void *spin(void *argument)
{
    (void) argument;
    (void) pthread_setname_np(pthread_self(), "spin");
    atomic_fetch_add(&running, 1);
    for (volatile unsigned long i = 0;; i++)
        continue;
    return NULL;
}

static void *read_clock(void *argument)
{
    struct timespec now;
    (void) argument;
    (void) pthread_setname_np(pthread_self(), "clock");
    atomic_fetch_add(&running, 1);
    for (;;)
        (void) clock_gettime(CLOCK_MONOTONIC, &now);
    return NULL;
}

int main(int argc, char **argv)
{
    int n = argc > 1 ? atoi(argv[1]) : 1;
    pthread_t thread;
    char byte = '.';

    for (int i = 0; i < n; i++)
        if (pthread_create(&thread, NULL, spin, NULL))
            return 1;
    if (pthread_create(&thread, NULL, read_clock, NULL))
        return 1;
    while (atomic_load(&running) < n + 1)
        (void) usleep(1000);
    if (write(STDOUT_FILENO, &byte, 1) != 1)
        return 1;
    while (read(STDIN_FILENO, &byte, 1) > 0)
        continue;
    _exit(0);
}
