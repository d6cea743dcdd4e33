/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which primitive of the C library a thread waits at when it blocks in the call futex.
 *
 * A program may name its own functions like those of the library, so a name counts only
 * where the library's own code made the call: in all frames from the innermost to the named
 * one.  In a static program that code has no module of its own; there the call has to look
 * as the library makes it, too.  What is not proven is a futex.
 */
#ifndef SL_SNAPSHOT_WAIT_FUTEX_H
#define SL_SNAPSHOT_WAIT_FUTEX_H

#include "harness/model/snapshot.h"
#include "harness/snapshot/target/maps.h"
#include "harness/snapshot/target/reader.h"
#include "harness/snapshot/target/target.h"

/* Head of glibc's pthread_mutex_t on x86-64. */
struct sl_mutex_head {
    int32_t lock; /* 0 free, 1 taken, 2 taken and waited for; a tid when it is inherited */
    uint32_t count;
    int32_t owner;
    uint32_t n_users;
    int32_t kind;
};

/* Head of its pthread_rwlock_t. */
struct sl_rwlock_head {
    uint32_t readers; /* their number, above three bits */
    uint32_t words[5];
    int32_t writer; /* 0 before it is taken and while it is given back */
    int32_t shared; /* in memory of several processes */
};

struct sl_futex {
    enum sl_wait_kind kind;
    uint64_t object; /* address of the primitive */
    pid_t owner;     /* who holds the mutex or is joined, as the program itself names it; or 0 */
    bool by_owner;   /* no mutex at all unless that is a thread of the process */
};

/* Is this module glibc, or what held its threads before version 2.34? */
bool sl_futex_is_library(const char *module);

/* Is a function of glibc that one?  "__GI___poll64.part.0" is poll. */
bool sl_futex_is_named(const char *name, const char *function);

/* Does the program have a C library of GNU that is a shared object? */
bool sl_futex_has_library(const struct sl_maps *maps);

/*
 * Who holds it, as the program itself names it; 0: nobody, or it is none.  Every field has to make
 * sense: the memory may be a lock that looks similar.
 *
 * @param ret_shared  that may be a thread of another process
 */
pid_t sl_futex_mutex_owner(const struct sl_mutex_head *mutex, bool *ret_shared);
/* Of a mutex whose owner inherits the priority of who waits: the kernel keeps who that is. */
bool sl_futex_inherits(const struct sl_mutex_head *mutex);
pid_t sl_futex_rwlock_writer(const struct sl_rwlock_head *lock, bool *ret_shared);

/* Do readers have the lock? */
bool sl_futex_rwlock_is_read(const struct sl_rwlock_head *lock);

/* Is the call one that takes such a mutex? */
bool sl_futex_is_inheriting(const struct sl_syscall *call);

/*
 * A mutex that inherits is refused by the kernel when waiting for it would complete a circle.  The
 * C library then waits for ever, at a word of its own stack, which has the mutex somewhere in its
 * frames: so many bytes from where the call was made.  Could the call be one of those?
 */
#define SL_REFUSED_SIZE (64 * sizeof(uint64_t))
bool sl_futex_may_be_refused(const struct sl_syscall *call);

/* Could the call be one that takes a mutex? */
bool sl_futex_may_take_mutex(const struct sl_syscall *call);

#define SL_FUTEX_MEMO 64

/* What was found in stacks that were asked for before: many threads share one.  Of zeros at
 * first, and for one answer of sl_futex_has_library. */
struct sl_futex_memo {
    struct sl_futex_memo_entry {
        const struct sl_stack *stack;
        const void *primitive;
        size_t n_nameless;
    } entries[SL_FUTEX_MEMO];
};

/* What else is known where a call is made.  All borrowed. */
struct sl_futex_scene {
    const struct sl_stack *stack; /* frames of the thread, or NULL */
    bool has_library;             /* see above */
    const uint32_t *words;        /* the two that the first argument points to; or NULL: */
    struct sl_reader *reader;     /* to look at what a call without names is made on; or NULL */
    struct sl_futex_memo *memo;   /* or NULL */
};

/*
 * Would the words say more?  Who asks for many threads reads them together.
 *
 * @param call   in which the thread is blocked: SYS_futex
 */
bool sl_futex_wants_words(const struct sl_syscall *call, const struct sl_futex_scene *scene);

/*
 * @param call   in which the thread is blocked: SYS_futex
 * @param mutex  what the first argument points to, when it may be a mutex; or NULL
 */
struct sl_futex sl_futex_classify(const struct sl_syscall *call, const struct sl_mutex_head *mutex,
                                  const struct sl_futex_scene *scene);

#endif
