/* SPDX-License-Identifier: Apache-2.0 */
/* Kinds whose threads nothing alive can ever wake, some beside live ones of the same code. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "planted.h"

#define N_POOLS     5
#define N_FORGOTTEN 2
#define BIG         100000  /* a chunk of the heap */
#define HUGE        1000000 /* a mapping of its own */
#define ALIGNMENT   65536
#define N_STALE     1000

/* each thread on an object of its own */

static void plant_each(enum way way)
{
    for (int i = 0; i < N_EACH; i++)
        (void) plant(FATE_DEAD, object_wait, object_new(way));
}

static void plant_condition(void)
{
    plant_each(WAY_CONDITION);
}
static void plant_semaphore(void)
{
    plant_each(WAY_SEMAPHORE);
}
static void plant_futex(void)
{
    plant_each(WAY_FUTEX);
}
static void plant_barrier(void)
{
    plant_each(WAY_BARRIER);
}
static void plant_mutex(void)
{
    plant_each(WAY_MUTEX);
}
static void plant_read(void)
{
    plant_each(WAY_READ);
}
static void plant_write(void)
{
    plant_each(WAY_WRITE);
}

/* Everybody can reach them, and nobody can ever release them. */
static void plant_static_mutex(void)
{
    static struct object held[N_EACH];
    for (int i = 0; i < N_EACH; i++) {
        object_init(&held[i], WAY_MUTEX);
        (void) plant(FATE_DEAD, object_wait, &held[i]);
    }
}

/* several on one object, reached through others that are forgotten as well */

static struct object *volatile open_pools[N_POOLS];

static void plant_pools(void)
{
    for (int i = 0; i < N_POOLS; i++) {
        open_pools[i] = object_new(WAY_CONDITION);
        plant_waiters(i < N_FORGOTTEN ? FATE_DEAD : FATE_ALIVE, open_pools[i], N_EACH);
    }
    for (int i = 0; i < N_FORGOTTEN; i++)
        open_pools[i] = NULL;
}

static void wake_pools(void)
{
    for (int i = N_FORGOTTEN; i < N_POOLS; i++)
        object_wake(open_pools[i]);
}

static void plant_list(void)
{
    struct object *first = NULL;
    for (int i = 0; i < N_EACH; i++) {
        struct object *object = object_new(WAY_CONDITION);
        object->next = first;
        first = object;
    }
    for (struct object *object = first; object; object = object->next)
        (void) plant(FATE_DEAD, object_wait, object);
}

/* The list of them was freed, and still lies there. */
static void plant_freed_list(void)
{
    struct object *volatile *stale = calloc(N_STALE, sizeof *stale);
    for (int i = 0; stale && i < N_EACH; i++) {
        stale[N_STALE / 2 + i] = object_new(WAY_CONDITION);
        (void) plant(FATE_DEAD, object_wait, stale[N_STALE / 2 + i]);
    }
    free((void *) stale);
}

/* A thread that waits on one object and could wake the other. */
static void wait_and_keep(struct object *object)
{
    struct object *volatile kept = object->next;
    object->next = NULL;
    object_wait(object);
    object_wake(kept);
}

static void plant_cycle(void)
{
    for (int i = 0; i < N_EACH / 2; i++) {
        struct object *left = object_new(WAY_CONDITION), *right = object_new(WAY_SEMAPHORE);
        left->next = right;
        right->next = left;
        (void) plant(FATE_DEAD, wait_and_keep, left);
        (void) plant(FATE_DEAD, wait_and_keep, right);
    }
}

static void plant_chain(void)
{
    struct object *object = object_new(WAY_CONDITION);
    for (int i = 0; i < N_EACH; i++) {
        struct object *next = object_new(WAY_CONDITION);
        object->next = next;
        (void) plant(FATE_DEAD, wait_and_keep, object);
        object = next;
    }
}

/* joins */

static pthread_t joined;

static void join(struct object *unused)
{
    (void) unused;
    (void) pthread_join(joined, NULL);
}

static void plant_joiner(void)
{
    joined = plant(FATE_DEAD, object_wait, object_new(WAY_CONDITION));
    for (int i = 1; i < N_EACH; i++) {
        pthread_t joiner = plant(FATE_DEAD, join, NULL);
        (void) usleep(10000); /* until it has read whom to join */
        joined = joiner;
    }
}

/* two locks, two orders */

static void lock_two(struct object *object)
{
    struct object *other = object->next;
    pthread_barrier_t *both = object < other ? &object->barrier : &other->barrier;

    (void) pthread_mutex_lock(&object->mutex);
    (void) pthread_barrier_wait(both);
    (void) pthread_mutex_lock(&other->mutex);
}

static void plant_locks(struct object *left, struct object *right)
{
    object_init(left, WAY_TWO_LOCKS);
    object_init(right, WAY_TWO_LOCKS);
    left->next = right;
    right->next = left;
    (void) plant(FATE_DEAD, lock_two, left);
    (void) plant(FATE_DEAD, lock_two, right);
}

static void plant_heap_locks(void)
{
    for (int i = 0; i < N_EACH / 2; i++)
        plant_locks(object_new(WAY_TWO_LOCKS), object_new(WAY_TWO_LOCKS));
}

static void plant_static_locks(void)
{
    static struct object pairs[N_EACH / 2][2];
    for (int i = 0; i < N_EACH / 2; i++)
        plant_locks(&pairs[i][0], &pairs[i][1]);
}

/* where the allocator puts them */

static void plant_inside(void *block, size_t offset)
{
    struct object *object = (struct object *) ((char *) block + offset);
    object_init(object, WAY_CONDITION);
    (void) plant(FATE_DEAD, object_wait, object);
}

static void plant_big(void)
{
    for (int i = 0; i < N_EACH; i++)
        plant_inside(calloc(1, BIG), BIG / 2 & ~63UL);
}

static void plant_mapped(void)
{
    for (int i = 0; i < N_EACH; i++)
        plant_inside(calloc(1, HUGE), HUGE / 2 & ~63UL);
}

static void plant_mapped_aligned(void)
{
    for (int i = 0; i < N_EACH; i++)
        plant_inside(aligned_alloc(ALIGNMENT, 16UL * ALIGNMENT), ALIGNMENT);
}

/* A thread that is not the first has an arena of its own. */
static void *plant_in_arena(void *rest)
{
    sem_t *semaphore = rest;

    plant_condition();
    (void) sem_post(&semaphore[0]);
    while (sem_wait(&semaphore[1]))
        continue;
    return NULL;
}

static void plant_arena(void)
{
    static sem_t rest[2];
    pthread_t thread;

    (void) sem_init(&rest[0], 0, 0);
    (void) sem_init(&rest[1], 0, 0);
    if (pthread_create(&thread, NULL, plant_in_arena, rest))
        abort();
    while (sem_wait(&rest[0]))
        continue;
}

static void *plant_and_end(void *unused)
{
    plant_condition();
    return unused;
}

static void plant_ended_arena(void)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, plant_and_end, NULL) || pthread_join(thread, NULL))
        abort();
}

/* who could reach the threads themselves */

static pthread_t handles[N_EACH];

static void plant_handles(void)
{
    for (int i = 0; i < N_EACH; i++)
        handles[i] = plant(FATE_DEAD, object_wait, object_new(WAY_CONDITION));
}

static int *volatile numbers[N_EACH];
static _Thread_local struct object *volatile own;
static volatile int n_numbers;

/* Its errno is known to everybody, which is next to a variable of its own, and not that. */
static void wait_with_errno(struct object *object)
{
    numbers[n_numbers] = &errno;
    own = object;
    n_numbers++;
    object_wait(object);
}

static void plant_errno(void)
{
    for (int i = 0; i < N_EACH; i++) {
        (void) plant(FATE_DEAD, wait_with_errno, object_new(WAY_CONDITION));
        while (n_numbers <= i)
            (void) usleep(1000);
    }
}

static void plant_canceller(void)
{
    *(pthread_t **) library_symbol("library_cancels") = handles;
    for (int i = 0; i < N_EACH; i++)
        handles[i] = plant(FATE_CANCELLABLE, object_wait, object_new(WAY_CONDITION));
}

static const struct kind dead_kinds[] = {
    {"condition", .plant = plant_condition},
    {"semaphore", .plant = plant_semaphore},
    {"futex", .plant = plant_futex},
    {"barrier", .plant = plant_barrier},
    {"mutex, owner ended", .plant = plant_mutex},
    {"static mutex, owner ended", .plant = plant_static_mutex},
    {"rwlock, writer ended", .plant = plant_read},
    {"rwlock, reader ended", .plant = plant_write},
    {"2 of 5 pools", .plant = plant_pools, .wake = wake_pools},
    {"list", .plant = plant_list},
    {"freed list", .plant = plant_freed_list},
    {"cycle of two", .plant = plant_cycle},
    {"chain", .plant = plant_chain},
    {"joiners", .plant = plant_joiner},
    {"AB-BA, heap", .plant = plant_heap_locks},
    {"AB-BA, static", .plant = plant_static_locks},
    {"big chunk", .plant = plant_big},
    {"mapped chunk", .plant = plant_mapped},
    {"aligned mapped chunk", .plant = plant_mapped_aligned},
    {"arena", .plant = plant_arena},
    {"arena, thread ended", .plant = plant_ended_arena},
    {"handles kept", .plant = plant_handles},
    {"address of errno kept", .plant = plant_errno},
    {"canceller", .plant = plant_canceller},
    {0},
};

const struct kind *const kind_tables[] = {dead_kinds, live_kinds, kept_kinds, kernel_kinds, NULL};
