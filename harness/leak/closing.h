/* SPDX-License-Identifier: Apache-2.0 */
/* Did Close take effect? */
#ifndef SL_LEAK_CLOSING_H
#define SL_LEAK_CLOSING_H

#include "harness/leak/case.h"

/* Fill not_closed and survivors, by the candidates that live. */
void closing_judge(struct leak_case *the_case);

/* Is it what a witness rule says? */
bool closing_is_witness(const struct sl_leak_rule *rule, const struct leak_candidate *candidate);

#endif
