/* SPDX-License-Identifier: Apache-2.0 */
/* Did Close take effect? */
#ifndef SL_LEAK_CLOSING_H
#define SL_LEAK_CLOSING_H

#include "harness/leak/case.h"

/* Fill not_closed and survivors, by the candidates that live. */
void closing_judge(struct leak_case *the_case);

/* Is it what a witness rule says? */
bool closing_is_witness(const struct sl_leak_rule *rule, const struct leak_candidate *candidate);

/*
 * Witnesses that live: threads of a snapshot that every effective Close would have ended, by the
 * rules that name them.
 *
 * @param ret_witnesses  in arena; the texts are the rules' and the snapshot's
 */
SL_CHECKED enum sl_status
sl_leak_witnesses(const struct sl_snapshot *snapshot, const struct sl_leak_rules *rules,
                  struct sl_arena *arena, const struct sl_living_witness **ret_witnesses,
                  size_t *ret_n_witnesses, struct sl_error *err);

#endif
