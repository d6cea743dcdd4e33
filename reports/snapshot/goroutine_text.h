/* SPDX-License-Identifier: Apache-2.0 */
/* What is told of goroutines where threads have a name, a state and counters. */
#ifndef SL_REPORTS_SNAPSHOT_GOROUTINE_TEXT_H
#define SL_REPORTS_SNAPSHOT_GOROUTINE_TEXT_H

#include "harness/model/group.h"
#include "reports/page.h"

/* Under the stack of a group: who started them, how long they have waited, labels, ids. */
void goroutine_print_group(const struct sl_page *page, int indent,
                           const struct sl_snapshot *snapshot, const struct sl_group *group);

/* One by itself: "goroutine 18 [chan receive, 3 minutes, locked to its thread]". */
void goroutine_print_head(const struct sl_page *page, const struct sl_thread *thread,
                          const char *wait);

#endif
