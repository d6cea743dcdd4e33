/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vfork_parent: a thread that sleeps uninterruptibly, because its vforked child lives.
 *
 * Thread `vfork`, from the inside: vfork, wait_for_child, parent, start_thread, clone3.  A
 * debugger can not stop it.  The main thread reads standard input and ends the process,
 * and with it the child, when that is closed.  One byte on standard output says that the
 * child was made.
 */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/prctl.h>
#include <unistd.h>

static atomic_int child_lives;
static volatile int ended; /* never set; without it the compiler sees that nothing returns */

static __attribute__((noinline)) int wait_for_child(void)
{
    pid_t child = vfork();
    if (child == 0) {
        (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
        atomic_store(&child_lives, 1);
        while (!ended)
            (void) pause();
        _exit(0);
    }
    return child;
}

static void *parent(void *argument)
{
    volatile int child;
    (void) pthread_setname_np(pthread_self(), "vfork");
    child = wait_for_child();
    (void) child;
    return argument;
}

int main(void)
{
    pthread_t thread;
    char byte = '.';

    if (pthread_create(&thread, NULL, parent, NULL))
        return 1;
    while (!atomic_load(&child_lives))
        (void) usleep(1000);
    if (write(STDOUT_FILENO, &byte, 1) != 1)
        return 1;
    while (read(STDIN_FILENO, &byte, 1) > 0)
        continue;
    _exit(0);
}
