/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/diff/options.h"

#include <string.h>

#include "cli/options/options.h"

enum { OPTION_GOROUTINES, OPTION_JSON, OPTION_COLOR };

const struct sl_option diff_options[] = {
    [OPTION_GOROUTINES] = {"goroutines", NULL, "count goroutines: files are dumps of them", 0},
    [OPTION_JSON] = {"json", NULL, "print the changes as JSON", 0},
    [OPTION_COLOR] = SL_OPTION_COLOR,
    {0},
};

static int check(const struct diff_request *request)
{
    size_t n_inputs = 0;

    if (request->n_looks < 2)
        return command_usage_error(request->command, "two looks or more are needed, not %zu",
                                   request->n_looks);
    for (size_t i = 0; i < request->n_looks; i++)
        n_inputs += strcmp(request->looks[i], "-") == 0;
    if (n_inputs > 1)
        return command_usage_error(request->command, "only one look can be standard input");
    return SL_EXIT_OK;
}

bool diff_options_read(int argc, char **argv, struct diff_request *request, int *ret_exit_status)
{
    struct sl_options options = {.command = request->command, .argc = argc, .argv = argv};

    request->form = "text";
    for (int option; (option = options_next(&options)) != SL_OPTIONS_END;) {
        switch (option) {
        case OPTION_GOROUTINES:
            request->goroutines = true;
            break;
        case OPTION_JSON:
            request->form = diff_options[option].name;
            break;
        case OPTION_COLOR:
            request->color = (enum sl_color) options.word;
            break;
        default:
            *ret_exit_status = options.exit_status;
            return false;
        }
    }
    request->looks = options.operands;
    request->n_looks = (size_t) options.n_operands;
    *ret_exit_status = check(request);
    return *ret_exit_status == SL_EXIT_OK;
}
