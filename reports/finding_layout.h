/* SPDX-License-Identifier: Apache-2.0 */
/* Groups of threads and what was found out about them, as layouts. */
#ifndef SL_REPORTS_FINDING_LAYOUT_H
#define SL_REPORTS_FINDING_LAYOUT_H

#include "json/layout.h"

extern const struct sl_words finding_layout_causes;      /* enum sl_cause */
extern const struct sl_words finding_layout_grades;      /* enum sl_grade */
extern const struct sl_object finding_layout_frame;      /* struct sl_frame */
extern const struct sl_object finding_layout_wait;       /* struct sl_wait */
extern const struct sl_object finding_layout_proof;      /* struct sl_proof */
extern const struct sl_object finding_layout_finding;    /* struct sl_finding */
extern const struct sl_object finding_layout_waits;      /* struct sl_wait_tree */
extern const struct sl_object finding_layout_late;       /* struct sl_late_thread */
extern const struct sl_object finding_layout_late_group; /* struct sl_late_group */

#endif
