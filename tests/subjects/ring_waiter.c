/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ring_waiter: a thread named `ring` that waits for a completion of an io_uring which never
 * comes.  The ring is polled by a thread of the kernel, which shows among those of the process.
 *
 * Thread `ring`, from the inside: syscall, wait_for_completion, start_thread, clone3.  The main
 * thread reads standard input and ends the process when that is closed.  One byte on standard
 * output: '.' when the ring was made, '-' when the kernel refused it.
 */
#include <linux/io_uring.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static volatile int ended; /* never set */

static void *wait_for_completion(void *argument)
{
    int ring = *(int *) argument;
    (void) pthread_setname_np(pthread_self(), "ring");
    while (!ended)
        (void) syscall(SYS_io_uring_enter, ring, 0, 1, IORING_ENTER_GETEVENTS, NULL, 0);
    return NULL;
}

int main(void)
{
    struct io_uring_params params = {.flags = IORING_SETUP_SQPOLL, .sq_thread_idle = 10};
    static int ring;
    pthread_t thread;
    char byte = '.';

    (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
    ring = (int) syscall(SYS_io_uring_setup, 4, &params);
    if (ring < 0)
        byte = '-';
    else if (pthread_create(&thread, NULL, wait_for_completion, &ring))
        return 1;
    if (write(STDOUT_FILENO, &byte, 1) != 1)
        return 1;
    while (read(STDIN_FILENO, &byte, 1) > 0)
        continue;
    _exit(0);
}
