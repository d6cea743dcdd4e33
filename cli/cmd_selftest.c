/* SPDX-License-Identifier: Apache-2.0 */
/* strandline selftest: plant everything that is known to go wrong, and see whether it is found. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fail.h"
#include "cli/cmd.h"
#include "cli/interrupt.h"
#include "cli/options/options.h"
#include "cli/options/output.h"
#include "cli/selftest/print.h"
#include "harness/process/process.h"
#include "harness/run/run.h"
#include "rules/rules.h"

enum option_index { OPTION_JSON, OPTION_COLOR };

static const struct sl_option options_of_selftest[] = {
    [OPTION_JSON] = {"json", NULL, "print the table as JSON", 0},
    [OPTION_COLOR] = SL_OPTION_COLOR,
    {0},
};

/* Rows that are played in one run, for they need the same. */
struct part {
    struct sl_run_cell *cells;
    struct selftest_row **rows;
    size_t n;
    struct sl_run_result *result; /* what rows borrow from */
};

enum { PART_ALONE, PART_SERVER, N_PARTS };

/* "[3/24] quiet fault ..." on a terminal; user: NULL where nobody looks on. */
static void show(void *user, const struct sl_run_progress *now)
{
    if (user)
        (void) fprintf(stderr, "\r\033[K[%zu/%zu] %s %s", now->trial, now->n_trials,
                       now->cell->scenario->name, now->cell->fault ? now->cell->fault : "");
}

static void show_end(void)
{
    if (isatty(STDERR_FILENO))
        (void) fputs("\r\033[K", stderr);
}

static bool split(struct selftest *selftest, struct sl_arena *arena, struct part parts[N_PARTS])
{
    for (int i = 0; i < N_PARTS; i++) {
        parts[i].cells = sl_arena_array(arena, selftest->n_rows, sizeof *parts[i].cells);
        parts[i].rows = sl_arena_array(arena, selftest->n_rows, sizeof *parts[i].rows);
        if (!parts[i].cells || !parts[i].rows)
            return false;
    }
    for (size_t i = 0; i < selftest->n_rows; i++) {
        struct selftest_row *row = &selftest->rows[i];
        struct part *part =
            &parts[strcmp(row->cell.transport, "nats") == 0 ? PART_SERVER : PART_ALONE];
        row->reason = "it was interrupted before";
        part->cells[part->n] = row->cell;
        part->rows[part->n++] = row;
    }
    return true;
}

/* A run that cannot begin is a reason for each of its rows. */
static void
play(struct part *part, int wake_fd, const struct sl_rules *rules, struct sl_arena *arena)
{
    const struct sl_run_plan plan = {part->cells, part->n};
    const struct sl_run_opts opts = {.plan = &plan,
                                     .seed = 1,
                                     .rules = {rules->rules, rules->n},
                                     .wake_fd = wake_fd,
                                     .on_trial = show,
                                     .user = isatty(STDERR_FILENO) ? stderr : NULL};
    struct sl_error err = {0};

    if (!part->n)
        return;
    if (sl_run_execute(&opts, &part->result, &err)) {
        for (size_t i = 0; i < part->n; i++)
            part->rows[i]->reason = sl_arena_strdup(arena, err.text);
        return;
    }
    /* Those that were played are the first ones, in their order. */
    for (size_t i = 0; i < part->result->n_cells; i++)
        selftest_judge(part->rows[i], part->result->cells[i].trials, part->result->arena);
}

static int exit_of(const struct selftest *selftest)
{
    int status = SL_EXIT_OK;

    for (size_t i = 0; i < selftest->n_rows; i++) {
        if (selftest->rows[i].outcome == SELFTEST_NOT_PLAYED)
            return SL_EXIT_UNMEASURED;
        if (selftest->rows[i].outcome != SELFTEST_HIT)
            status = SL_EXIT_FAILED;
    }
    return status;
}

static int play_all(struct selftest *selftest, struct part parts[N_PARTS], struct sl_arena *arena,
                    bool json, enum sl_color color)
{
    struct sl_page page = output_page(color, stdout);
    SL_CLEANUP(sl_rules_release) struct sl_rules rules = {0};
    struct sl_error err = {0};
    int wake_fd = -1;

    sl_process_adopt_orphans();
    if (sl_rules_init(&rules, &err) || sl_rules_load_shipped(&rules, &err) ||
        interrupt_catch(&wake_fd, &err))
        return command_error(&cmd_selftest, &err, SL_EXIT_UNMEASURED);
    for (int i = 0; i < N_PARTS; i++)
        play(&parts[i], wake_fd, &rules, arena);
    show_end();
    page.arena = arena;
    if (!json)
        selftest_print(selftest, &page);
    else if (selftest_print_json(selftest, stdout, &err))
        return command_error(&cmd_selftest, &err, SL_EXIT_UNMEASURED);
    return exit_of(selftest);
}

static int run(int argc, char **argv)
{
    struct sl_options options = {.command = &cmd_selftest, .argc = argc, .argv = argv};
    SL_AUTO(sl_arena) struct sl_arena *arena = sl_arena_new();
    struct part parts[N_PARTS] = {0};
    enum sl_color color = SL_COLOR_AUTO;
    struct selftest selftest;
    struct sl_error err = {0};
    bool json = false;

    for (int option; (option = options_next(&options)) != SL_OPTIONS_END;) {
        if (option == SL_OPTIONS_EXIT)
            return options.exit_status;
        if (option == OPTION_JSON)
            json = true;
        else
            color = (enum sl_color) options.word;
    }
    if (options.n_operands)
        return command_usage_error(&cmd_selftest, "unexpected '%s'", options.operands[0]);
    if (!arena || !selftest_list(arena, &selftest) || !split(&selftest, arena, parts)) {
        (void) sl_fail(&err, SL_ENOMEM, "out of memory for the self-test");
        return command_error(&cmd_selftest, &err, SL_EXIT_UNMEASURED);
    }
    int status = play_all(&selftest, parts, arena, json, color);
    for (int i = 0; i < N_PARTS; i++)
        sl_run_result_free(parts[i].result);
    return status;
}

const struct sl_command cmd_selftest = {
    .name = "selftest",
    .usage = "[options]",
    .summary = "plant every known fault and see whether each is found and named",
    .text =
        "Plays each fault of the bus and each state in which threads stay, in a process of its\n"
        "own, and loads in which nothing is wrong.  A row is a hit when what is there was found\n"
        "and called by its name, and nothing else was.  Exit status: 1 a miss or a false alarm,\n"
        "3 a row could not be played.  Takes some minutes.\n",
    .options = options_of_selftest,
    .run = run,
};
