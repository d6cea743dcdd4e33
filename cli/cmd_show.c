/* SPDX-License-Identifier: Apache-2.0 */
/* strandline show REPORT: the table and the stacks that a run printed, from its report. */
#include "cli/cmd.h"
#include "cli/options/options.h"
#include "cli/options/output.h"
#include "reports/print/table.h"
#include "reports/report.h"

enum { OPTION_COLOR };

static const struct sl_option options_of_show[] = {
    [OPTION_COLOR] = SL_OPTION_COLOR,
    {0},
};

static int run(int argc, char **argv)
{
    struct sl_options options = {.command = &cmd_show, .argc = argc, .argv = argv};
    enum sl_color color = SL_COLOR_AUTO;
    struct sl_run_result *read = NULL;
    struct sl_error err = {0};

    for (int option; (option = options_next(&options)) != SL_OPTIONS_END;) {
        if (option == SL_OPTIONS_EXIT)
            return options.exit_status;
        color = (enum sl_color) options.word;
    }
    if (options.n_operands != 1)
        return command_usage_error(&cmd_show, "one report is needed, not %d", options.n_operands);
    enum sl_status status = sl_report_read(options.operands[0], &read, &err);
    if (status)
        return command_error(&cmd_show, &err, command_exit_of_read(status));
    SL_AUTO(sl_run_result) struct sl_run_result *result = read;
    struct sl_page page = output_page(color, stdout);
    status = sl_export(sl_report_exporters, "text", result, &page, &err);
    return status ? command_error(&cmd_show, &err, SL_EXIT_UNMEASURED) : SL_EXIT_OK;
}

const struct sl_command cmd_show = {
    .name = "show",
    .usage = "[options] REPORT",
    .summary = "print the table and the stacks of a report",
    .text = "What 'strandline run' printed, from its report alone ('-': standard input), with the\n"
            "verdict of that run.  The exit status is 0 whatever the verdict: 'strandline gate' "
            "judges.\n",
    .options = options_of_show,
    .operand = SL_ARGUMENT_FILE,
    .run = run,
};
