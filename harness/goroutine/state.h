/* SPDX-License-Identifier: Apache-2.0 */
/* What Go says of a goroutine: its status in words, and which of its frames it would show. */
#ifndef SL_GOROUTINE_STATE_H
#define SL_GOROUTINE_STATE_H

#include <stdbool.h>
#include <stddef.h>

#include "harness/model/snapshot.h"

/*
 * What a goroutine in this state waits for: "chan receive", "IO wait", "running".  NONE where it
 * does not wait, or the text is none of Go's.
 */
enum sl_wait_kind goroutine_wait_kind(const char *state);

/*
 * Length of the state without what comes and goes: " (scan)", " (leaked)", " (durable)".  What
 * belongs to it stays: "select (no cases)".
 *
 * @param ret_leaked  set where Go's own search found it leaked; else left alone
 */
size_t goroutine_state_length(const char *state, size_t size, bool *ret_leaked);

/* Is it the end of every stack, which is no frame: runtime.goexit?  NULL is not. */
bool goroutine_is_end(const char *function);

/*
 * A function as tracebacks name it, without the escapes that package paths have.
 *
 * @param to  room for size bytes, and for "panic"
 * @return the length of the name, which has no NUL behind it
 */
size_t goroutine_function_name(char *to, const char *text, size_t size);

/* Why a stack of the call that started a goroutine is not complete. */
extern const char goroutine_only_call[];

/* Does a traceback show the frame?  Those of the runtime it does not. */
bool goroutine_is_shown(const struct sl_frame *frame, bool innermost);

/*
 * Keep the frames that a traceback shows: those of the runtime are left out, unless the stack has
 * no others.
 *
 * @return how many stay, in order
 */
size_t goroutine_keep_shown(struct sl_frame *frames, size_t n_frames);

#endif
