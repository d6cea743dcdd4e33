/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unwinding one thread from a view of it.
 *
 * libunwind applies the rules; which rules apply is found here (table.h,
 * cfi.h), because its own lookup ends silently on some link layouts.  None of its
 * heuristics is ever used: code without a table is left by the frame pointer, where that is known
 * and passes every check (frame_pointer.h), and marked so, or ends the stack with the reason.
 */
#ifndef SL_SNAPSHOT_UNWIND_H
#define SL_SNAPSHOT_UNWIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <strandline/error.h>

#include "base/macros.h"
#include "harness/snapshot/module/module.h"
#include "harness/snapshot/module/pc.h"
#include "harness/snapshot/target/maps.h"
#include "harness/snapshot/unwind/memo.h"
#include "harness/snapshot/unwind/view.h"

#define SL_UNWIND_END_MAP(X)                                                                       \
    X(COMPLETE, NULL)                                                                              \
    X(BY_FRAME_POINTERS, "found by frame pointers, which pass over the caller of a function that " \
                         "is being entered or left, or keeps none")                                \
    X(NOT_CODE, "the outermost address is not in executable memory")                               \
    X(NO_MODULE, "the outermost frame is in code of no known program or library")                  \
    X(NO_TABLE, "no unwind table was found that covers the outermost frame")                       \
    X(BAD_TABLE,                                                                                   \
      "the unwind table of the outermost frame is malformed, unreadable or not supported")         \
    X(NO_REGISTER, "the next frame needs a register that only a stopped thread shows")             \
    X(LOST_REGISTER, "the next frame needs a register that the frame pointer before it does not "  \
                     "tell")                                                                       \
    X(NO_MEMORY, "the stack could not be read")                                                    \
    X(SILENT, "the memory of the stack, or of its code, does not answer")                          \
    X(NOT_GROWING, "the next frame does not lie further out on the stack")                         \
    X(NO_CALLER, "the unwind ended before a known thread entry")                                   \
    X(TOO_DEEP, "more frames than the limit")                                                      \
    X(CHANGED, "it is not certain that the thread stood still while its stack was copied")         \
    X(NO_TIME, "the time of the look was over")                                                    \
    X(SHORT_OF_MEMORY, "out of memory while unwinding")

enum sl_unwind_end {
#define X(name, text) SL_UNWIND_##name,
    SL_UNWIND_END_MAP(X)
#undef X
};

/* For people; NULL for a complete stack. */
const char *sl_unwind_end_text(enum sl_unwind_end end);

struct sl_unwind {
    enum sl_unwind_end end;
    const struct sl_pc *pcs; /* innermost first; empty when registers were missing */
    size_t n_pcs;
    const struct sl_read *reads;
    size_t n_reads;
    bool memorable; /* a function of pc and reads alone */
};

struct sl_unwinder;

/* @param max_frames  physical frames after which a stack is cut */
SL_CHECKED enum sl_status sl_unwinder_new(struct sl_modules *modules, uint32_t max_frames,
                                          struct sl_unwinder **ret_unwinder, struct sl_error *err);
void sl_unwinder_free(struct sl_unwinder *unwinder);
SL_DEFINE_AUTO(sl_unwinder, sl_unwinder_free);

/* @param ret_unwind  its arrays are the unwinder's, valid until the next call */
void sl_unwinder_run(struct sl_unwinder *unwinder, const struct sl_maps *maps, struct sl_view *view,
                     struct sl_unwind *ret_unwind);

#endif
