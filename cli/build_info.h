/* SPDX-License-Identifier: Apache-2.0 */
/* What this executable was built from. */
#ifndef SL_CLI_BUILD_INFO_H
#define SL_CLI_BUILD_INFO_H

#include "harness/model/result.h"

/* Fill tool and the versions of the libraries it was built with.  Strings are static. */
void build_info_fill(struct sl_run_result *result);

#endif
