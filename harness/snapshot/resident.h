/* SPDX-License-Identifier: Apache-2.0 */
/* How much of each thread's stack is in memory. */
#ifndef SL_SNAPSHOT_RESIDENT_H
#define SL_SNAPSHOT_RESIDENT_H

#include "harness/snapshot/code.h"

/*
 * Fill stack_bytes of threads and of what is left of such as were not joined.  A stack is the
 * mapping that the stack pointer, or the descriptor at its end, lies in; where that is not one
 * thread's alone nothing is known.
 *
 * @param threads, unjoined  of the snapshot that the code is of
 * @return SL_ENOMEM
 */
SL_CHECKED enum sl_status sl_resident_measure(struct sl_code *code, struct sl_thread *threads,
                                              size_t n_threads, struct sl_unjoined *unjoined,
                                              size_t n_unjoined, struct sl_error *err);

#endif
