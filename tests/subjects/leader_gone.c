/* SPDX-License-Identifier: Apache-2.0 */
/*
 * leader_gone: the main thread has ended, the process lives on.
 *
 * One thread named `survivor`, in read() of standard input under `survive`; it ends
 * the process when that is closed.  It writes one byte once the leader is a zombie.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static char leader_state(void)
{
    char path[64], text[512] = "";
    (void) snprintf(path, sizeof path, "/proc/self/task/%d/stat", (int) getpid());
    int fd = open(path, O_RDONLY);
    if (fd < 0 || read(fd, text, sizeof text - 1) <= 0)
        return '?';
    (void) close(fd);
    const char *state = strrchr(text, ')');
    return state ? state[2] : '?';
}

static void *survive(void *argument)
{
    char byte = '.';
    (void) argument;
    (void) pthread_setname_np(pthread_self(), "survivor");
    while (leader_state() != 'Z')
        (void) usleep(1000);
    if (write(STDOUT_FILENO, &byte, 1) != 1)
        _exit(1);
    while (read(STDIN_FILENO, &byte, 1) > 0)
        continue;
    _exit(0);
}

int main(void)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, survive, NULL))
        return 1;
    pthread_exit(NULL);
}
