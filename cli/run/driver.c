/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/run/driver.h"

#include <string.h>

#include <strandline/bus_fault.h>

#include "base/fail.h"
#include "base/macros.h"
#include "base/url.h"
#include "harness/run/declaration.h"

/* Leave of KEY=VALUE what everybody may see, in place. */
static void hide_value(char *argument, char *value)
{
    static const char *const secrets[] = {"pass", "pwd", "secret", "token", "cred"};
    size_t length = strlen(value);

    sl_url_hide(argument);
    value[-1] = '\0';
    for (size_t i = 0; i < SL_COUNT_OF(secrets); i++) {
        if (!strcasestr(argument, secrets[i]))
            continue;
        memset(value, 0, length);
        memset(value, '*', SL_MIN(length, 3u));
    }
    value[-1] = '=';
}

enum sl_status run_driver_add_arg(struct run_request *request, char *given, struct sl_error *err)
{
    char *equals = strchr(given, '=');

    if (!equals || equals == given)
        return sl_fail(err, SL_EINVAL, "not KEY=VALUE"); /* whatever it is: it may be a secret */
    if (request->n_driver_args == SL_ARGS_MAX)
        return sl_fail(err, SL_EINVAL, "more than %d arguments", SL_ARGS_MAX);
    size_t length = (size_t) (equals - given) + 1;
    const char *argument = sl_arena_strdup(request->arena, given);
    if (!argument)
        return sl_fail(err, SL_ENOMEM, "out of memory for the driver's arguments");
    hide_value(given, equals + 1);
    for (size_t i = 0; i < request->n_driver_args; i++)
        if (strncmp(request->driver_args[i], argument, length) == 0)
            return sl_fail(err, SL_EINVAL, "'%.*s' is given twice", (int) length - 1, argument);
    request->driver_args[request->n_driver_args++] = argument;
    return SL_OK;
}

/* What was not named comes from the driver. */
static enum sl_status take_defaults(struct run_request *request, struct sl_error *err)
{
    const struct sl_declaration *declaration = request->opts.bus.declaration;
    struct sl_run_plan_opts *plan = &request->plan;

    if (declaration->declares & SL_DECLARES_MODES) {
        plan->modes_declared = true;
        plan->driver_mode = (enum sl_mode) declaration->default_mode;
        for (int mode = 0; mode < SL_N_MODES; mode++)
            plan->driver_modes[mode] = declaration->modes[mode] != 0;
    }
    if (plan->n_transports || !(declaration->declares & SL_DECLARES_TRANSPORTS))
        return SL_OK;
    const char **transports = sl_arena_array(request->arena, 1, sizeof *transports);
    if (!transports)
        return sl_fail(err, SL_ENOMEM, "out of memory for the driver");
    transports[0] = declaration->transports[0];
    plan->transports = transports;
    plan->n_transports = 1;
    return SL_OK;
}

enum sl_status run_driver_ask(struct run_request *request, struct sl_error *err)
{
    struct sl_declaration *declaration = sl_arena_alloc(request->arena, sizeof *declaration);

    if (!declaration)
        return sl_fail(err, SL_ENOMEM, "out of memory for the driver");
    enum sl_status status =
        request->opts.bus.driver_path
            ? sl_declaration_probe(request->opts.bus.driver_path, declaration, err)
            : sl_declaration_make(bus_driver(), declaration, err);
    if (status)
        return status;
    request->opts.bus.declaration = declaration;
    status = sl_declaration_check_args(declaration, request->driver_args, err);
    return status ? status : take_defaults(request, err);
}

/* Has the built-in bus's list all that are named here, those that it has no equivalent of too? */
static bool knows_faults(const char *faults)
{
    for (const char *word = faults; *word;
         word += strcspn(word, ",") + (strchr(word, ',') != NULL)) {
        size_t size = strcspn(word, ",");
        const struct bus_fault_info *known = bus_faults();
        while (known->name && (strlen(known->name) != size || memcmp(known->name, word, size) != 0))
            known++;
        if (!known->name && !memchr(word, '=', size))
            return false;
    }
    return true;
}

enum sl_status run_driver_check(const struct run_request *request, const struct sl_run_plan *plan,
                                struct sl_error *err)
{
    bool foreign = request->opts.bus.driver_path != NULL;

    for (size_t i = 0; i < plan->n_cells; i++) {
        const struct sl_run_cell *cell = &plan->cells[i];
        /* Of faults that it knows the built-in bus says more: their keys, why it lacks some. */
        enum sl_status status = !foreign && cell->fault && knows_faults(cell->fault)
                                    ? bus_check_fault(cell->fault, cell->transport, err)
                                    : SL_OK;
        if (!status)
            status = sl_declaration_check_cell(request->opts.bus.declaration, cell, err);
        if (status)
            return status;
    }
    return SL_OK;
}
