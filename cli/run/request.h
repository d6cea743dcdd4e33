/* SPDX-License-Identifier: Apache-2.0 */
/* What `strandline run` was asked for. */
#ifndef SL_CLI_RUN_REQUEST_H
#define SL_CLI_RUN_REQUEST_H

#include "cli/options/command.h"
#include "cli/options/output.h"
#include "cli/options/policy.h"
#include "cli/options/servers.h"
#include "harness/run/protocol.h"
#include "harness/run/run.h"
#include "rules/rules.h"

struct run_request {
    const struct sl_command *command; /* whose errors are printed */
    struct sl_arena *arena;           /* owns the lists below */
    struct sl_run_plan_opts plan;
    const char *const *scenarios; /* names or paths */
    size_t n_scenarios;
    struct servers servers;
    struct sl_run_opts opts;       /* without plan, agents and whom to tell */
    const char *label;             /* or NULL */
    const char *output;            /* NULL: standard output only */
    const char *const *rule_files; /* of --rules */
    size_t n_rule_files;
    bool no_rules;
    struct sl_rules rules;
    struct policy policy;
    bool no_verdict;                          /* a broken rule is no failure of the run */
    const char *driver_args[SL_ARGS_MAX + 1]; /* what opts.bus.driver_args is */
    size_t n_driver_args;
    uint32_t agents[SL_N_PARTS]; /* how many of each part; SL_PART_ALL: of any */
    uint64_t agents_wait_ns;
    bool list, list_faults, dry_run, json;
    enum sl_color color;
};

#endif
