/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads of the process, not of whoever happened to need them first: helpers and idle pools
 * that a library keeps until the process ends.
 */
#ifndef SL_LEAK_STACK_PROCESS_THREADS_H
#define SL_LEAK_STACK_PROCESS_THREADS_H

#include "harness/model/snapshot.h"

/*
 * May a thread with this stack be one?  No, where a frame lies neither in a runtime nor in such a
 * library, which most stacks have: it is cheaper to ask this once for all that share the stack.
 */
bool process_threads_may_have(const struct sl_stack *stack);

/*
 * What the thread is, for people: "OpenMP's team, kept for the next parallel region"; NULL when it
 * is none of these.  A name alone is never enough: all frames have to lie in the library and the
 * runtimes, so that a pool's thread that is stuck in somebody's function is no idle one.
 */
const char *process_threads_kind(const struct sl_thread *thread);

#endif
