/* SPDX-License-Identifier: Apache-2.0 */
/* What the modules of a process say of its threads: who could cancel them, and how much is theirs.
 */
#ifndef SL_PROOF_CANCEL_H
#define SL_PROOF_CANCEL_H

#include "harness/proof/thread.h"
#include "harness/snapshot/module/module.h"

/* Does any module outside of the C library name a function that cancels or signals a thread?  One
 * that can not be read does. */
bool cancel_is_used(struct sl_modules *modules, const struct sl_maps *maps);

/* Where the variables of threads lie, below each struct pthread. */
void cancel_find_variables(struct sl_modules *modules, const struct sl_maps *maps,
                           struct proof_variables *ret_variables);

#endif
