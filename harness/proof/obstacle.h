/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What stands against every claim about a process, and pointers that only the kernel has: data of
 * epoll and of timers.
 */
#ifndef SL_PROOF_OBSTACLE_H
#define SL_PROOF_OBSTACLE_H

#include "harness/proof/thread.h"

struct proof_kernel {
    uint64_t *words;
    size_t n_words, capacity;
};

/*
 * Sets signals_handled of the threads.
 *
 * @return why nothing can be claimed, or NULL; static
 */
const char *obstacle_find(struct proof_threads *threads, const struct sl_maps *maps,
                          struct proof_kernel *kernel);
void obstacle_release(struct proof_kernel *kernel);

/* Apart from the reading, so that they can be tested.  @return false when memory is short */
bool obstacle_parse_epoll(const char *text, struct proof_kernel *kernel);
bool obstacle_parse_timers(const char *text, struct proof_kernel *kernel);
/* Are there messages in the queue, or is somebody to be told of the next? */
bool obstacle_parse_queue(const char *text);

#endif
