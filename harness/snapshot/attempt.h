/* SPDX-License-Identifier: Apache-2.0 */
/* One pass over the threads of a process, and the attempt at each of them: the state of both. */
#ifndef SL_SNAPSHOT_ATTEMPT_H
#define SL_SNAPSHOT_ATTEMPT_H

#include <pthread.h>
#include <stdatomic.h>

#include <strandline/snapshot.h>

#include "harness/model/snapshot.h"
#include "harness/snapshot/ahead.h"
#include "harness/snapshot/code.h"
#include "harness/snapshot/source/source.h"
#include "harness/snapshot/target/descriptor.h"
#include "harness/snapshot/target/reader.h"
#include "harness/snapshot/unjoined.h"
#include "harness/snapshot/wait/wait.h"

/* Bytes of each stack copied at first.  Deeper stacks are read further when they are unwound. */
#define SL_MIN_COPY ((size_t) 512)
#define SL_MAX_COPY ((size_t) 4096)

/* One thread being done. */
struct sl_attempt {
    struct sl_thread *thread; /* where the result goes */
    enum sl_look look;
    struct sl_sighting sighting;
    struct sl_wait_memory wait_memory;
    uint64_t stack_end;
    const uint8_t *copy;
    size_t copied;
    enum sl_unwind_end end;
    bool asked_to_stop; /* it was disturbed, whether it stopped or not */
};

struct sl_pass {
    const struct sl_snapshot_opts *opts;
    struct sl_snapshot *snapshot;
    struct sl_thread *threads; /* those of the snapshot, still writable */
    struct sl_target target;
    struct sl_descriptors *descriptors;
    struct sl_code code;
    struct sl_ahead ahead;
    const struct sl_register_source *source;
    struct sl_source_context source_context;
    pid_t *tids;
    size_t n_tids;
    size_t max_threads; /* of these, that are looked at */
    uint64_t tick_ns;
    bool has_program; /* the next line is valid */
    uint64_t program; /* tells the program of the process from the next; 0: it had none yet */
    pid_t own_tid;    /* of the thread that runs the pass */
    pid_t helper_tid; /* of the one that helped while threads were listed; 0: none did */
    bool may_stop;
    size_t copy_size; /* per stack, adapted to what unwinds need */
    size_t deepest;   /* bytes of stack that an unwind needed, so far */
    size_t n_members; /* of the crew that reads the stacks */
    uint8_t *alone;   /* SL_MAX_COPY: for a thread that is done by itself */
    uint8_t *window;  /* SL_WINDOW_SIZE */
    struct sl_unjoined_list unjoined;
    struct sl_attempt *attempts; /* of all threads */
    size_t n_attempts;

    /* Of those who do groups at once. */
    atomic_size_t next; /* the first attempt that nobody took */
    /* Guards code, the arena and statistics of the snapshot, and all sizes above. */
    pthread_mutex_t lock;
    enum sl_status group_status; /* the first failure, guarded too */
    struct sl_error group_error;
};

/* Look at the thread: sets all but copy and frames. */
void sl_attempt_look(struct sl_pass *pass, struct sl_source_context *context,
                     const struct sl_register_source *source, struct sl_attempt *attempt);

/* Who the thread is, when there is no time to look at it. */
void sl_attempt_identify(struct sl_pass *pass, struct sl_attempt *attempt);

/* What was seen of the thread goes into its record. */
void sl_attempt_record(struct sl_pass *pass, const struct sl_register_source *source,
                       struct sl_attempt *attempt);

/* Where to copy the stack from. */
SL_CHECKED enum sl_status sl_attempt_request(struct sl_pass *pass, struct sl_attempt *attempt,
                                             uint8_t *to, struct sl_copy *ret_copy,
                                             struct sl_error *err);

/* Frames of an attempt whose stack was copied: sets thread->stack and ->end. */
SL_CHECKED enum sl_status
sl_attempt_unwind(struct sl_pass *pass, struct sl_attempt *attempt, struct sl_error *err);

#endif
