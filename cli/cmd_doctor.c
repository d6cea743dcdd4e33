/* SPDX-License-Identifier: Apache-2.0 */
/* strandline doctor: what this machine allows, what is missing, and how to get it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "base/fail.h"
#include "base/macros.h"
#include "cli/cmd.h"
#include "cli/doctor/doctor.h"
#include "cli/doctor/limits.h"
#include "cli/doctor/packages.h"
#include "cli/doctor/permissions.h"
#include "cli/options/options.h"
#include "cli/options/output.h"
#include "harness/process/thread_room.h"
#include "reports/print/grid.h"
#include "reports/print/wrap.h"

enum { OPTION_JSON, OPTION_COLOR };

static const struct sl_option options_of_doctor[] = {
    [OPTION_JSON] = {"json", NULL, "print the findings as JSON", 0},
    [OPTION_COLOR] = SL_OPTION_COLOR,
    {0},
};

static const struct {
    const char *text;
    enum sl_style style;
} states[] = {
    [DOCTOR_OK] = {"ok", SL_STYLE_GOOD},
    [DOCTOR_LIMITED] = {"limited", SL_STYLE_WARN},
    [DOCTOR_MISSING] = {"missing", SL_STYLE_BAD},
};

static size_t count(const struct doctor *doctor, enum doctor_state state)
{
    size_t n = 0;
    for (size_t i = 0; i < doctor->n_checks; i++)
        n += doctor->checks[i].state == state;
    return n;
}

#define FOUND_COLUMN 29

/* Below what was found; nothing for NULL. */
static void print_advice(const struct sl_table_opts *opts, const char *heading, const char *text)
{
    size_t column = FOUND_COLUMN + strlen(heading);

    if (!text)
        return;
    (void) printf("%*s%s", FOUND_COLUMN, "", heading);
    sl_wrap_after(SL_STYLE_NONE, opts, stdout, column, column, text);
}

static void print_text(const struct doctor *doctor, const struct sl_table_opts *opts)
{
    size_t n_missing = count(doctor, DOCTOR_MISSING);

    for (size_t i = 0; i < doctor->n_checks; i++) {
        const struct doctor_check *check = &doctor->checks[i];
        sl_style_print(states[check->state].style, opts, stdout, "%-7s", states[check->state].text);
        (void) printf("  %-18s  ", check->name);
        sl_wrap_after(SL_STYLE_NONE, opts, stdout, FOUND_COLUMN, FOUND_COLUMN, check->found);
        print_advice(opts, "  cost: ", check->cost);
        print_advice(opts, "  fix:  ", check->fix);
    }
    (void) fputc('\n', stdout);
    if (n_missing)
        (void) printf("not ready: %zu of %zu checks failed\n", n_missing, doctor->n_checks);
    else
        (void) printf("ready: %zu of %zu checks ok, %zu limited\n", count(doctor, DOCTOR_OK),
                      doctor->n_checks, count(doctor, DOCTOR_LIMITED));
}

static json_t *json_checks(const struct doctor *doctor)
{
    json_t *list = json_array();
    for (size_t i = 0; i < doctor->n_checks; i++) {
        const struct doctor_check *check = &doctor->checks[i];
        json_t *one =
            json_pack("{ss ss ss ss? ss?}", "name", check->name, "state", states[check->state].text,
                      "found", check->found, "cost", check->cost, "fix", check->fix);
        if (json_array_append_new(list, one) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static enum sl_status print_json(const struct doctor *doctor, struct sl_error *err)
{
    json_t *room = doctor->thread_room == SL_NO_LIMIT
                       ? json_null()
                       : json_integer((json_int_t) doctor->thread_room);
    json_t *json = json_pack("{ss sb s{so si} so}", "schema", "strandline.doctor/1", "ready",
                             count(doctor, DOCTOR_MISSING) == 0, "threads", "room", room, "needed",
                             DOCTOR_THREADS_NEEDED, "checks", json_checks(doctor));
    if (!json)
        return sl_fail(err, SL_ENOMEM, "no memory to print the findings");
    errno = 0;
    int dumped = json_dumpf(json, stdout, JSON_INDENT(2));
    json_decref(json);
    if (dumped < 0 || fputc('\n', stdout) == EOF)
        return sl_fail_errno(err, "cannot write the findings");
    return SL_OK;
}

static int run(int argc, char **argv)
{
    struct sl_options options = {.command = &cmd_doctor, .argc = argc, .argv = argv};
    enum sl_color color = SL_COLOR_AUTO;
    bool json = false;
    struct sl_error err = {0};

    for (int option; (option = options_next(&options)) != SL_OPTIONS_END;) {
        if (option == SL_OPTIONS_EXIT)
            return options.exit_status;
        if (option == OPTION_JSON)
            json = true;
        else
            color = (enum sl_color) options.word;
    }
    if (options.n_operands)
        return command_usage_error(&cmd_doctor, "unexpected '%s'", options.operands[0]);

    SL_AUTO(sl_arena) struct sl_arena *arena = sl_arena_new();
    struct doctor doctor = {.arena = arena};
    if (!arena) {
        (void) sl_fail(&err, SL_ENOMEM, "no memory to look");
        return command_error(&cmd_doctor, &err, SL_EXIT_UNMEASURED);
    }
    doctor_check_permissions(&doctor);
    doctor_check_sources(&doctor);
    doctor_check_limits(&doctor);
    doctor_check_packages(&doctor);

    struct sl_table_opts opts = output_table_opts(color, stdout);
    if (!json)
        print_text(&doctor, &opts);
    else if (print_json(&doctor, &err))
        return command_error(&cmd_doctor, &err, SL_EXIT_UNMEASURED);
    return count(&doctor, DOCTOR_MISSING) ? SL_EXIT_UNMEASURED : SL_EXIT_OK;
}

const struct sl_command cmd_doctor = {
    .name = "doctor",
    .usage = "[options]",
    .summary = "what this machine allows, what is missing, how to get it",
    .text = "Tries what the other commands need: looks at a child process through each source of\n"
            "registers, starts a nats-server, reads the limits.  What is limited costs something "
            "and is\nsaid; what is missing keeps 'run' from working, and the exit status is 3.\n",
    .options = options_of_doctor,
    .run = run,
};
