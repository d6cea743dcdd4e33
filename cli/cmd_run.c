/* SPDX-License-Identifier: Apache-2.0 */
/* strandline run [SCENARIO...]: play scenarios, write the report, print the table. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <strandline/bus.h>

#include "base/clock.h"
#include "base/fail.h"
#include "base/url.h"
#include "base/utf8.h"
#include "cli/cmd.h"
#include "cli/interrupt.h"
#include "cli/run/driver.h"
#include "cli/run/identity.h"
#include "cli/run/options.h"
#include "cli/run/print.h"
#include "cli/run/request.h"
#include "harness/agent/fleet.h"
#include "harness/process/process.h"
#include "harness/run/run.h"
#include "reports/print/breach.h"
#include "reports/print/table.h"
#include "reports/report.h"

#define LINE_EVERY_NS (10 * SL_NS_PER_S) /* where nobody looks on */

/* Where the report is, and what can be done with it; the last lines of a run. */
static void print_next(const struct run_request *request, const struct sl_report_place *place)
{
    /* Beside the table; what is printed as JSON stays JSON. */
    FILE *out = request->json ? stderr : stdout;
    const char *path = request->output;

    sl_utf8_printf(out, "report: %s", path);
    if (place->kept)
        sl_utf8_printf(out, " (the one before is %s)", place->kept);
    (void) fputc('\n', out);
    sl_utf8_printf(out, "  strandline show %s\n", path);
    sl_utf8_printf(out, "  strandline gate %s\n", path);
    if (place->kept)
        sl_utf8_printf(out, "  strandline compare %s %s\n", place->kept, path);
}

static int
print_report(const struct run_request *request, const struct sl_run_result *result, int status)
{
    struct sl_page page = output_page(request->color, stdout);
    const char *form = request->json ? "json" : "text";
    struct sl_error err = {0};

    if (sl_export(sl_report_exporters, form, result, &page, &err))
        return command_error(request->command, &err, SL_EXIT_UNMEASURED);
    return status;
}

/* Say what became of an old report when there is no new one. */
static void report_none(const struct sl_report_place *place)
{
    if (place->kept)
        sl_utf8_printf(stderr, "strandline run: no report was written; the one before is %s\n",
                       place->kept);
}

/*
 * Judge, write and print a result, in this order, so that the file is there whatever follows.
 *
 * @param place  of the report; all zero with request->output NULL
 * @return the exit status
 */
static int report_result(const struct run_request *request, const struct sl_report_place *place,
                         struct sl_run_result *result)
{
    struct sl_judgement judgement;
    struct sl_error err = {0};

    if (sl_verdict_evaluate(result, &request->policy.rules, result->arena, &judgement, &err) ||
        sl_breaches_say(&judgement, result->arena, &result->verdict, &err)) {
        (void) command_error(request->command, &err, 0);
        report_none(place);
        return SL_EXIT_UNMEASURED;
    }
    int status = result->verdict.exit;
    if (request->no_verdict && status != SL_EXIT_UNMEASURED)
        status = SL_EXIT_OK;
    bool failed = request->output && sl_report_place_write(place, result, &err);
    if (failed) {
        (void) command_error(request->command, &err, 0);
        report_none(place);
        status = SL_EXIT_UNMEASURED;
    }
    status = print_report(request, result, status);
    if (failed && !request->json)
        (void) printf("no report: %s\n", err.text); /* an "ok" is not the last word then */
    else if (!failed && request->output)
        print_next(request, place);
    return status;
}

/*
 * How far a run is, on standard error: a line that is rewritten on a terminal, else one now and
 * then.
 */
struct progress {
    bool terminal;
    size_t trial;     /* the one that was shown last */
    uint64_t said_ns; /* its time then */
};

/* "[1/4] low keyed nats pool-not-stopped: load, 12 s, handled 480 of 499 accepted" */
static void progress_print(const struct sl_run_progress *now)
{
    const struct sl_run_cell *cell = now->cell;

    sl_utf8_printf(stderr, "[%zu/%zu] %s %s %s%s%s", now->trial, now->n_trials,
                   cell->scenario->name, sl_mode_text(cell->mode), cell->transport,
                   cell->fault ? " " : "", cell->fault ? cell->fault : "");
    if (now->at.doing)
        sl_utf8_printf(stderr, ": %s, %" PRIu64 " s", now->at.doing,
                       now->at.elapsed_ns / SL_NS_PER_S);
    if (now->at.counted)
        (void) fprintf(stderr, ", handled %" PRIu64 " of %" PRIu64 " accepted", now->at.handled,
                       now->at.accepted);
}

/* For sl_run_opts.on_trial; user is a struct progress. */
static void progress_show(void *user, const struct sl_run_progress *now)
{
    struct progress *progress = user;

    if (progress->trial != now->trial) {
        progress->trial = now->trial;
        progress->said_ns = 0;
    }
    if (progress->terminal) {
        (void) fputs("\r\033[K", stderr);
        progress_print(now);
    } else if (now->at.elapsed_ns - progress->said_ns >= LINE_EVERY_NS) {
        progress->said_ns = now->at.elapsed_ns;
        progress_print(now);
        (void) fputc('\n', stderr);
    }
}

static void progress_end(struct progress *progress)
{
    if (progress->terminal)
        (void) fputs("\r\033[K", stderr);
}

/* For sl_run_opts.on_output: "NAME: line". */
static void progress_output(void *user, const char *driver, const char *line)
{
    progress_end(user);
    sl_utf8_printf(stderr, "%s: %s\n", driver, line);
}

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
    for (int i = 0; i < argc; i++) {
        char *argument = sl_arena_strdup(result->arena, argv[i]);
        if (!argument)
            return sl_fail(err, SL_ENOMEM, "out of memory for the report");
        sl_url_hide(argument);
        copy[i + 1] = argument;
    }
    result->run.argv = copy;
    result->run.n_argv = (size_t) argc + 1;
    return SL_OK;
}

/* Agents are there before anything is played, or the run does not begin. */
static enum sl_status hire_agents(const struct run_request *request, struct sl_run_opts *opts,
                                  struct sl_fleet **ret_fleet, struct sl_error *err)
{
    struct sl_fleet_opts fleet = {.servers = opts->bus.servers,
                                  .credentials = opts->bus.credentials,
                                  .wait_ns = request->agents_wait_ns,
                                  .wake_fd = opts->wake_fd};

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
        report_none(place);
        return status == SL_EINVAL ? SL_EXIT_USAGE : SL_EXIT_UNMEASURED;
    }
    SL_AUTO(sl_run_result) struct sl_run_result *result = played;
    run_identity_fill(request, result);
    if (add_argv(result, argc, argv, &err))
        return command_error(&cmd_run, &err, SL_EXIT_UNMEASURED);
    return report_result(request, place, result);
}

static void request_release(struct run_request *request)
{
    policy_release(&request->policy);
    sl_rules_release(&request->rules);
    servers_release(&request->servers);
}

/* What is to be played, all of it checked. */
static enum sl_status make_plan(struct run_request *request, struct loaded *loaded,
                                struct sl_run_plan *plan, struct sl_error *err)
{
    enum sl_status status = load_scenarios(request, loaded, err);

    if (!status)
        status = sl_run_plan_make((const struct sl_scenario *const *) loaded->scenarios,
                                  loaded->n_scenarios, &request->plan, request->arena, plan, err);
    return status ? status : run_driver_check(request, plan, err);
}

/* Nothing is played, and an old report has gone already: said in the same line. */
static int refuse(const struct sl_report_place *place, struct sl_error *err, bool wrong_use)
{
    size_t length = strlen(err->text);

    if (place->kept)
        (void) snprintf(err->text + length, sizeof err->text - length,
                        "; no report was written, the one before is %s", place->kept);
    if (wrong_use)
        return command_usage_error(&cmd_run, "%s", err->text);
    sl_utf8_clean(err->text);
    return command_error(&cmd_run, err, command_exit_of_read(err->status));
}

/* The command line has been read; the baseline may be what the report replaces. */
static int run_request(struct run_request *request, int argc, char **given)
{
    SL_CLEANUP(loaded_release) struct loaded loaded = {0};
    SL_CLEANUP(sl_report_place_release) struct sl_report_place place = {0};
    bool plays = !request->dry_run && !request->list_faults;
    struct sl_run_plan plan;
    struct sl_error err = {0};

    enum sl_status status = policy_complete(&request->policy, &err);
    if (status) {
        (void) refuse(&place, &err, false);
        return policy_exit_of(&request->policy, status,
                              request->output ? request->output : "REPORT");
    }
    if (run_options_load_rules(request, &err))
        return refuse(&place, &err, false);
    /* From here on the report of a run before must not be taken for that of this one, which may
       fail at anything. */
    if (plays && request->output && sl_report_place_open(request->output, &place, &err))
        return command_error(&cmd_run, &err, SL_EXIT_USAGE);
    if (run_options_complete(request, &err))
        return refuse(&place, &err, false);
    if (run_options_check(request, &err))
        return refuse(&place, &err, true);
    if (request->list_faults)
        return print_faults(request);
    sl_process_adopt_orphans();
    if (make_plan(request, &loaded, &plan, &err))
        return refuse(&place, &err, false);
    return plays ? play(request, &plan, &place, argc, given) : print_plan(request, &plan);
}

static int run(int argc, char **argv)
{
    SL_AUTO(sl_arena) struct sl_arena *arena = sl_arena_new();
    SL_CLEANUP(request_release) struct run_request request = {.command = &cmd_run, .arena = arena};
    struct sl_error err = {0};
    int exit_status;

    /* Parsing reorders argv; the report shows it as it was given. */
    char **given = arena ? sl_arena_array(arena, (size_t) argc + 1, sizeof *given) : NULL;
    if (!given)
        return command_error(&cmd_run, &err, SL_EXIT_UNMEASURED);
    memcpy(given, argv, (size_t) argc * sizeof *given);
    if (!run_options_read(argc, argv, &request, &exit_status))
        return exit_status;
    return request.list ? print_scenarios(&request) : run_request(&request, argc, given);
}

const struct sl_command cmd_run = {
    .name = "run",
    .usage = "[options] [SCENARIO...]",
    .summary = "play scenarios against a bus and report the threads it leaves",
    .text =
        "A scenario is a name ('strandline run --list') or the path of a JSON file; without one,\n"
        "low, medium and high are played.  Each trial runs in a process of its own, which is\n"
        "looked at from outside before the bus exists and after Close.  Unless --server names\n"
        "one, a private nats-server is started, and removed at the end however the run ends.\n"
        "\n" SERVERS_TEXT,
    .options = run_options,
    .operand = SL_ARGUMENT_SCENARIO,
    .run = run,
};
