/* SPDX-License-Identifier: Apache-2.0 */
/* strandline show REPORT: the table and the stacks that a run printed, from its report. */
#include "cli/cli.h"
#include "reports/print/table.h"
#include "reports/report.h"

enum { OPTION_COLOR };

static const struct sl_option options_of_show[] = {
    [OPTION_COLOR] = SL_OPTION_COLOR,
    {0},
};

static int run(int argc, char **argv)
{
    struct sl_options options = {.command = &sl_command_show, .argc = argc, .argv = argv};
    enum sl_color color = SL_COLOR_AUTO;
    struct sl_run_result *read = NULL;
    struct sl_error err = {0};

    for (int option; (option = sl_options_next(&options)) != SL_OPTIONS_END;) {
        if (option == SL_OPTIONS_EXIT)
            return options.status;
        if (!sl_color_parse(options.argument, &color))
            return sl_usage_error(&sl_command_show, "--color: '%s' is not auto, always or never",
                                  options.argument);
    }
    if (options.n_operands != 1)
        return sl_usage_error(&sl_command_show, "one report is needed, not %d", options.n_operands);
    enum sl_status s = sl_report_read(options.operands[0], &read, &err);
    if (s)
        return sl_command_error(&sl_command_show, &err, sl_exit_of_read(s));
    SL_AUTO(sl_run_result) struct sl_run_result *result = read;
    struct sl_table_opts opts = sl_table_opts_for(color, stdout);
    sl_table_print(result, &opts, stdout);
    return SL_EXIT_OK;
}

const struct sl_command sl_command_show = {
    .name = "show",
    .usage = "[options] REPORT",
    .summary = "print the table and the stacks of a report",
    .text = "What 'strandline run' printed, from its report alone ('-': standard input), with the\n"
            "verdict of that run.  The exit status is 0 whatever the verdict: 'strandline gate' "
            "judges.\n",
    .options = options_of_show,
    .run = run,
};
