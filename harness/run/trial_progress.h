/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How far a trial is, while it is played.  What is known of each message lies in the subject's
 * memory, from where it is copied now and then: the subject does nothing for it, and has no thread
 * more.
 */
#ifndef SL_RUN_TRIAL_PROGRESS_H
#define SL_RUN_TRIAL_PROGRESS_H

#include "harness/run/trial_internal.h"

/* Tell who wants to know how far it is, when it is time to. */
void trial_tell_progress(struct trial *trial);

#endif
