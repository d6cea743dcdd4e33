/* SPDX-License-Identifier: Apache-2.0 */
/* Did Close take effect? */
#ifndef SL_LEAK_CLOSING_H
#define SL_LEAK_CLOSING_H

#include "harness/leak/candidate.h"

/* Judge whether Close took effect; fills not_closed and survivors. */
SL_CHECKED enum sl_status sl_leak_judge_close(struct sl_leak_case *the_case,
                                              const struct sl_leak_candidate *candidates,
                                              size_t n_candidates, struct sl_error *err);

#endif
