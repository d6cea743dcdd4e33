/* SPDX-License-Identifier: Apache-2.0 */
/* All threads of a process at one moment, with their registers and where their memory is. */
#ifndef SL_PROOF_THREAD_H
#define SL_PROOF_THREAD_H

#include "base/macros.h"
#include "harness/model/snapshot.h"
#include "harness/snapshot/source/source.h"
#include "harness/snapshot/target/maps.h"
#include "harness/snapshot/target/reader.h"

#define PROOF_RED_ZONE 128 /* bytes below the stack pointer that are in use */

/* glibc's struct pthread on x86-64, versions 2.34 to 2.41. */
#define PTHREAD_DTV          8
#define PTHREAD_SELF         16
#define PTHREAD_TID          720
#define PTHREAD_SPECIFIC     784 /* values of pthread_setspecific, and where more of them are */
#define PTHREAD_SPECIFIC_END 1552
#define PTHREAD_RESULT       1576
#define PTHREAD_BLOCK        1680 /* stack memory of the thread, and its size */
#define PTHREAD_END          1696 /* what is read of it */
#define PTHREAD_SIZE         2368
#define PTHREAD_ALIGNMENT    64

enum proof_wait {
    WAIT_ELSE, /* ends by itself, or by something from outside */
    WAIT_WAKE, /* until somebody who can reach the word wakes it */
    WAIT_OWNER /* until the thread that holds a mutex, or is joined, gets on */
};

struct proof_thread {
    pid_t tid;
    const struct sl_thread *seen; /* in the snapshot; NULL: it is not there */
    struct sl_sighting sighting;
    uint64_t descriptor; /* its struct pthread; 0: it has none that is understood */
    /* Its own stack, on which it is: [block, end), frames below top, and from there to the
     * descriptor variables of the thread.  No end: not known. */
    uint64_t block, top, end;

    enum proof_wait wait;
    uint64_t word;     /* the futex */
    size_t owner;      /* index of the thread it waits for; PROOF_NOBODY: it has ended */
    const char *never; /* why nothing can be said of what it waits for; or NULL */
    bool awake;        /* lives: nothing is to be proven of it, or something reaches it */
    bool blind;        /* its vector registers may hold pointers, too */
    size_t by;         /* the thread whose life is its own; PROOF_NOBODY: none */
};

#define PROOF_NOBODY SIZE_MAX

/* Of each thread, below its descriptor. */
struct proof_variables {
    uint64_t size;       /* in bytes, at most */
    uint64_t of_program; /* of them, right below the descriptor */
    bool of_others;      /* others than the program and the C library have some */
};

struct proof_threads {
    struct proof_thread *threads; /* ascending tid */
    size_t n_threads, n_listed;   /* with such as had ended */
    size_t n_ran;                 /* were seen to run, so that there is no one moment; */
    pid_t ran;                    /* the first of them */
    const struct sl_register_source *source;
    struct sl_source_context context;
    uint64_t signals_handled; /* bit n - 1: signal n */
    struct proof_variables variables;
    uint32_t n_memory_users;
};

/*
 * Registers of all threads.  *ret_reason: why there is no one moment, or no registers; NULL: there
 * is one.
 *
 * @param threads  of zeros, with the target in its context
 * @param arena    for the reason
 */
SL_CHECKED enum sl_status
proof_threads_begin(struct proof_threads *threads, const struct sl_snapshot *snapshot,
                    struct sl_arena *arena, const char **ret_reason, struct sl_error *err);
/* Where their stacks are. */
SL_CHECKED enum sl_status proof_threads_place(struct proof_threads *threads,
                                              const struct sl_maps *maps, struct sl_reader *reader,
                                              struct sl_error *err);
/* Why there is no one moment: some ran since, or there are others; NULL: there is one. */
const char *proof_threads_moved(struct proof_threads *threads, struct sl_arena *arena);
void proof_threads_release(struct proof_threads *threads);

size_t proof_threads_find(const struct proof_threads *threads, pid_t tid); /* PROOF_NOBODY: none */

#endif
