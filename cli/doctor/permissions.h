/* SPDX-License-Identifier: Apache-2.0 */
/* Kernel, permissions and register sources. */
#ifndef SL_CLI_DOCTOR_PERMISSIONS_H
#define SL_CLI_DOCTOR_PERMISSIONS_H

#include "cli/doctor/doctor.h"

/* Kernel and permissions. */
void doctor_check_permissions(struct doctor *doctor);

/* What could be seen of a child process. */
void doctor_check_sources(struct doctor *doctor);

#endif
