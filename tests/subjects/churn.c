/* SPDX-License-Identifier: Apache-2.0 */
/*
 * churn MAKERS: threads named `maker` that make a thread, wait for its end, and make the next.
 *
 * Stacks, from the outside: clone3, start_thread, make, then pthread_join or pthread_create; and
 * clone3, start_thread, live_briefly, nanosleep.  The main thread reads standard input and ends
 * the process when that is closed.  One byte on standard output says that all makers run.
 */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

static atomic_int n_made;

static void *live_briefly(void *argument)
{
    const struct timespec moment = {.tv_nsec = 50000};
    (void) nanosleep(&moment, NULL);
    return argument;
}

static void *make(void *argument)
{
    pthread_t thread;

    (void) pthread_setname_np(pthread_self(), "maker");
    while (!pthread_create(&thread, NULL, live_briefly, NULL) && !pthread_join(thread, NULL))
        atomic_fetch_add(&n_made, 1);
    return argument;
}

int main(int argc, char **argv)
{
    int n = argc > 1 ? atoi(argv[1]) : 1;
    pthread_t thread;
    char byte = '.';

    (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (int i = 0; i < n; i++)
        if (pthread_create(&thread, NULL, make, NULL))
            return 1;
    while (atomic_load(&n_made) < n)
        (void) usleep(1000);
    if (write(STDOUT_FILENO, &byte, 1) != 1)
        return 1;
    while (read(STDIN_FILENO, &byte, 1) > 0)
        continue;
    _exit(0);
}
