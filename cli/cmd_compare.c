/* SPDX-License-Identifier: Apache-2.0 */
/* strandline compare BASE HEAD: what changed, for information. */
#include <string.h>

#include "cli/cmd.h"
#include "cli/options/options.h"
#include "cli/options/output.h"
#include "reports/print/compare.h"
#include "reports/report.h"

enum { OPTION_JSON, OPTION_COLOR };

static const struct sl_option options_of_compare[] = {
    [OPTION_JSON] = {"json", NULL, "print the comparison as JSON", 0},
    [OPTION_COLOR] = SL_OPTION_COLOR,
    {0},
};

struct request {
    const char *base, *head;
    const char *form; /* name of an exporter */
    enum sl_color color;
};

/* @return false: exit with *ret_exit_status */
static bool read_request(int argc, char **argv, struct request *request, int *ret_exit_status)
{
    struct sl_options options = {.command = &cmd_compare, .argc = argc, .argv = argv};

    for (int option; (option = options_next(&options)) != SL_OPTIONS_END;) {
        switch (option) {
        case OPTION_JSON:
            request->form = options_of_compare[option].name;
            break;
        case OPTION_COLOR:
            request->color = (enum sl_color) options.word;
            break;
        default:
            *ret_exit_status = options.exit_status;
            return false;
        }
    }
    if (options.n_operands != 2) {
        *ret_exit_status =
            command_usage_error(&cmd_compare, "two reports are needed, not %d", options.n_operands);
        return false;
    }
    request->base = options.operands[0];
    request->head = options.operands[1];
    if (strcmp(request->base, "-") == 0 && strcmp(request->head, "-") == 0) {
        *ret_exit_status =
            command_usage_error(&cmd_compare, "only one report can be standard input");
        return false;
    }
    return true;
}

static int print(const struct request *request, const struct sl_run_result *base,
                 const struct sl_run_result *head)
{
    struct sl_page page = output_page(request->color, stdout);
    struct sl_comparison comparison;
    struct sl_error err = {0};

    enum sl_status status = sl_compare(base, head, head->arena, &comparison, &err);
    if (!status) {
        comparison.base_name = request->base;
        comparison.head_name = request->head;
        status = sl_export(sl_compare_exporters, request->form, &comparison, &page, &err);
    }
    return status ? command_error(&cmd_compare, &err, SL_EXIT_UNMEASURED) : SL_EXIT_OK;
}

static int run(int argc, char **argv)
{
    struct request request = {.form = "text"};
    SL_AUTO(sl_run_result) struct sl_run_result *base = NULL;
    SL_AUTO(sl_run_result) struct sl_run_result *head = NULL;
    struct sl_error err = {0};
    int exit_status;

    if (!read_request(argc, argv, &request, &exit_status))
        return exit_status;
    enum sl_status status = sl_report_read(request.base, &base, &err);
    if (!status)
        status = sl_report_read(request.head, &head, &err);
    if (status)
        return command_error(&cmd_compare, &err, command_exit_of_read(status));
    return print(&request, base, head);
}

const struct sl_command cmd_compare = {
    .name = "compare",
    .usage = "[options] BASE HEAD",
    .summary = "show what changed between two reports",
    .text = "Leak groups that are new, gone and the same, and the metrics side by side.  For "
            "information:\nruns that were not interleaved differ by what else the machine did, so "
            "that the exit\nstatus is 0 whatever changed.\n",
    .options = options_of_compare,
    .operand = SL_ARGUMENT_FILE,
    .run = run,
};
