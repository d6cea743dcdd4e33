/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_REPORTS_PRINT_VERDICT_H
#define SL_REPORTS_PRINT_VERDICT_H

#include "reports/exporter.h"
#include "reports/verdict.h"

/*
 * Of a struct sl_judgement: "text", and "json", which is strandline.gate/1.  Both have the verdict
 * and the leaks by name; the JSON form also the policy.
 */
extern const struct sl_exporter sl_verdict_exporters[];

#endif
