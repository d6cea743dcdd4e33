/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wait_graph KIND[:OWNER]...: one thread for each argument, named t0, t1 and so on, that waits in
 * this way for the thread with that number; all hold what others wait for before one of them
 * waits.
 *
 *     normal recursive errorcheck adaptive robust inherit shared c11    a mutex of this kind
 *     timed    a mutex, with a time-out in the far future
 *     glib     a GMutex, where the program is linked with GLib
 *     read write    a read-write lock that the owner has for writing
 *     readers    to write what the owner has for reading
 *     join     the end of the owner
 *     left     a mutex whose owner has ended
 *     none     nobody: it pauses
 *
 * The main thread reads standard input and ends the process when that is closed.
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_THREADS 4096
#define STACK_SIZE  (64 * 1024)
#define MTX_PLAIN   0

int mtx_init(void *mutex, int type); /* of <threads.h> */
int mtx_lock(void *mutex);
__attribute__((weak)) void g_mutex_lock(void *mutex); /* of zeros at first */

enum kind {
    KIND_NORMAL,
    KIND_RECURSIVE,
    KIND_ERRORCHECK,
    KIND_ADAPTIVE,
    KIND_ROBUST,
    KIND_INHERIT,
    KIND_SHARED,
    KIND_C11,
    KIND_TIMED,
    KIND_LEFT,
    KIND_GLIB,
    N_MUTEXES,
    KIND_READ = N_MUTEXES,
    KIND_WRITE,
    KIND_READERS,
    KIND_JOIN,
    KIND_NONE,
    N_KINDS
};

static const char *const names[N_KINDS] = {
    [KIND_NORMAL] = "normal",
    [KIND_RECURSIVE] = "recursive",
    [KIND_ERRORCHECK] = "errorcheck",
    [KIND_ADAPTIVE] = "adaptive",
    [KIND_ROBUST] = "robust",
    [KIND_INHERIT] = "inherit",
    [KIND_SHARED] = "shared",
    [KIND_C11] = "c11",
    [KIND_TIMED] = "timed",
    [KIND_LEFT] = "left",
    [KIND_GLIB] = "glib",
    [KIND_READ] = "read",
    [KIND_WRITE] = "write",
    [KIND_READERS] = "readers",
    [KIND_JOIN] = "join",
    [KIND_NONE] = "none",
};

struct node {
    pthread_t thread;
    enum kind kind;
    size_t owner;
    pthread_mutex_t mutexes[N_MUTEXES]; /* that others wait for, and */
    pthread_rwlock_t rwlock, shared;
    unsigned held; /* kinds of those, as bits */
};

static struct node *nodes;
static size_t n_nodes;
static atomic_size_t n_holding;

static void init_mutex(pthread_mutex_t *mutex, enum kind kind)
{
    static const int types[N_MUTEXES] = {
        [KIND_RECURSIVE] = PTHREAD_MUTEX_RECURSIVE,
        [KIND_ERRORCHECK] = PTHREAD_MUTEX_ERRORCHECK,
        [KIND_ADAPTIVE] = PTHREAD_MUTEX_ADAPTIVE_NP,
    };
    pthread_mutexattr_t attributes;

    if (kind == KIND_GLIB)
        return;
    if (kind == KIND_C11) {
        (void) mtx_init(mutex, MTX_PLAIN);
        return;
    }
    (void) pthread_mutexattr_init(&attributes);
    (void) pthread_mutexattr_settype(&attributes, types[kind]);
    if (kind == KIND_ROBUST)
        (void) pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    if (kind == KIND_INHERIT)
        (void) pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT);
    if (kind == KIND_SHARED)
        (void) pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    (void) pthread_mutex_init(mutex, &attributes);
}

static void *leave_locked(void *mutex)
{
    (void) pthread_mutex_lock(mutex);
    return NULL;
}

static void lock_mutex(pthread_mutex_t *mutex, enum kind kind)
{
    if (kind == KIND_GLIB)
        g_mutex_lock(mutex);
    else
        (void) (kind == KIND_C11 ? mtx_lock(mutex) : pthread_mutex_lock(mutex));
}

static void hold(struct node *node)
{
    for (enum kind kind = 0; kind < N_MUTEXES; kind++)
        if (node->held & 1U << kind)
            lock_mutex(&node->mutexes[kind], kind);
    if (node->held & 1U << KIND_READERS)
        (void) pthread_rwlock_rdlock(&node->shared);
    if (node->held & (1U << KIND_READ | 1U << KIND_WRITE))
        (void) pthread_rwlock_wrlock(&node->rwlock);
}

static void wait_for(struct node *node)
{
    const struct timespec end = {.tv_sec = INT32_MAX};
    struct node *owner = &nodes[node->owner];

    switch (node->kind) {
    case KIND_NONE:
        break;
    case KIND_JOIN:
        (void) pthread_join(owner->thread, NULL);
        break;
    case KIND_READ:
        (void) pthread_rwlock_rdlock(&owner->rwlock);
        break;
    case KIND_WRITE:
        (void) pthread_rwlock_wrlock(&owner->rwlock);
        break;
    case KIND_READERS:
        (void) pthread_rwlock_wrlock(&owner->shared);
        break;
    case KIND_TIMED:
        (void) pthread_mutex_timedlock(&owner->mutexes[KIND_TIMED], &end);
        break;
    default:
        lock_mutex(&owner->mutexes[node->kind], node->kind);
    }
}

static void *run(void *argument)
{
    struct node *node = argument;
    char name[16];
    /* As a guard that gives them back has them: these locks keep no owner. */
    void *volatile guarded[] = {&node->mutexes[KIND_GLIB], &node->shared};

    (void) guarded;
    (void) snprintf(name, sizeof name, "t%zu", (size_t) (node - nodes));
    (void) pthread_setname_np(pthread_self(), name);
    hold(node);
    (void) atomic_fetch_add(&n_holding, 1);
    while (atomic_load(&n_holding) <= n_nodes) /* until the main thread says so */
        (void) usleep(1000);
    wait_for(node);
    for (;;)
        (void) pause();
    return NULL;
}

static int read_node(const char *text, size_t at)
{
    struct node *node = &nodes[at];
    const char *colon = strchr(text, ':');
    size_t length = colon ? (size_t) (colon - text) : strlen(text);
    enum kind kind = 0;

    while (kind < N_KINDS &&
           (strlen(names[kind]) != length || strncmp(names[kind], text, length) != 0))
        kind++;
    node->kind = kind;
    node->owner = colon ? strtoul(colon + 1, NULL, 10) : at;
    if (kind == N_KINDS || node->owner >= n_nodes || (kind == KIND_GLIB && !g_mutex_lock))
        return 0;
    if (kind == KIND_LEFT)
        node->owner = at;
    else if (kind < KIND_JOIN)
        nodes[node->owner].held |= 1U << kind;
    return 1;
}

int main(int argc, char **argv)
{
    pthread_attr_t attributes;
    pthread_t leaver;
    char byte = '.';

    n_nodes = (size_t) argc - 1;
    nodes = calloc(n_nodes + 1, sizeof *nodes);
    if (!nodes || n_nodes > MAX_THREADS)
        return 2;
    for (size_t i = 0; i < n_nodes; i++) {
        for (enum kind kind = 0; kind < N_MUTEXES; kind++)
            init_mutex(&nodes[i].mutexes[kind], kind);
        (void) pthread_rwlock_init(&nodes[i].rwlock, NULL);
        (void) pthread_rwlock_init(&nodes[i].shared, NULL);
        if (!read_node(argv[i + 1], i))
            return 2;
    }
    for (size_t i = 0; i < n_nodes; i++)
        if (nodes[i].kind == KIND_LEFT &&
            (pthread_create(&leaver, NULL, leave_locked, &nodes[i].mutexes[KIND_LEFT]) ||
             pthread_join(leaver, NULL)))
            return 1;
    (void) pthread_attr_init(&attributes);
    (void) pthread_attr_setstacksize(&attributes, STACK_SIZE);
    for (size_t i = 0; i < n_nodes; i++)
        if (pthread_create(&nodes[i].thread, &attributes, run, &nodes[i]))
            return 1;
    while (atomic_load(&n_holding) < n_nodes)
        (void) usleep(1000);
    (void) atomic_fetch_add(&n_holding, 1);
    if (write(STDOUT_FILENO, &byte, 1) != 1)
        return 1;
    while (read(STDIN_FILENO, &byte, 1) > 0)
        continue;
    _exit(0);
}
