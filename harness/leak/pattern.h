/* SPDX-License-Identifier: Apache-2.0 */
/* Does a pattern fit a thread? */
#ifndef SL_LEAK_PATTERN_H
#define SL_LEAK_PATTERN_H

#include "base/arena.h"
#include "harness/model/rules.h"
#include "harness/model/snapshot.h"

/* Module and functions.  A partial stack is in no module: its outermost frame may be anybody's. */
bool pattern_fits_stack(const struct sl_pattern *pattern, const struct sl_stack *stack);

/*
 * All but these and the cause.
 *
 * @param before  the same thread in an earlier look, or NULL: a loop that has just got something
 *                does not wait now, but did then
 */
bool pattern_fits_thread(const struct sl_pattern *pattern, const struct sl_thread *thread,
                         const struct sl_thread *before);

/* All but the cause.  A thread that could not be unwound this time has the stack of before. */
bool pattern_fits(const struct sl_pattern *pattern, const struct sl_thread *thread,
                  const struct sl_thread *before);

/* The frame that the pattern fits by, of a stack that it fits; NULL: the stack has none. */
const struct sl_frame *
pattern_frame(const struct sl_pattern *pattern, const struct sl_stack *stack);

bool pattern_fits_cause(const struct sl_pattern *pattern, const char *cause);

/* Glob for a text and whatever follows it, such as `rest`; NULL: want of memory. */
const char *
pattern_of_text(struct sl_arena *arena, const char *text, size_t size, const char *rest);

/* File name of the module that the entry lies in; NULL: the stack is partial, or it has none. */
const char *pattern_module(const struct sl_stack *stack);

#endif
