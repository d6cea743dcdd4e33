/* SPDX-License-Identifier: Apache-2.0 */
/* strandline.snapshot/1 as layouts of struct sl_document. */
#ifndef SL_REPORTS_SNAPSHOT_LAYOUT_H
#define SL_REPORTS_SNAPSHOT_LAYOUT_H

#include "json/layout.h"

extern const struct sl_layout layout_grouped; /* a list that was not asked for is no empty list */
extern const struct sl_layout layout_full;    /* with the threads one by one */

extern const struct sl_words layout_snapshot_kinds;

#endif
