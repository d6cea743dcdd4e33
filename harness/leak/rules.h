/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of an analysis: the caller's own and those of files, as one list. */
#ifndef SL_LEAK_RULES_H
#define SL_LEAK_RULES_H

#include <strandline/error.h>
#include <strandline/observe.h>

#include "base/arena.h"
#include "harness/model/rules.h"
#include "harness/model/snapshot.h"

/**
 * @param modules    as sl_observation_opts.library_modules: first of the list, as residents
 * @param witnesses  as there: next
 * @param more       the rest, copied as they are
 * @param arena      owns the list
 */
SL_CHECKED enum sl_status
sl_leak_rules_join(const char *const *modules, const struct sl_leak_witness *witnesses,
                   const struct sl_leak_rules *more, struct sl_arena *arena,
                   struct sl_leak_rules *ret_rules, struct sl_error *err);

/* May a thread with this stack be a resident?  Cheaper to ask once for all that share the stack. */
bool sl_leak_rules_may_reside(const struct sl_leak_rules *rules, const struct sl_stack *stack);

/* The first resident that a thread is; NULL: none, or its stack is not whole. */
const struct sl_leak_rule *
sl_leak_rules_resident(const struct sl_leak_rules *rules, const struct sl_thread *thread);

#endif
