/* SPDX-License-Identifier: Apache-2.0 */
/* How many threads and files there may be. */
#ifndef SL_CLI_DOCTOR_LIMITS_H
#define SL_CLI_DOCTOR_LIMITS_H

#include "cli/doctor/doctor.h"

void doctor_check_limits(struct doctor *doctor);

#endif
