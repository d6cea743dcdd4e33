/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting for the subject of a trial, how it ended, and the evidence that is kept of a bad end. */
#ifndef SL_RUN_TRIAL_END_H
#define SL_RUN_TRIAL_END_H

#include "harness/run/trial_internal.h"

/*
 * Wait until the subject has something to say, or an agent had, which was looked at.  Looks after
 * the server, crashes and interrupts meanwhile.
 */
enum sl_status
trial_await(struct trial *trial, uint64_t deadline_ns, bool *ret_subject, struct sl_error *err);

/* The first failure explains the later ones.  step: where it was; SL_STEP_NONE: nowhere. */
void trial_fail(struct trial *trial, enum sl_trial_status status, enum sl_step step,
                const char *reason);

/* If a thread of the subject crashed and waits: keep the stacks and let it end. */
void trial_look_for_crash(struct trial *trial);

/* What it means that playing the phases ended so.  Leaves no subject behind. */
enum sl_status trial_conclude(struct trial *trial, enum sl_status status, struct sl_error *err);

#endif
