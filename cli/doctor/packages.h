/* SPDX-License-Identifier: Apache-2.0 */
/* The NATS client that was built in, and the server that is installed. */
#ifndef SL_CLI_DOCTOR_PACKAGES_H
#define SL_CLI_DOCTOR_PACKAGES_H

#include "cli/doctor/doctor.h"

/* Starts a server for a moment. */
void doctor_check_packages(struct doctor *doctor);

#endif
