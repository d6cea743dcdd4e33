/* SPDX-License-Identifier: Apache-2.0 */
/* Which frame of a stack tells what the thread is for. */
#ifndef SL_LEAK_STACK_FRAME_H
#define SL_LEAK_STACK_FRAME_H

#include "harness/model/snapshot.h"

/*
 * The frame that people recognise a thread by: the innermost function outside the runtimes and
 * what waits or starts threads on behalf of others (plumbing.h).  That is where the program chose
 * to wait ("queue_take"), as the top user frame of a goroutine dump; the entry says
 * less, since one entry ("worker_main") commonly serves many purposes.  Inlined functions
 * come second, since they are mostly helpers that many waits share; then code without
 * a name.  In a stack without any of these it is the entry; NULL without frames.
 */
const struct sl_frame *frame_telling(const struct sl_stack *stack);

/* That frame's function as its source names it, else "libbus.so+0x1234".  NULL: no memory. */
const char *sl_leak_headline(struct sl_arena *arena, const struct sl_stack *stack);

#endif
