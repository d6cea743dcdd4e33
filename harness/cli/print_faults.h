/* SPDX-License-Identifier: Apache-2.0 */
/* `strandline run --list-faults`. */
#ifndef SL_CLI_PRINT_FAULTS_H
#define SL_CLI_PRINT_FAULTS_H

#include <stdbool.h>

/* Every fault of the built-in bus, for people or as JSON.  @return exit status */
int print_faults(bool json);

#endif
