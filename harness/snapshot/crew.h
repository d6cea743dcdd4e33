/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads that help the calling one for a while.
 *
 * Most of the time of a pass is the kernel's, for small files of /proc that have
 * nothing to do with each other.
 */
#ifndef SL_SNAPSHOT_CREW_H
#define SL_SNAPSHOT_CREW_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include <strandline/error.h>

#include "base/macros.h"

/*
 * A thread that works for a look.  It takes no signal, so that no handler of the host's runs on it,
 * and has stack enough, whatever the host or its limits give to threads.  @return 0 or an errno
 */
int sl_crew_thread(pthread_t *ret_thread, void *(*work)(void *argument), void *argument);

/* How many should share in work on so many items: 1 when they are few. */
size_t sl_crew_size(size_t n_items);

/*
 * Call work(argument, i) for every i below n_members, each on a thread of its own,
 * 0 on the calling one; back when all calls are.  The threads take no signal.  Where
 * one can not be made the calling thread makes its call too, after its own.
 */
void sl_crew_run(size_t n_members, void (*work)(void *argument, size_t member), void *argument);

typedef enum sl_status sl_crew_task(void *argument, struct sl_error *err);

/*
 * Two tasks that do not touch what the other does, at the same time or else one after the other, as
 * far as the first that fails.  @return its status, with its error
 */
SL_CHECKED enum sl_status sl_crew_both(bool at_once, sl_crew_task *first, sl_crew_task *second,
                                       void *argument, struct sl_error *err);

/*
 * Give the calling thread, which was made for a crew, a table of descriptors of its
 * own, with the standard ones and `kept` in it: what it opens takes none from the
 * process, and threads that open at once do not wait for each other.  @return false
 * when that is not to be had, or on any other thread, and nothing is changed
 */
bool sl_crew_part_descriptors(int kept);

#endif
