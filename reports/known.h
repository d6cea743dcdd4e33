/* SPDX-License-Identifier: Apache-2.0 */
/* The leaks of a report by fingerprint, in whatever cell they were seen. */
#ifndef SL_REPORTS_KNOWN_H
#define SL_REPORTS_KNOWN_H

#include "harness/model/result.h"

struct sl_known {
    const struct sl_group **groups; /* by fingerprint, and of one the largest first */
    size_t n;
};

/* In arena, borrowing from the report.  @return false when memory is short */
bool sl_known_init(struct sl_arena *arena, const struct sl_run_result *report,
                   struct sl_known *ret_known);

/* Most threads with this fingerprint that leaked in one trial; 0: none did. */
uint32_t sl_known_count(const struct sl_known *known, const char *fingerprint);

#endif
