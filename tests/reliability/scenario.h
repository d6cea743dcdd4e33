/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scenarios of the reliability suite.
 *
 * Each starts the servers it needs, runs in bounded time and leaves nothing behind.
 */
#ifndef RELIABILITY_SCENARIO_H
#define RELIABILITY_SCENARIO_H

#include <stdbool.h>
#include <stddef.h>

struct outcome {
    bool skipped;      /* no nats-server is installed */
    bool failed;       /* `text` says what */
    char text[640];    /* what went wrong; "" */
    char figures[512]; /* "kills=3 accepted=5020 ..." */
};

struct scenario {
    const char *name;
    const char *text; /* one line for people */
    void (*play)(unsigned count, struct outcome *ret_outcome);
    unsigned quick, full; /* count: kills, cycles... */
};

/* Each ends with an entry whose name is NULL. */
extern const struct scenario flow_scenarios[];    /* conservation while processes die */
extern const struct scenario closing_scenarios[]; /* Close at awkward moments */
extern const struct scenario cycle_scenarios[];   /* opened and closed over and over */

/* Record what went wrong; the first one stays. */
void outcome_fail(struct outcome *outcome, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
