/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cycles of a trial whose bus is opened and closed several times in one process.  What a trial
 * measured is of the cycle that was played last; what stayed is of them all.
 */
#ifndef SL_RUN_TRIAL_CYCLES_H
#define SL_RUN_TRIAL_CYCLES_H

#include <strandline/error.h>

#include "harness/run/trial_internal.h"

/* The bus is open again: what follows is of this cycle. */
void trial_cycles_next(struct trial *trial);

/* A cycle has settled: count what is there, before any library is shut down. */
SL_CHECKED enum sl_status trial_cycles_count(struct trial *trial, struct sl_error *err);

/* Each group over all cycles, into the result. */
SL_CHECKED enum sl_status trial_cycles_report(struct trial *trial, struct sl_error *err);

#endif
