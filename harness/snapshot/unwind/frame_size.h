/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How far the frame pointer lies above the stack pointer, proved from the code.
 *
 * Where the registers of a thread come from /proc nobody has its rbp, and rules that begin with
 * rbp can not be applied.  What lies on the stack does not tell: a return address in it may be
 * left over from an earlier call.  The code does, when it moves the stack pointer only in
 * straight lines: it sets rbp once, pushes and subtracts known numbers before the first branch,
 * and from then on moves the stack pointer only in order to return.  Then the distance is the
 * same all over the body of the function.  What allocates on the stack, aligns it anew, pushes
 * arguments, jumps out of the function or is not understood has no known distance.
 */
#ifndef SL_SNAPSHOT_UNWIND_FRAME_SIZE_H
#define SL_SNAPSHOT_UNWIND_FRAME_SIZE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * @param code  of the whole function, from its first instruction on
 * @param at    offset of an instruction in its body: behind the one that calls, or is blocked
 * @return false when the distance is not known
 */
bool sl_frame_size(const uint8_t *code, size_t size, size_t at, uint64_t *ret_size);

#endif
