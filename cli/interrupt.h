/* SPDX-License-Identifier: Apache-2.0 */
/* SIGINT, SIGTERM and SIGHUP as a descriptor, so that a run can end in order. */
#ifndef SL_CLI_INTERRUPT_H
#define SL_CLI_INTERRUPT_H

#include <strandline/error.h>

/*
 * Catch the signals from now on.  A signal that was ignored when the program started
 * (nohup) stays ignored.
 *
 * @param ret_fd  becomes readable with the first signal and stays so; never closed
 */
SL_CHECKED enum sl_status interrupt_catch(int *ret_fd, struct sl_error *err);

#endif
