/* SPDX-License-Identifier: Apache-2.0 */
/*
 * matrix [leader-gone]: one thread for each shape of stack, named after it.
 *
 *     calls.c    blocked in system calls, through recursion
 *     code.c     code that is hard to unwind: alloca, tail calls, no unwind table ...
 *     signals.c  blocked inside signal handlers
 *
 * Every stack ends, from the outside, with clone3, start_thread, run, level.  One byte on
 * standard output says that all threads were started; they are where they stay soon
 * after.  The main thread, or with `leader-gone` a thread named `input` while the main
 * thread has exited, reads standard input and ends the process when that is closed.
 */
#include "matrix.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

static atomic_int n_entered;
static int never[2]; /* a pipe into which nothing is written */

void matrix_entered(void)
{
    atomic_fetch_add(&n_entered, 1);
}

NOINLINE void matrix_block(void)
{
    char byte;
    if (read(never[0], &byte, 1) >= 0)
        abort();
}

static NOINLINE int level(const struct shape *shape, unsigned depth)
{
    volatile int result = 0;
    if (depth)
        result = level(shape, depth - 1);
    else
        shape->block();
    return result + 1;
}

static void *run(void *argument)
{
    const struct shape *shape = argument;
    volatile int result;
    (void) pthread_setname_np(pthread_self(), shape->name);
    result = level(shape, shape->depth);
    (void) result;
    return NULL;
}

/* One start may find its thread before it waits where the signal is to meet it: once more. */
static void start(const struct shape *shape)
{
    pthread_t thread;
    int before = atomic_load(&n_entered);

    if (pthread_create(&thread, NULL, run, (void *) shape)) {
        perror("pthread_create");
        exit(1);
    }
    if (!shape->signal)
        return;
    (void) usleep(20000);
    (void) pthread_kill(thread, shape->signal);
    while (atomic_load(&n_entered) == before)
        (void) usleep(1000);
}

static void start_all(const struct shape *shapes)
{
    for (; shapes->name; shapes++)
        start(shapes);
}

static void *read_input(void *argument)
{
    char byte = '.';
    (void) argument;
    if (write(STDOUT_FILENO, &byte, 1) != 1)
        _exit(1);
    while (read(STDIN_FILENO, &byte, 1) > 0 || errno == EINTR)
        errno = 0;
    _exit(0);
}

int main(int argc, char **argv)
{
    pthread_t input;

    (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (pipe(never))
        return 1;
    matrix_open_calls();
    matrix_open_signals();
    start_all(call_shapes);
    start_all(code_shapes);
    start_all(signal_shapes);
    if (argc < 2 || strcmp(argv[1], "leader-gone") != 0)
        (void) read_input(NULL);
    if (pthread_create(&input, NULL, read_input, NULL))
        return 1;
    pthread_exit(NULL);
}
