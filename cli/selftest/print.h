/* SPDX-License-Identifier: Apache-2.0 */
/* The table of a self-test, for people and for programs. */
#ifndef SL_CLI_SELFTEST_PRINT_H
#define SL_CLI_SELFTEST_PRINT_H

#include "cli/selftest/selftest.h"
#include "reports/page.h"

void selftest_print(const struct selftest *selftest, const struct sl_page *page);

SL_CHECKED enum sl_status
selftest_print_json(const struct selftest *selftest, FILE *out, struct sl_error *err);

#endif
