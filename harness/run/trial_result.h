/* SPDX-License-Identifier: Apache-2.0 */
/* From what a subject said to the result of a trial. */
#ifndef SL_RUN_TRIAL_RESULT_H
#define SL_RUN_TRIAL_RESULT_H

#include "harness/model/result.h"
#include "harness/run/protocol.h"

/* Every number missing, with one reason; status failed, no phase. */
void sl_trial_result_init(struct sl_trial_result *result, const char *missing);

/* The numbers of `loaded`: delivery, rates, latencies, resources over the load. */
void sl_trial_result_load(struct sl_trial_result *result, const struct sl_load_record *record,
                          const struct sl_scenario_load *load, struct sl_arena *arena);

/* Delivery alone: again at `closed`, since Close drains and a failed load has no `loaded`. */
void sl_trial_result_delivery(struct sl_trial_result *result, const struct sl_load_counts *counts,
                              struct sl_arena *arena);

/* The numbers of `closed`. */
void sl_trial_result_close(struct sl_trial_result *result, const struct sl_phase_record *record,
                           struct sl_arena *arena);

/*
 * Strike out what clocks that may be `uncertainty_ns` apart can not tell: rates over machines,
 * latencies from one to another.
 */
void sl_trial_result_doubt(struct sl_trial_result *result, const struct sl_load_record *record,
                           uint64_t uncertainty_ns, struct sl_arena *arena);

#endif
