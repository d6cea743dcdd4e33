/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Player: a minimal observer for tests of the subject.  Starts tests/subject_runner,
 * lets it play, and keeps everything that it says.
 */
#ifndef SL_TEST_PLAYER_H
#define SL_TEST_PLAYER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "harness/run/protocol.h"

#define PLAYER_FAILURES 4

struct player {
    pid_t pid;
    int to_fd, from_fd;
    char order[128]; /* "start open loaded..." as they came */
    bool has_driver;
    struct sl_driver_record driver;
    struct sl_phase_record phases[SL_N_PHASES];
    size_t n_threads[SL_N_PHASES]; /* of the subject at each phase */
    struct sl_failure_record failures[PLAYER_FAILURES];
    size_t n_failures;
    int wait_status; /* when it has ended */
};

/* A load of 100 small messages that takes no time, and generous limits. */
struct sl_subject_config player_config(const char *driver, const char *fault);

/* Start a subject and send it its configuration.  @param bystander  see subject_runner.c */
void player_start(struct player *player, const struct sl_subject_config *config, bool bystander);

/* Read up to the next phase and keep it.  @return as sl_record_read */
enum sl_status player_next(struct player *player, uint64_t timeout_ns);

void player_go(struct player *player);

/* Start, all phases, end.  The subject has exited by itself when this returns. */
void player_play(struct player *player, const struct sl_subject_config *config);

/* Close the pipes and wait for the end, after a SIGKILL when `force`. */
void player_end(struct player *player, bool force);

#endif
