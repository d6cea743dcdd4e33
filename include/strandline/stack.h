/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stacks and their frames, as snapshots and groups of threads have them.
 *
 * Both belong to what they were taken from and live as long; nothing is copied, and any number of
 * threads may look at once.  An index that is out of range gives NULL; and what is asked of NULL is
 * NULL, 0, false or the first value of an enum, so that looks may be chained.
 */
#ifndef STRANDLINE_STACK_H
#define STRANDLINE_STACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <strandline/error.h>

#ifdef __cplusplus
extern "C" {
#endif

struct sl_stack;
struct sl_frame;

/* How far the frames of a stack can be trusted to be all. */
#define SL_GRADE_MAP(X)                                                                            \
    X(PARTIAL, "partial")               /* it may go on beyond the last frame */                   \
    X(FRAME_POINTERS, "frame-pointers") /* to a known entry, but a caller may be missing */        \
    X(COMPLETE, "complete")             /* to a known entry, by unwind tables alone */

enum sl_grade {
#define X(name, text) SL_GRADE_##name,
    SL_GRADE_MAP(X)
#undef X
};

SL_API const char *sl_grade_text(enum sl_grade grade);

SL_API enum sl_grade sl_stack_grade(const struct sl_stack *stack);
/* Is its last frame a known thread or process entry, and if not, why? */
SL_API bool sl_stack_complete(const struct sl_stack *stack);
SL_API const char *sl_stack_reason(const struct sl_stack *stack);
/* Innermost first. */
SL_API size_t sl_stack_n_frames(const struct sl_stack *stack);
SL_API const struct sl_frame *sl_stack_frame(const struct sl_stack *stack, size_t index);

/* PC of the innermost frame, else the return address on the stack. */
SL_API uint64_t sl_frame_address(const struct sl_frame *frame);
/* Demangled; NULL when no symbol covers the address. */
SL_API const char *sl_frame_function(const struct sl_frame *frame);
/* Path of the source file and 1-based line; NULL and 0 when not known. */
SL_API const char *sl_frame_file(const struct sl_frame *frame);
SL_API uint32_t sl_frame_line(const struct sl_frame *frame);
/* Path of the mapped file, "[vdso]", or NULL for code in no file; and its build-id or NULL. */
SL_API const char *sl_frame_module(const struct sl_frame *frame);
SL_API const char *sl_frame_build_id(const struct sl_frame *frame);
/* In the module, as addr2line takes it; 0 when not known. */
SL_API uint64_t sl_frame_offset(const struct sl_frame *frame);
/* Code in no file: which of the executable mappings of none; else 0. */
SL_API uint32_t sl_frame_region(const struct sl_frame *frame);
/* Has it no frame of its own, but shares the address of the next outer one? */
SL_API bool sl_frame_inlined(const struct sl_frame *frame);
/* Was it found by the frame pointer of the frame inside, without an unwind table? */
SL_API bool sl_frame_by_frame_pointers(const struct sl_frame *frame);

#define SL_FRAME_TEXT_MAX 320

/*
 * What to call the code of a frame: its function, else "libbus.so+0x1234", or the bare address
 * where no offset is known.  Borrowed from the frame, or in the buffer.  The frame is not NULL.
 */
SL_API const char *sl_frame_text(const struct sl_frame *frame, char buffer[SL_FRAME_TEXT_MAX]);

#ifdef __cplusplus
}
#endif
#endif
