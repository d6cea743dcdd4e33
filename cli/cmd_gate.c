/* SPDX-License-Identifier: Apache-2.0 */
/* strandline gate REPORT: judges the numbers of a report, never the verdict in it. */
#include <stdint.h>
#include <string.h>

#include "cli/cmd.h"
#include "cli/options/options.h"
#include "cli/options/output.h"
#include "cli/options/policy.h"
#include "reports/print/verdict.h"
#include "reports/report.h"

enum { OPTION_POLICY, OPTION_JSON = OPTION_POLICY + N_POLICY_OPTIONS, OPTION_COLOR };

static const struct sl_option options_of_gate[] = {
    POLICY_OPTIONS(OPTION_POLICY),
    [OPTION_JSON] = {"json", NULL, "print the verdict as JSON", 0},
    [OPTION_COLOR] = SL_OPTION_COLOR,
    {0},
};

struct request {
    const char *path;
    struct policy policy;
    const char *form; /* name of an exporter */
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
    return true;
}

static int judge(const struct request *request, const struct sl_run_result *result)
{
    struct sl_page page = output_page(request->color, stdout);
    struct sl_judgement judgement;
    struct sl_error err = {0};

    if (sl_verdict_evaluate(result, &request->policy.rules, result->arena, &judgement, &err) ||
        sl_export(sl_verdict_exporters, request->form, &judgement, &page, &err))
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
    if (!status)
        status = policy_complete(&request.policy, &err);
    if (status)
        return command_error(&cmd_gate, &err, command_exit_of_read(status));
    return judge(&request, result);
}

const struct sl_command cmd_gate = {
    .name = "gate",
    .usage = "[options] REPORT",
    .summary = "judge a report: 0 ok, 1 failed, 3 not measured, 4 inconclusive",
    .text =
        "Judges the numbers of the report ('-': standard input); the verdict that is written in "
        "it\nis not used.  Fails on leaked threads, lost messages, order violations and a Close "
        "that\ndid not end in time.  A run that could not measure one of them, or whose control "
        "did\nnot find the leak it planted, is neither ok nor failed.  With --baseline, leaks "
        "whose\n"
        "fingerprint that report has are known and do not count, in whatever cell and number; the\n"
        "number is said when it grew.  Everything else is judged as ever.\n",
    .options = options_of_gate,
    .operand = SL_ARGUMENT_FILE,
    .run = run,
};
