/* SPDX-License-Identifier: Apache-2.0 */
/* What a trial is asked to play, and who is told of it meanwhile. */
#ifndef SL_RUN_TRIAL_INPUT_H
#define SL_RUN_TRIAL_INPUT_H

#include "harness/model/rules.h"
#include "harness/run/agents.h"
#include "harness/run/run_plan.h"
#include "harness/server/server.h"

/* How far a trial is. */
struct sl_trial_progress {
    const char *doing; /* "load"; NULL: it is about to begin */
    uint64_t elapsed_ns;
    bool counted; /* the rest is known */
    uint64_t accepted, handled;
};

/* Who is to be told of it, about every second. */
struct sl_trial_watch {
    void (*tell)(void *user, const struct sl_trial_progress *progress); /* NULL: nobody */
    void *user;
};

struct sl_declaration;

/* The bus that is measured, and the broker that it uses. */
struct sl_bus_choice {
    const char *driver_path;                  /* NULL: the built-in driver */
    const char *const *driver_args;           /* "KEY=VALUE", NULL-terminated; or NULL */
    const struct sl_declaration *declaration; /* what the driver has; NULL: not known */
    const char *servers; /* comma-separated URLs; NULL: a private server where one is needed */
    const struct sl_credentials *credentials; /* for them; NULL: none beside the URLs */
    uint32_t replicas; /* of every message; 0: as many as the private server has nodes */
};

#define SL_CYCLES_MAX 100 /* what a load takes is never freed, see load.h */

struct sl_trial_input {
    const struct sl_run_cell *cell;
    struct sl_bus_choice bus;       /* the driver that plays, on servers that run */
    const struct sl_server *server; /* watched while the trial runs; NULL: not ours */
    const struct sl_agents *agents; /* that play parts of the load; NULL: the subject plays all */
    const char *prefix;             /* of broker names */
    uint64_t seed;
    struct sl_leak_rules rules; /* of files */
    uint32_t cycles; /* the bus is opened and closed so often, SL_CYCLES_MAX at most; 0: once */
    bool strict;     /* count the threads that libraries keep for all of the process as well */
    bool no_prove;   /* nothing is proven of what stayed */
    bool control;    /* play the planted leak instead of a bus */
    struct sl_trial_watch watch;
    /* A line that the subject printed, which may hold control characters; NULL: nobody cares.
       driver: its name. */
    void (*on_output)(void *user, const char *driver, const char *line);
    void *output_user;
    int wake_fd; /* becomes readable when the run is to stop; -1: never */
};

#endif
