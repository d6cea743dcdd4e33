/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replaces MILLISECONDS: a program with three threads that pause, which begins itself anew each
 * time that so much time has passed, until its parent dies or it gets SIGKILL.
 */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

static void *rest(void *argument)
{
    for (;;)
        (void) pause();
    return argument;
}

int main(int argc, char **argv)
{
    pthread_t thread;

    (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (int i = 0; i < 3; i++)
        if (pthread_create(&thread, NULL, rest, NULL))
            return 1;
    if (argc < 2 || write(STDOUT_FILENO, ".", 1) != 1)
        return 1;
    (void) usleep((useconds_t) strtoul(argv[1], NULL, 10) * 1000);
    (void) execv("/proc/self/exe", argv);
    return 1;
}
