/* SPDX-License-Identifier: Apache-2.0 */
/* What the kinds of planted.c share: objects to wait on, threads that wait, and their fates. */
#ifndef SL_PLANTED_H
#define SL_PLANTED_H

#include <pthread.h>
#include <semaphore.h>
#include <stddef.h>
#include <stdint.h>

#define N_EACH        10 /* threads of a kind that go the same way */
#define DO_NOT_INLINE __attribute__((noinline))

/* What is true of a thread, whatever a proof finds. */
enum fate {
    FATE_DEAD,
    FATE_CANCELLABLE, /* dead but for somebody who may cancel it */
    FATE_ALIVE        /* nobody may say that it is dead */
};

enum way {
    WAY_CONDITION,
    WAY_SEMAPHORE,
    WAY_FUTEX,
    WAY_BARRIER,
    WAY_TWO_LOCKS,
    WAY_MUTEX, /* these three are held by a thread that has ended */
    WAY_READ,
    WAY_WRITE,
    WAY_TIMED_CONDITION,
    WAY_TIMED_SEMAPHORE
};

struct object {
    enum way way;
    int go;
    struct object *volatile next;
    pthread_mutex_t mutex;
    pthread_cond_t condition;
    sem_t semaphore;
    pthread_rwlock_t rwlock;
    pthread_barrier_t barrier;
    unsigned char filler[7]; /* so that no pointer to its end lies inside of a larger chunk */
};

/* A kind is planted, then its pointers are placed; wake finds them there. */
struct kind {
    const char *name;
    void (*plant)(void);
    void (*place)(void);
    void (*hold)(void); /* NULL: until standard input is closed */
    void (*wake)(void);
};

/* Each table ends with a kind that has no name, the list of them with NULL. */
extern const struct kind *const kind_tables[];
extern const struct kind live_kinds[], kept_kinds[], kernel_kinds[];

struct object *object_new(enum way way);
void object_init(struct object *object, enum way way);
void object_wait(struct object *object);
void object_wake(struct object *object); /* every one that waits */

/* A thread that calls run with the object, of which nothing else here keeps a pointer. */
pthread_t plant(enum fate fate, void (*run)(struct object *), struct object *object);
void plant_waiters(enum fate fate, struct object *object, int n_waiters);

/* A pointer that no marker can see, to the object that live threads of this kind wait on. */
#define MASK 0x5a5a5a5a5a5a5a5aUL
extern __attribute__((visibility("hidden"))) volatile uintptr_t hidden;
void hide(struct object *object);
struct object *reveal(void);
void plant_hidden(void); /* N_EACH live threads that wait on it */
void wake_hidden(void);

void await_end(void); /* until standard input is closed */
void *library_symbol(const char *name);

#endif
