/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of a trial that agents play, in step with the local subject. */
#ifndef SL_RUN_TRIAL_AGENTS_H
#define SL_RUN_TRIAL_AGENTS_H

#include "harness/run/trial_internal.h"

/*
 * In the order of the calls; each does nothing without agents.
 *
 *     begin    the local subject is about to be started; its config gets its share
 *     open     it is about to be told to open
 *     go       it is open, and about to be told to go on
 *     publish  it was told
 *     close    it has handled everything
 *     merge    put what all processes know into a record of the local subject
 *     end      the local subject is gone
 */
enum sl_status
trial_agents_begin(struct trial *trial, struct sl_subject_config *config, struct sl_error *err);
enum sl_status trial_agents_open(struct trial *trial, struct sl_error *err);
enum sl_status trial_agents_go(struct trial *trial, struct sl_error *err);
enum sl_status trial_agents_publish(struct trial *trial, struct sl_error *err);
enum sl_status trial_agents_close(struct trial *trial, struct sl_error *err);
enum sl_status
trial_agents_merge(struct trial *trial, struct sl_load_record *record, struct sl_error *err);
void trial_agents_end(struct trial *trial);

#endif
