/* SPDX-License-Identifier: Apache-2.0 */
/* Can anything that lives wake them?  In words. */
#ifndef SL_REPORTS_PRINT_PROOF_H
#define SL_REPORTS_PRINT_PROOF_H

#include "harness/model/group.h"
#include "reports/page.h"

/* "alive: main's stack -> g_bus+0x18 (data of app) -> ..."; NULL: nobody asked, or memory is short.
 */
const char *sl_proof_say(const struct sl_page *page, const struct sl_group *group);

/* What all of it rests upon. */
void sl_proof_print_assumptions(const struct sl_page *page);

#endif
