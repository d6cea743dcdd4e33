/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads of the process, not of whoever happened to need them first: helpers and idle pools
 * that a library keeps until the process ends.
 */
#ifndef SL_LEAK_STACK_PROCESS_THREADS_H
#define SL_LEAK_STACK_PROCESS_THREADS_H

#include "harness/model/snapshot.h"

/*
 * What the thread is, for people: "OpenMP's team, kept for the next parallel region"; NULL when it
 * is none of these.  A name alone is never enough: all frames have to lie in the library and the
 * runtimes, so that a pool's thread that is stuck in somebody's function is no idle one.
 */
const char *process_threads_kind(const struct sl_thread *thread);

#endif
