/* SPDX-License-Identifier: Apache-2.0 */
/* The end of `strandline run`: verdict, report, table, and where to go from there. */
#ifndef SL_CLI_RUN_REPORT_H
#define SL_CLI_RUN_REPORT_H

#include "cli/run/request.h"
#include "reports/report.h"

/*
 * Judge, write and print a result, in this order, so that the file is there whatever follows.
 *
 * @param place  of the report; all zero with request->output NULL
 * @return the exit status
 */
int run_report(const struct run_request *request, const struct sl_report_place *place,
               struct sl_run_result *result);

/* Say what became of an old report when there is no new one. */
void run_report_none(const struct sl_report_place *place);

#endif
