/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One pass over the threads of a process: the state of it.
 *
 * Threads go through in groups, on every CPU one (group.c).  For each thread of a
 * group the run counter, then the registers are read; then the stacks are copied, many
 * with one call, and unwound from the copies; then the counters are read again.  Where
 * they are equal the thread did not run in between, and what was read is one moment of
 * it.  The others are done again one by one (settle.c), which makes the window as short
 * as it can be.  Only then come names, files and lines, which take longer than all of
 * that.
 */
#ifndef SL_SNAPSHOT_PASS_H
#define SL_SNAPSHOT_PASS_H

#include <pthread.h>
#include <stdatomic.h>

#include <strandline/snapshot.h>

#include "base/arena.h"
#include "harness/model/snapshot.h"
#include "harness/snapshot/ahead.h"
#include "harness/snapshot/module/module.h"
#include "harness/snapshot/source/source.h"
#include "harness/snapshot/stacks.h"
#include "harness/snapshot/symbol/symbol.h"
#include "harness/snapshot/target/descriptor.h"
#include "harness/snapshot/target/maps.h"
#include "harness/snapshot/target/reader.h"
#include "harness/snapshot/target/target.h"
#include "harness/snapshot/unwind/memo.h"
#include "harness/snapshot/unwind/unwind.h"
#include "harness/snapshot/wait/wait.h"

#define SL_BATCH 128 /* threads read together: few, so that a look is soon checked */

/* Bytes of each stack copied at first.  Deeper stacks are read further when they are unwound. */
#define SL_MIN_COPY ((size_t) 512)
#define SL_MAX_COPY ((size_t) 4096)

/* What is known about the code of the process; begun anew when its memory map changed. */
struct sl_code {
    struct sl_maps *maps;
    struct sl_reader *reader;
    struct sl_modules *modules;
    struct sl_unwinder *unwinder;
    struct sl_memo *memo;
    struct sl_symbolizer *symbolizer;
    struct sl_stacks *stacks;
};

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
    uint64_t tick_ns;
    bool has_program; /* the next line is valid */
    uint64_t program; /* tells the program of the process from the next; 0: it had none yet */
    pid_t own_tid;    /* of the thread that runs the pass */
    pid_t helper_tid; /* of the one that helped while threads were listed; 0: none did */
    bool may_stop;
    unsigned maps_reads;
    size_t copy_size;            /* per stack, adapted to what unwinds need */
    size_t deepest;              /* bytes of stack that an unwind needed, so far */
    uint8_t *alone;              /* SL_MAX_COPY: for a thread that is done by itself */
    uint8_t *window;             /* SL_WINDOW_SIZE */
    struct sl_attempt *attempts; /* of all threads */
    size_t n_attempts;

    /* Of those who do groups at once. */
    bool parted;        /* they have descriptors of their own: what they share can use none */
    atomic_size_t next; /* the first attempt that nobody took */
    /* Guards code, the arena and statistics of the snapshot, and all sizes above. */
    pthread_mutex_t lock;
    enum sl_status group_status; /* the first failure, guarded too */
    struct sl_error group_error;
};

SL_CHECKED enum sl_status sl_code_open(struct sl_pass *pass, struct sl_error *err);
void sl_code_close(struct sl_code *code);

/* The mapping that a stack pointer is in; the map is read again, boundedly, when none is. */
SL_CHECKED enum sl_status sl_code_find_stack(struct sl_pass *pass, uint64_t sp,
                                             const struct sl_mapping **ret_mapping,
                                             struct sl_error *err);

/* Frames of an attempt whose stack was copied: sets thread->stack and ->end. */
SL_CHECKED enum sl_status
sl_attempt_unwind(struct sl_pass *pass, struct sl_attempt *attempt, struct sl_error *err);

/* All threads of pass->tids into pass->threads, and their number into the snapshot. */
SL_CHECKED enum sl_status sl_pass_run(struct sl_pass *pass, struct sl_error *err);

/*
 * Look at all attempts without stopping any, and unwind what was seen.  Afterwards
 * `consistent` says whose look is one moment.
 */
SL_CHECKED enum sl_status sl_groups_read(struct sl_pass *pass, struct sl_error *err);

/* The parts of an attempt: see group.c and settle.c. */
void sl_attempt_look(struct sl_pass *pass, struct sl_source_context *context,
                     const struct sl_register_source *source, struct sl_attempt *attempt);
SL_CHECKED enum sl_status sl_attempt_request(struct sl_pass *pass, struct sl_attempt *attempt,
                                             uint8_t *to, struct sl_copy *ret_copy,
                                             struct sl_error *err);

/*
 * What a first look could not settle: threads that ran, or whose unwind needs a register.  With a
 * source that stops threads, all of them.
 */
SL_CHECKED enum sl_status sl_attempts_settle(struct sl_pass *pass, struct sl_error *err);

#endif
