/* SPDX-License-Identifier: Apache-2.0 */
/* strandline gate REPORT: judges the numbers of a report, never the verdict in it. */
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/utf8.h"
#include "cli/cmd.h"
#include "cli/options/options.h"
#include "cli/options/output.h"
#include "cli/options/policy.h"
#include "reports/print/verdict.h"
#include "reports/report.h"

enum {
    OPTION_POLICY,
    OPTION_UPDATE_BASELINE = OPTION_POLICY + N_POLICY_OPTIONS,
    OPTION_ALLOW_GROWTH,
    OPTION_JSON,
    OPTION_COLOR
};

static const struct sl_option options_of_gate[] = {
    POLICY_OPTIONS(OPTION_POLICY),
    [OPTION_UPDATE_BASELINE] = {"update-baseline", NULL, "take out of the baseline what is mended",
                                0},
    [OPTION_ALLOW_GROWTH] = {"allow-growth", "REASON",
                             "with --update-baseline: put into it what is new, too", 0},
    [OPTION_JSON] = {"json", NULL, "print the verdict as JSON", 0},
    [OPTION_COLOR] = SL_OPTION_COLOR,
    {0},
};

struct request {
    const char *path;
    struct policy policy;
    bool update;
    const char *growth; /* the reason for it; NULL: not allowed */
    const char *form;   /* name of an exporter */
    enum sl_color color;
};

static void request_release(struct request *request)
{
    policy_release(&request->policy);
}

/* @return SL_EXIT_OK, or the status to exit with; what was wrong has been said */
static int read_option(int option, const struct sl_options *options, struct request *request)
{
    struct sl_error err = {0};

    switch (option) {
    case OPTION_JSON:
        request->form = options_of_gate[option].name;
        break;
    case OPTION_UPDATE_BASELINE:
        request->update = true;
        break;
    case OPTION_ALLOW_GROWTH:
        if (!*options->argument)
            return command_usage_error(&cmd_gate, "--allow-growth: a reason is needed");
        request->growth = options->argument;
        break;
    case OPTION_COLOR:
        request->color = (enum sl_color) options->word;
        break;
    default:
        if (policy_read_option((enum policy_option)(option - OPTION_POLICY), options->argument,
                               &request->policy, &err))
            return command_usage_error(&cmd_gate, "--%s: %s", options_of_gate[option].name,
                                       err.text);
    }
    return SL_EXIT_OK;
}

/* @return false: exit with *ret_exit_status */
static bool read_request(int argc, char **argv, struct request *request, int *ret_exit_status)
{
    struct sl_options options = {.command = &cmd_gate, .argc = argc, .argv = argv};

    for (int option; (option = options_next(&options)) != SL_OPTIONS_END;) {
        *ret_exit_status = option == SL_OPTIONS_EXIT ? options.exit_status
                                                     : read_option(option, &options, request);
        if (option == SL_OPTIONS_EXIT || *ret_exit_status)
            return false;
    }
    if (options.n_operands != 1) {
        *ret_exit_status =
            command_usage_error(&cmd_gate, "one report is needed, not %d", options.n_operands);
        return false;
    }
    request->path = options.operands[0];
    if (request->policy.rules.baseline_name && strcmp(request->path, "-") == 0 &&
        strcmp(request->policy.rules.baseline_name, "-") == 0) {
        *ret_exit_status = command_usage_error(&cmd_gate, "only one report can be standard input");
        return false;
    }
    if (request->growth && !request->update)
        *ret_exit_status = command_usage_error(&cmd_gate, "--allow-growth needs --update-baseline");
    else if (request->update && !request->policy.rules.baseline_name)
        *ret_exit_status = command_usage_error(&cmd_gate, "--update-baseline needs --baseline");
    else
        return true;
    return false;
}

/* Complete the policy; a baseline that is to be made is empty. */
static int read_baseline(struct request *request, const struct sl_run_result *result)
{
    struct policy *policy = &request->policy;
    struct sl_value made_of = result->tool.fingerprints;
    struct sl_error err = {0};

    enum sl_status status = policy_complete(policy, &err);
    if (status == SL_ENOENT && request->growth) {
        policy->ratchet = sl_baseline_new();
        policy->rules.ratchet = policy->ratchet;
        status = policy->ratchet ? SL_OK : sl_fail(&err, SL_ENOMEM, "out of memory");
    }
    if (status) {
        (void) command_error(&cmd_gate, &err, 0);
        return policy_exit_of(policy, status, request->path);
    }
    if (request->update && !policy->ratchet)
        return command_usage_error(&cmd_gate, "--update-baseline: '%s' is a report",
                                   policy->rules.baseline_name);
    if (policy->ratchet && !made_of.missing && made_of.value != SL_FINGERPRINTS)
        return command_usage_error(&cmd_gate,
                                   "the report has fingerprints of version %" PRIu64
                                   ", the baseline those of version %d",
                                   made_of.value, SL_FINGERPRINTS);
    return SL_EXIT_OK;
}

/* A result that could not be measured says nothing of what is mended. */
static enum sl_status update_baseline(const struct request *request,
                                      const struct sl_run_result *result, struct sl_error *err)
{
    struct sl_baseline *baseline = request->policy.ratchet;
    const char *path = request->policy.rules.baseline_name;
    struct sl_baseline_change change;

    enum sl_status status = sl_baseline_update(baseline, result, request->growth, &change, err);
    if (status)
        return status;
    bool changed = change.n_removed || change.n_lowered || change.n_added || change.n_raised;
    if (changed || access(path, F_OK) < 0)
        status = sl_baseline_write(baseline, path, err);
    if (!status)
        sl_utf8_printf(stderr,
                       "strandline gate: baseline '%s': %zu leaks; %zu removed, %zu lowered, "
                       "%zu added, %zu raised\n",
                       path, baseline->n_leaks, change.n_removed, change.n_lowered, change.n_added,
                       change.n_raised);
    return status;
}

static int judge(const struct request *request, const struct sl_run_result *result)
{
    struct sl_page page = output_page(request->color, stdout);
    const struct sl_policy *rules = &request->policy.rules;
    struct sl_judgement judgement;
    struct sl_error err = {0};

    enum sl_status status = sl_verdict_evaluate(result, rules, result->arena, &judgement, &err);
    if (!status && request->update && judgement.exit != SL_EXIT_UNMEASURED) {
        status = update_baseline(request, result, &err);
        if (!status)
            status = sl_verdict_evaluate(result, rules, result->arena, &judgement, &err);
    } else if (!status && request->update) {
        (void) fputs("strandline gate: the baseline stays as it is: the report could not measure\n",
                     stderr);
    }
    if (status || sl_export(sl_verdict_exporters, request->form, &judgement, &page, &err))
        return command_error(&cmd_gate, &err, SL_EXIT_UNMEASURED);
    return judgement.exit;
}

static int run(int argc, char **argv)
{
    SL_CLEANUP(request_release)
    struct request request = {.form = "text"};
    SL_AUTO(sl_run_result) struct sl_run_result *result = NULL;
    struct sl_error err = {0};
    int exit_status;

    if (!read_request(argc, argv, &request, &exit_status))
        return exit_status;
    enum sl_status status = sl_report_read(request.path, &result, &err);
    if (status)
        return command_error(&cmd_gate, &err, command_exit_of_read(status));
    exit_status = read_baseline(&request, result);
    return exit_status ? exit_status : judge(&request, result);
}

const struct sl_command cmd_gate = {
    .name = "gate",
    .usage = "[options] REPORT",
    .summary = "judge a report: 0 ok, 1 failed, 3 not measured, 4 inconclusive",
    .text =
        "Judges the numbers of the report ('-': standard input); the verdict that is written in "
        "it\nis not used.  Fails on leaked threads, lost messages, order violations and a Close "
        "that\ndid not end in time.  A run that could not measure one of them, or whose control "
        "did\nnot find the leak it planted, is neither ok nor failed.  With --baseline, leaks that "
        "are\n"
        "known do not count: of a report, those with its fingerprints, in whatever cell and "
        "number;\n"
        "of a baseline, as many as it has of them in their cell.  Such a file is kept with the\n"
        "sources, is made and changed by --update-baseline, and grows for a reason only.\n"
        "Everything else is judged as ever.\n",
    .options = options_of_gate,
    .operand = SL_ARGUMENT_FILE,
    .run = run,
};
