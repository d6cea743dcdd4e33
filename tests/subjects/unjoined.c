/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unjoined: three threads that ended in `forgotten` and were never joined, one that
 * ended and was joined (`joined`), one detached (`detached`), one that lives (`alive`).
 *
 * The main thread reads standard input and ends the process when that is closed.
 */
#include <dirent.h>
#include <pthread.h>
#include <semaphore.h>
#include <unistd.h>

static sem_t never;

static void *forgotten(void *argument)
{
    return argument;
}

static void *joined(void *argument)
{
    return (char *) argument + 1;
}

static void *detached(void *argument)
{
    return (char *) argument + 2;
}

static void *alive(void *argument)
{
    while (sem_wait(&never))
        continue;
    return (char *) argument + 3;
}

static int count_threads(void)
{
    DIR *directory = opendir("/proc/self/task");
    int n = -2; /* "." and ".." */
    while (directory && readdir(directory))
        n++;
    if (directory)
        (void) closedir(directory);
    return n;
}

int main(void)
{
    pthread_t thread;
    char byte = '.';

    (void) sem_init(&never, 0, 0);
    for (int i = 0; i < 3; i++)
        if (pthread_create(&thread, NULL, forgotten, NULL))
            return 1;
    if (pthread_create(&thread, NULL, joined, NULL) || pthread_join(thread, NULL) ||
        pthread_create(&thread, NULL, detached, NULL) || pthread_detach(thread) ||
        pthread_create(&thread, NULL, alive, NULL))
        return 1;
    while (count_threads() != 2)
        (void) usleep(1000);
    if (write(STDOUT_FILENO, &byte, 1) != 1)
        return 1;
    while (read(STDIN_FILENO, &byte, 1) > 0)
        continue;
    _exit(0);
}
