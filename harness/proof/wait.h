/* SPDX-License-Identifier: Apache-2.0 */
/* Which threads can be woken by somebody only, and by whom. */
#ifndef SL_PROOF_WAIT_H
#define SL_PROOF_WAIT_H

#include "harness/proof/space.h"

/* Before memory is told apart: all others are awake.  @return false when memory is short */
bool wait_classify(struct proof_threads *threads, const struct sl_maps *maps,
                   struct sl_reader *reader);

/* After that: those that wait for what is no object are awake, too. */
void wait_settle(struct proof_threads *threads, const struct proof_space *space);

#endif
