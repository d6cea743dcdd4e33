/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting for the subject of a trial, and looking after everything else meanwhile. */
#ifndef SL_RUN_TRIAL_WAIT_H
#define SL_RUN_TRIAL_WAIT_H

#include "harness/run/trial_internal.h"

/*
 * Wait until the subject has something to say, or an agent had, which was looked at.  Looks after
 * the server, crashes and interrupts meanwhile.
 */
enum sl_status
trial_await(struct trial *trial, uint64_t deadline_ns, bool *ret_subject, struct sl_error *err);

#endif
