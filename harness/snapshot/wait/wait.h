/* SPDX-License-Identifier: Apache-2.0 */
/* What a blocked thread waits for. */
#ifndef SL_SNAPSHOT_WAIT_H
#define SL_SNAPSHOT_WAIT_H

#include "base/arena.h"
#include "harness/model/snapshot.h"
#include "harness/snapshot/target/descriptor.h"
#include "harness/snapshot/target/ids.h"
#include "harness/snapshot/target/reader.h"
#include "harness/snapshot/target/target.h"

#define SL_WAIT_MEMORY 32 /* bytes: the head of a mutex, or four polled descriptors */

/* What an argument of a call points to, where that says more about the wait. */
struct sl_wait_memory {
    size_t size; /* 0: nothing */
    unsigned char bytes[SL_WAIT_MEMORY];
    bool has_words;    /* see sl_wait_wants_words */
    uint32_t words[2]; /* that a futex begins with */
};

/*
 * What to copy to there, of no size when that is nothing; then what was copied.  Before it is asked
 * whether the thread held still, so that the answer covers it.
 */
struct sl_copy sl_wait_request(struct sl_reader *reader, const struct sl_syscall *call,
                               struct sl_wait_memory *memory);
void sl_wait_accept(const struct sl_copy *copy, struct sl_wait_memory *memory);

/* All borrowed. */
struct sl_wait_context {
    struct sl_descriptors *descriptors;
    struct sl_arena *arena;
    struct sl_ids *ids;         /* of the process */
    struct sl_reader *reader;   /* or NULL: nothing more is read */
    bool has_library;           /* see sl_futex_has_library */
    struct sl_futex_memo *memo; /* or NULL */
};

/* Would the first words that the call waits at say more?  They are asked for one by one if they are
 * not in the memory. */
bool sl_wait_wants_words(const struct sl_wait_context *context, const struct sl_syscall *call,
                         const struct sl_stack *stack);

/*
 * Whom the thread waits for is what one look tells: ended_owner may as well be a thread that began
 * since, or of another process, and nobody is named as the writer of a lock; holders.h settles it.
 *
 * @param call    as seen while the thread was blocked
 * @param memory  what was found for it
 * @param stack   its frames, or NULL
 */
struct sl_wait sl_wait_describe(const struct sl_wait_context *context,
                                const struct sl_syscall *call, const struct sl_wait_memory *memory,
                                const struct sl_stack *stack);

#endif
