/* SPDX-License-Identifier: Apache-2.0 */
/* An agent's part of one trial: a subject process of its own, led from phase to phase. */
#ifndef SL_AGENT_PART_H
#define SL_AGENT_PART_H

#include "harness/process/process.h"
#include "harness/run/agents.h"
#include "harness/run/dialogue.h"

struct sl_part {
    struct sl_process process;
    bool runs; /* a subject is there */
    struct sl_subject_config *config;
    struct sl_dialogue dialogue; /* what the subject may say */
    struct sl_record record;     /* of the subject, read last */
    int phase;                   /* enum sl_phase that waits for a GO; -1: none does */
    enum sl_agent_stage stage;   /* reached last */
    struct sl_packer tally;      /* told last, packed */
};

/* No subject; for sl_part_end(). */
void sl_part_init(struct sl_part *part);

/* Start a subject.  One that runs is ended first. */
SL_CHECKED enum sl_status
sl_part_begin(struct sl_part *part, const struct sl_subject_config *config, struct sl_error *err);

/* Kill the subject, if there is one, and forget the trial. */
void sl_part_end(struct sl_part *part);

/* Readable when the subject said something or ended; -1: there is none. */
int sl_part_fd(const struct sl_part *part);

/**
 * Take one record of the subject.
 *
 * @param ret_stage  whether part->stage is a new one
 * @return SL_EGONE, SL_EPROTO, SL_ETIMEDOUT or what the subject itself failed with: the part
 *         is to be ended
 */
SL_CHECKED enum sl_status sl_part_step(struct sl_part *part, bool *ret_stage, struct sl_error *err);

/* Pass on what the observer told: GO, OUTCOMES with its data, CLOSE.  SL_EPROTO out of turn. */
SL_CHECKED enum sl_status sl_part_tell(struct sl_part *part, enum sl_agent_command command,
                                       const void *data, size_t size, struct sl_error *err);

#endif
