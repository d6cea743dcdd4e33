/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Work on many items, shared out over the CPUs.
 *
 * Most of the time of a pass is the kernel's, for small files of /proc that have
 * nothing to do with each other.
 */
#ifndef SL_SNAPSHOT_CREW_H
#define SL_SNAPSHOT_CREW_H

#include <stddef.h>

/*
 * Call work(argument, i) for every i below n, in no order and on several threads at
 * once; back when all calls are.  Helpers take no signal, and live only meanwhile.
 * Few items, or no thread to be had: the calling thread does all of them.
 */
void sl_crew_run(size_t n, void (*work)(void *argument, size_t i), void *argument);

#endif
