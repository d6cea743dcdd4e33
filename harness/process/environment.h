/* SPDX-License-Identifier: Apache-2.0 */
/* The machine and the libraries a run was made with. */
#ifndef SL_PROCESS_ENVIRONMENT_H
#define SL_PROCESS_ENVIRONMENT_H

#include "harness/model/result.h"

/*
 * Fill CPU, cores (that this process may use), memory, kernel, OS, libc and the load
 * average before.  What cannot be found stays NULL, 0 or missing.  Versions of libraries
 * that this folder does not link are the caller's to fill, and so is the load average
 * after.  Strings live in arena.
 */
void sl_environment_read(struct sl_arena *arena, struct sl_environment *ret_environment);

/* One-minute load average now. */
struct sl_real sl_environment_load(void);

#endif
