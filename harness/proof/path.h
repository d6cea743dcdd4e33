/* SPDX-License-Identifier: Apache-2.0 */
/* By which words something that lives reaches what a thread waits for. */
#ifndef SL_PROOF_PATH_H
#define SL_PROOF_PATH_H

#include "harness/model/proof.h"
#include "harness/proof/mark.h"
#include "harness/proof/name.h"

#define PATH_MAX_STEPS 64

/* Places and what they hold, from what a thread waits for back to a root. */
struct proof_path {
    struct {
        uint64_t at, holds;
    } steps[PATH_MAX_STEPS];
    size_t n_steps;
    bool cut; /* there are more */
};

/* While the words are as they were marked: nothing of it needs names. */
void path_trace(const struct marker *marker, const struct proof_thread *thread,
                struct proof_path *ret_path);

/*
 * In words, root first.  @param what  the thread waits for
 * @return false when memory is short
 */
bool path_tell(struct proof_namer *namer, const struct proof_path *path, const char *what,
               struct sl_proof *proof);

#endif
