/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Marking what lives: memory is read when something points to it, and each word in it that is an
 * address of an object marks that one.  A thread that waits for a word in a marked object lives,
 * and so do those that wait for it: its stack and registers are read in turn, until nothing new
 * is found.
 */
#ifndef SL_PROOF_MARK_H
#define SL_PROOF_MARK_H

#include "harness/proof/ahead.h"
#include "harness/proof/space.h"

/* What points to an object: the address of a word of memory, or one of these. */
#define MARK_NO_MEMORY (UINT64_C(1) << 63)
#define MARK_REGISTER  (MARK_NO_MEMORY | UINT64_C(1) << 60) /* thread << 8 | DWARF number */
#define MARK_KERNEL    (MARK_NO_MEMORY | UINT64_C(1) << 61)
#define MARK_FREED                                                                                 \
    (MARK_NO_MEMORY | UINT64_C(1) << 60 | UINT64_C(1) << 61) /* one that waits for its use */
#define MARK_OWN        (MARK_NO_MEMORY | UINT64_C(1) << 62) /* a stack whose thread lives */
#define MARK_KIND(at)   ((at) &UINT64_C(0xf) << 60)
#define MARK_THREAD(at) ((size_t) ((at) >> 8 & UINT64_C(0xffffffff)))

struct mark_range {
    uint64_t start, end;
    bool changed; /* only what is no more as in its file */
    bool block;   /* begins as a block of the heap does, which may have been freed */
};

struct mark_waiter {
    uint64_t object; /* where it begins; or the index of the thread that is waited for */
    size_t thread;
};

struct marker {
    struct proof_threads *threads;
    const struct proof_space *space;
    struct sl_reader *reader;
    const struct sl_budget *budget;
    const uint64_t *kernel; /* pointers that it keeps; borrowed */
    struct mark_range *queue;
    size_t n_queue, next, capacity;
    struct mark_waiter *waiters; /* ascending object */
    size_t n_waiters, capacity_waiters;
    struct mark_waiter *followers; /* the same of threads */
    size_t n_followers, capacity_followers;
    size_t *woken; /* threads that live, whose stacks and registers are still to be looked at */
    size_t n_woken, next_woken, capacity_woken;
    uint64_t low, high;            /* objects lie in [low, high), */
    uint64_t places[1 << 9];       /* in parts of memory of these hashes */
    unsigned char *bytes;          /* what is read at once */
    struct ahead ahead;            /* what was read around small blocks */
    const struct proof_area *last; /* where the last pointer led */
    uint64_t n_bytes;              /* that were read */
    uint64_t scan_ns;              /* looking through them took */
    const char *failed;            /* why no claim can be made; or NULL */
    bool short_of_memory;
};

/* The start of the object that has the address; 0: none has, for it is a root or nothing. */
uint64_t mark_object(const struct proof_space *space, uint64_t address, bool *ret_freed);

/*
 * @param kernel  pointers that the kernel keeps
 * @return SL_ENOMEM, or SL_OK: then threads that are not awake are dead, unless it failed
 */
SL_CHECKED enum sl_status
mark_all(struct marker *marker, const uint64_t *kernel, size_t n_kernel, struct sl_error *err);
void mark_release(struct marker *marker);

#endif
