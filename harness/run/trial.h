/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One trial: one subject process, one cell, looked at from outside.
 *
 * A subject that crashes, hangs or loses its server is a result with that status
 * and its evidence, not an error: an error of sl_trial_run means that the observer
 * itself could not work.
 */
#ifndef SL_RUN_TRIAL_H
#define SL_RUN_TRIAL_H

#include <strandline/error.h>

#include "harness/model/result.h"
#include "harness/run/trial_input.h"

/**
 * Play one trial.
 *
 * @param arena       owns what hangs off ret_result
 * @param ret_driver  name and version of the driver, when the subject got to say it; in arena
 * @return SL_OK      ret_result is filled, whatever its status
 *         SL_ECLOSED wake_fd became readable; the subject is gone
 *         SL_EPERM   the subject may not be inspected
 */
SL_CHECKED enum sl_status sl_trial_run(const struct sl_trial_input *input, struct sl_arena *arena,
                                       struct sl_trial_result *ret_result, const char **ret_driver,
                                       struct sl_error *err);

/* Run the driver's purge in a process of its own, for brokers that outlive the trial. */
SL_CHECKED enum sl_status sl_trial_purge(const struct sl_trial_input *input, struct sl_error *err);

#endif
