/* SPDX-License-Identifier: Apache-2.0 */
/* Can anything that lives wake them?  In words. */
#ifndef SL_REPORTS_PRINT_PROOF_H
#define SL_REPORTS_PRINT_PROOF_H

#include "harness/model/group.h"
#include "reports/page.h"

/* One line, without its end: "proof: alive: main's stack -> g_bus+0x18 (data of app)".  Nothing
 * when nobody asked. */
void sl_proof_print(const struct sl_page *page, const struct sl_group *group, int indent);

/* What all of it rests upon. */
void sl_proof_print_assumptions(const struct sl_page *page);

#endif
