/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames by frame pointers, for code without unwind tables: rbp points to the caller's rbp, and
 * the return address lies behind it.
 *
 * Nothing proves that a function keeps rbp so.  One that is being entered or left, and one that
 * keeps none, still has its caller's: then one caller is passed over.  So the checks here find
 * what is certainly none, and what passes them is marked for what it is.
 */
#ifndef SL_SNAPSHOT_UNWIND_FRAME_POINTER_H
#define SL_SNAPSHOT_UNWIND_FRAME_POINTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SL_CALL_MAX 7 /* bytes of the longest call without prefixes */

/* Does a call end where these bytes do?  As return addresses stand behind one. */
bool sl_ends_with_call(const uint8_t *code, size_t size);

/* May a frame whose stack pointer is sp have this frame pointer, on a stack that ends there? */
bool sl_may_be_frame_pointer(uint64_t rbp, uint64_t sp, uint64_t stack_end);

#endif
