/* SPDX-License-Identifier: Apache-2.0 */
/* What the rules of a run come to, over its trials. */
#ifndef SL_LEAK_RULES_USED_H
#define SL_LEAK_RULES_USED_H

#include <strandline/error.h>

#include "harness/model/result.h"

/**
 * Tell of each rule what it fitted.  One that fits the planted leak, or groups that have nothing to
 * do with each other, is too broad.  Of those that come with the program only such as fitted
 * something are told.
 *
 * @param control  what was found of the planted leak
 * @param result   all trials are in it; gets the uses, in its arena
 */
SL_CHECKED enum sl_status sl_leak_rules_used(const struct sl_leak_rules *rules,
                                             const struct sl_leak_report *control,
                                             struct sl_run_result *result, struct sl_error *err);

#endif
