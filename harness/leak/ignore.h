/* SPDX-License-Identifier: Apache-2.0 */
/* Threads that a rule says are known and accepted. */
#ifndef SL_LEAK_IGNORE_H
#define SL_LEAK_IGNORE_H

#include "harness/leak/case.h"

/*
 * Mark the members that rules ignore, in the order of the rules, and group anew, so that
 * what a rule covers of a group stands apart from what it does not.  What a rule fits beyond
 * its max stays as it is.
 *
 * @param clusters     replaced by those that follow; unchanged on failure
 * @param ret_matches  in the arena of the case: what each rule of any kind fits
 */
SL_CHECKED enum sl_status
ignore_apply(const struct leak_case *the_case, struct leak_clusters *clusters,
             const struct sl_rule_match **ret_matches, size_t *ret_n_matches, struct sl_error *err);

/* "FILE:LINE: REASON (owner OWNER, until DATE)"; NULL: want of memory. */
const char *ignore_say(const struct sl_leak_rule *rule, struct sl_arena *arena);

#endif
