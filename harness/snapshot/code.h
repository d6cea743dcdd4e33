/* SPDX-License-Identifier: Apache-2.0 */
/* What is known about the code of the target, and turning one copied stack into frames. */
#ifndef SL_SNAPSHOT_CODE_H
#define SL_SNAPSHOT_CODE_H

#include <strandline/snapshot.h>

#include "harness/model/snapshot.h"
#include "harness/snapshot/module/module.h"
#include "harness/snapshot/symbol/symbol.h"
#include "harness/snapshot/target/maps.h"
#include "harness/snapshot/target/reader.h"
#include "harness/snapshot/target/target.h"
#include "harness/snapshot/unwind/memo.h"
#include "harness/snapshot/unwind/unwind.h"

/* Begin with the first three, which are borrowed. */
struct sl_code {
    struct sl_target *target;
    const struct sl_snapshot_opts *opts;
    struct sl_snapshot *snapshot; /* its arena, which owns stacks and names, and its statistics */
    bool parted; /* who uses it has descriptors of their own: it can use none that it opens */
    unsigned maps_reads;
    struct sl_store *store; /* of names; opened and closed by who has the descriptors of all */

    /* Begun anew when the memory map changed. */
    struct sl_maps *maps;
    struct sl_reader *reader;
    struct sl_modules *modules;
    struct sl_unwinder *unwinder;
    struct sl_memo *memo;
    struct sl_symbolizer *symbolizer;
    uint64_t copy_room;              /* bytes that copies of frames with their names may take */
    struct sl_stacks *stacks;        /* those that are told apart */
    const struct sl_stack *no_stack; /* of who comes when no more frames may be made */
};

SL_CHECKED enum sl_status sl_code_open(struct sl_code *code, struct sl_error *err);
void sl_code_close(struct sl_code *code);

/* Enter the modules that frames lie in into the snapshot's table; after their last look-up. */
SL_CHECKED enum sl_status sl_code_list_modules(struct sl_code *code, struct sl_error *err);

/* The mapping that a stack pointer is in; the map is read again, boundedly, when none is. */
SL_CHECKED enum sl_status sl_code_find_stack(struct sl_code *code, uint64_t sp,
                                             const struct sl_mapping **ret_mapping,
                                             struct sl_error *err);

/*
 * The stack with these addresses and this end.  Its frames come with the next sl_code_symbolize;
 * where no more may be made there are none, and its reason says so.
 *
 * @return NULL when memory is short
 */
const struct sl_stack *
sl_code_stack(struct sl_code *code, const struct sl_pc *pcs, size_t n_pcs, enum sl_unwind_end end);

/* Give their frames to all stacks that lack them.  Apart, since it takes much longer. */
SL_CHECKED enum sl_status sl_code_symbolize(struct sl_code *code, struct sl_error *err);

/* @param view  of a stack that was copied; its reader is set here */
SL_CHECKED enum sl_status sl_code_unwind(struct sl_code *code, struct sl_view *view,
                                         const struct sl_stack **ret_stack,
                                         enum sl_unwind_end *ret_end, struct sl_error *err);

#endif
