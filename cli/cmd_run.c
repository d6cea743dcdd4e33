/* SPDX-License-Identifier: Apache-2.0 */
/* strandline run [SCENARIO...]: play scenarios, write the report, print the table. */
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include <strandline/bus.h>

#include "base/fail.h"
#include "cli/build_info.h"
#include "cli/cmd.h"
#include "cli/interrupt.h"
#include "cli/run/agents.h"
#include "cli/run/driver.h"
#include "cli/run/identity.h"
#include "cli/run/options.h"
#include "cli/run/print.h"
#include "cli/run/print_faults.h"
#include "cli/run/progress.h"
#include "cli/run/report.h"
#include "harness/agent/fleet.h"
#include "harness/run/run.h"

/* The scenarios of a request, loaded. */
struct loaded {
    struct sl_scenario **scenarios;
    size_t n_scenarios;
};

static void loaded_release(struct loaded *loaded)
{
    for (size_t i = 0; i < loaded->n_scenarios; i++)
        sl_scenario_free(loaded->scenarios[i]);
}

static enum sl_status
load_scenarios(const struct run_request *request, struct loaded *loaded, struct sl_error *err)
{
    loaded->scenarios =
        sl_arena_array(request->arena, request->n_scenarios, sizeof *loaded->scenarios);
    if (!loaded->scenarios)
        return sl_fail(err, SL_ENOMEM, "out of memory for the scenarios");
    for (size_t i = 0; i < request->n_scenarios; i++) {
        enum sl_status status =
            sl_scenario_load(request->scenarios[i], NULL, &loaded->scenarios[i], err);
        if (status)
            return status;
        loaded->n_scenarios++;
    }
    return SL_OK;
}

static enum sl_status
add_argv(struct sl_run_result *result, int argc, char **argv, struct sl_error *err)
{
    const char **copy = sl_arena_array(result->arena, (size_t) argc + 1, sizeof *copy);

    if (!copy)
        return sl_fail(err, SL_ENOMEM, "out of memory for the report");
    copy[0] = "strandline";
    for (int i = 0; i < argc; i++)
        copy[i + 1] = argv[i];
    result->run.argv = copy;
    result->run.n_argv = (size_t) argc + 1;
    return SL_OK;
}

/* Agents are there before anything is played, or the run does not begin. */
static enum sl_status hire_agents(const struct run_request *request, struct sl_run_opts *opts,
                                  struct sl_fleet **ret_fleet, struct sl_error *err)
{
    struct sl_fleet_opts fleet = {
        .servers = opts->bus.servers, .wait_ns = request->agents_wait_ns, .wake_fd = opts->wake_fd};

    if (!run_agents_count(request->agents))
        return SL_OK;
    memcpy(fleet.n_of, request->agents, sizeof fleet.n_of);
    enum sl_status status = sl_fleet_open(&fleet, ret_fleet, err);
    if (!status)
        opts->agents = sl_fleet_agents(*ret_fleet);
    return status;
}

static int play(const struct run_request *request, const struct sl_run_plan *plan,
                const struct sl_report_place *place, int argc, char **argv)
{
    struct sl_error err = {0};
    struct progress progress = {.terminal = isatty(STDERR_FILENO)};
    struct sl_run_opts opts = request->opts;
    struct sl_run_result *played = NULL;
    SL_AUTO(sl_fleet) struct sl_fleet *fleet = NULL;

    opts.plan = plan;
    opts.on_trial = progress_show;
    opts.on_output = progress_output;
    opts.user = &progress;
    enum sl_status status = interrupt_catch(&opts.wake_fd, &err);
    if (!status)
        status = hire_agents(request, &opts, &fleet, &err);
    if (!status)
        status = sl_run_execute(&opts, &played, &err);
    progress_end(&progress);
    if (status) {
        (void) command_error(&cmd_run, &err, 0);
        run_report_none(place);
        return status == SL_EINVAL ? SL_EXIT_USAGE : SL_EXIT_UNMEASURED;
    }
    SL_AUTO(sl_run_result) struct sl_run_result *result = played;
    build_info_fill(result);
    run_identity_fill(request, result);
    if (add_argv(result, argc, argv, &err))
        return command_error(&cmd_run, &err, SL_EXIT_UNMEASURED);
    return run_report(request, place, result);
}

static void request_release(struct run_request *request)
{
    policy_release(&request->policy);
}

static int run(int argc, char **argv)
{
    SL_AUTO(sl_arena) struct sl_arena *arena = sl_arena_new();
    SL_CLEANUP(request_release) struct run_request request = {.command = &cmd_run, .arena = arena};
    SL_CLEANUP(loaded_release) struct loaded loaded = {0};
    SL_CLEANUP(sl_report_place_release) struct sl_report_place place = {0};
    struct sl_run_plan plan;
    struct sl_error err = {0};
    int exit_status;

    /* Parsing reorders argv; the report shows it as it was given. */
    char **given = arena ? sl_arena_array(arena, (size_t) argc + 1, sizeof *given) : NULL;
    if (!given)
        return command_error(&cmd_run, &err, SL_EXIT_UNMEASURED);
    memcpy(given, argv, (size_t) argc * sizeof *given);
    if (!run_options_read(argc, argv, &request, &exit_status))
        return exit_status;
    if (request.list)
        return print_scenarios(&request);
    if (request.list_faults)
        return print_faults(request.command,
                            request.opts.bus.driver_path ? request.opts.bus.declaration : NULL,
                            request.json);
    enum sl_status status = policy_complete(&request.policy, &err);
    if (!status)
        status = load_scenarios(&request, &loaded, &err);
    if (!status)
        status = sl_run_plan_make((const struct sl_scenario *const *) loaded.scenarios,
                                  loaded.n_scenarios, &request.plan, arena, &plan, &err);
    if (!status)
        status = run_driver_check(&request, &plan, &err);
    if (status)
        return command_error(&cmd_run, &err,
                             status == SL_ENOMEM ? SL_EXIT_UNMEASURED : SL_EXIT_USAGE);
    if (request.dry_run)
        return print_plan(&request, &plan);
    /* From here on the report of a run before must not be taken for that of this one. */
    if (request.output && sl_report_place_open(request.output, &place, &err))
        return command_error(&cmd_run, &err, SL_EXIT_USAGE);
    return play(&request, &plan, &place, argc, given);
}

const struct sl_command cmd_run = {
    .name = "run",
    .usage = "[options] [SCENARIO...]",
    .summary = "play scenarios against a bus and report the threads it leaves",
    .text =
        "A scenario is a name ('strandline run --list') or the path of a JSON file; without one,\n"
        "low, medium and high are played.  Each trial runs in a process of its own, which is\n"
        "looked at from outside before the bus exists and after Close.  Unless --server names\n"
        "one, a private nats-server is started, and removed at the end however the run ends.\n",
    .options = run_options,
    .operand = SL_ARGUMENT_SCENARIO,
    .run = run,
};
