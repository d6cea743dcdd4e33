/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unloaded KEPT DELETED CLOSED REPLACEMENT: threads whose stacks lead through libraries
 * that are no longer what they were.  The four are copies of unloaded_library.c, the last
 * built with another frame.
 *
 *     kept      through KEPT, which nothing happens to
 *     deleted   through DELETED, whose file is then removed
 *     closed    through CLOSED, which is then closed: its code is no longer mapped
 *     replaced  through REPLACEMENT, opened after CLOSED was closed
 *
 * From the outside: clone3, start_thread, run, call_through_library, wait_for_ever.  The main
 * thread reads standard input and ends the process when that is closed.  One byte on
 * standard output says that all of it has happened.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

typedef int call_through(void (*function)(void));

struct job {
    const char *name;
    call_through *call;
};

static sem_t never;
static atomic_int n_waiting;

static void wait_for_ever(void)
{
    atomic_fetch_add(&n_waiting, 1);
    for (;;)
        (void) sem_wait(&never);
}

static void *run(void *argument)
{
    struct job *job = argument;
    volatile int result;
    (void) pthread_setname_np(pthread_self(), job->name);
    result = job->call(wait_for_ever);
    (void) result;
    return NULL;
}

/* @return the library's handle; a thread waits inside it */
static void *start(struct job *job, const char *path)
{
    pthread_t thread;
    int before = atomic_load(&n_waiting);
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    void *symbol = library ? dlsym(library, "call_through_library") : NULL;

    if (!symbol) {
        (void) fprintf(stderr, "unloaded: %s\n", dlerror());
        exit(1);
    }
    memcpy(&job->call, &symbol, sizeof symbol);
    if (pthread_create(&thread, NULL, run, job))
        exit(1);
    while (atomic_load(&n_waiting) == before)
        (void) usleep(1000);
    return library;
}

int main(int argc, char **argv)
{
    static struct job jobs[] = {
        {.name = "kept"}, {.name = "deleted"}, {.name = "closed"}, {.name = "replaced"}};
    char byte = '.';

    (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (argc != 5)
        return 2;
    (void) start(&jobs[0], argv[1]);
    (void) start(&jobs[1], argv[2]);
    (void) unlink(argv[2]);
    (void) dlclose(start(&jobs[2], argv[3]));
    (void) start(&jobs[3], argv[4]);
    if (write(STDOUT_FILENO, &byte, 1) != 1)
        return 1;
    while (read(STDIN_FILENO, &byte, 1) > 0)
        continue;
    _exit(0);
}
