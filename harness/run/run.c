/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/run/run.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "base/clock.h"
#include "base/fail.h"
#include "harness/leak/rules_used.h"
#include "harness/process/busy.h"
#include "harness/process/environment.h"
#include "harness/run/control.h"
#include "harness/run/declaration.h"
#include "harness/run/trial.h"
#include "harness/run/trial_result.h"
#include "harness/server/server.h"

#define PROBE_NS (5 * SL_NS_PER_S)
/* Ours is on this machine and has nothing else to do. */
#define PRIVATE_PROBE_NS (2 * SL_NS_PER_S)

struct run {
    const struct sl_run_opts *opts;
    uint64_t id; /* random: no other run's names on a broker begin with it */
    struct sl_run_result *result;
    struct sl_arena *arena;
    struct sl_server *server;        /* private; NULL when none was needed */
    struct sl_cell_result *cells;    /* one per cell of the plan */
    struct sl_trial_result **trials; /* the same arrays as cells[].trials, to be filled */
    size_t n_played, n_trials;
    const struct sl_run_cell *cell; /* being played */
    struct sl_leak_report control;  /* what was found of the planted leak */
    struct sl_busy began;
};

static bool needs_server(const struct sl_run_cell *cell)
{
    return strcmp(cell->transport, "nats") == 0;
}

static bool plan_needs_server(const struct sl_run_plan *plan)
{
    for (size_t i = 0; i < plan->n_cells; i++)
        if (needs_server(&plan->cells[i]))
            return true;
    return false;
}

/* Servers in a comma-separated list. */
static uint64_t count_servers(const char *servers)
{
    uint64_t n = 1;

    for (; *servers; servers++)
        n += *servers == ',';
    return n;
}

static void describe_server(struct run *run, const char *version, const char *servers)
{
    struct sl_environment *environment = &run->result->environment;

    if (environment->nats_server)
        return;
    environment->nats_server = sl_arena_strdup(run->arena, version);
    environment->nats_servers = SL_VALUE(count_servers(servers));
}

/* A private server with every node running: the one that is there if it answers, or a new one. */
static enum sl_status provide_private(struct run *run, struct sl_error *err)
{
    const struct sl_server_opts opts = {.program = run->opts->server_program,
                                        .nodes = run->opts->cluster};
    char version[64];

    /* What the last trial did not need may be mended; a server that died has lost messages. */
    if (run->server && sl_server_is_alive(run->server) &&
        !sl_server_probe(sl_server_url(run->server), PRIVATE_PROBE_NS, version, sizeof version,
                         NULL) &&
        !sl_server_restart(run->server, NULL))
        return SL_OK;
    sl_server_stop(SL_TAKE(run->server));
    enum sl_status status = sl_server_start(&opts, &run->server, err);
    if (!status)
        describe_server(run, sl_server_version(run->server), sl_server_url(run->server));
    return status;
}

/* A server that answers: the one named, or a private one. */
static enum sl_status provide_server(struct run *run, struct sl_error *err)
{
    char version[64];

    if (run->opts->bus.servers) {
        enum sl_status status =
            sl_server_probe(run->opts->bus.servers, PROBE_NS, version, sizeof version, err);
        if (!status)
            describe_server(run, version, run->opts->bus.servers);
        return status;
    }
    return provide_private(run, err);
}

/* Servers that keep each message. */
static uint32_t replicas_of(const struct run *run)
{
    return run->opts->bus.replicas ? run->opts->bus.replicas : SL_MAX(run->opts->cluster, 1u);
}

/* Processes that publish, each with the publishers of the scenario. */
static uint32_t count_publishing(const struct run *run, const struct sl_run_cell *cell)
{
    const struct sl_agents *agents = run->opts->agents;
    return agents && needs_server(cell) ? agents->n_of[SL_PART_PUBLISH] : 1;
}

/* A setting as it was given to the driver, or that it made no difference. */
static struct sl_value used_setting(const struct run *run, enum sl_setting setting, uint64_t value)
{
    const char *missing = sl_declaration_without(run->opts->bus.declaration, setting);
    return missing ? SL_MISSING_VALUE(missing) : SL_VALUE(value);
}

static struct sl_value used_replicas(const struct run *run, const struct sl_run_cell *cell)
{
    if (!needs_server(cell))
        return SL_MISSING_VALUE("no servers to replicate to");
    return used_setting(run, SL_SETTING_REPLICAS, replicas_of(run));
}

static struct sl_cell_config describe_config(const struct run *run, const struct sl_run_cell *cell)
{
    const struct sl_scenario_load *load = &cell->scenario->load;
    char keys[64];

    sl_keys_format(load, keys, sizeof keys);
    return (struct sl_cell_config){
        .events = load->events,
        .topics = load->topics,
        .aggregates = load->aggregates,
        .payload = load->payload,
        .workers = used_setting(run, SL_SETTING_WORKERS, cell->pool.workers),
        .queue = used_setting(run, SL_SETTING_QUEUE, cell->pool.queue),
        .enqueue_wait_ns = used_setting(run, SL_SETTING_ENQUEUE_WAIT, cell->pool.enqueue_wait_ns),
        .stack_size = used_setting(run, SL_SETTING_STACK_SIZE, cell->pool.stack_size),
        .rate = load->rate ? SL_VALUE(load->rate) : SL_MISSING_VALUE("saturating load"),
        .publishers = (uint64_t) load->publishers * count_publishing(run, cell),
        .handler_cost_ns = load->handler_cost_ns,
        .handler_kind = sl_handler_kind_text(load->handler),
        .keys = sl_arena_strdup(run->arena, keys),
        .storage = sl_declaration_without(run->opts->bus.declaration, SL_SETTING_STORAGE)
                       ? NULL
                       : sl_storage_text(load->storage),
        .replicas = used_replicas(run, cell),
        .settle_ns = load->settle_ns,
        .timeout_ns = load->timeout_ns,
        .close_deadline_ns = load->close_deadline_ns,
        .expects_leaks = cell->fault != NULL,
    };
}

static struct sl_claim describe_claim(const struct sl_variant *variant, struct sl_arena *arena)
{
    if (!variant)
        return (struct sl_claim){.leaked = SL_MISSING_VALUE("no claim")};
    return (struct sl_claim){
        .label = sl_arena_strdup(arena, variant->name),
        .leaked =
            variant->has_claim ? SL_VALUE(variant->claimed_leaks) : SL_MISSING_VALUE("no claim"),
    };
}

/* Cells of the result with room for all their trials. */
static enum sl_status prepare_cells(struct run *run, struct sl_error *err)
{
    const struct sl_run_plan *plan = run->opts->plan;

    run->cells = sl_arena_array(run->arena, plan->n_cells, sizeof *run->cells);
    run->trials = sl_arena_array(run->arena, plan->n_cells, sizeof *run->trials);
    if (!run->cells || !run->trials)
        return sl_fail(err, SL_ENOMEM, "out of memory for the results");
    for (size_t i = 0; i < plan->n_cells; i++) {
        const struct sl_run_cell *cell = &plan->cells[i];
        run->trials[i] = sl_arena_array(run->arena, cell->trials, sizeof **run->trials);
        if (!run->trials[i])
            return sl_fail(err, SL_ENOMEM, "out of memory for the results");
        run->cells[i] = (struct sl_cell_result){
            .key = {sl_arena_strdup(run->arena, cell->scenario->name), sl_mode_text(cell->mode),
                    sl_arena_strdup(run->arena, cell->transport),
                    sl_arena_strdup(run->arena, cell->fault)},
            .config = describe_config(run, cell),
            .claim = describe_claim(cell->variant, run->arena),
            .trials = run->trials[i],
        };
        run->n_trials += cell->trials;
        run->result->run.trials_planned = SL_VALUE(run->n_trials);
    }
    return SL_OK;
}

static void tell(void *user, const struct sl_trial_progress *at)
{
    const struct run *run = user;
    const struct sl_run_progress progress = {run->n_played + 1, run->n_trials, run->cell, *at};

    run->opts->on_trial(run->opts->user, &progress);
}

/* Play one trial into *ret_trial.  Only an interrupt or want of memory ends the run. */
static enum sl_status play_trial(struct run *run, const struct sl_run_cell *cell,
                                 struct sl_trial_result *ret_trial, struct sl_error *err)
{
    struct sl_error local = {0};
    enum sl_status status = needs_server(cell) ? provide_server(run, &local) : SL_OK;
    char prefix[SL_NAME_MAX];
    struct sl_trial_input input = {
        .cell = cell,
        .bus = run->opts->bus,
        .agents = needs_server(cell) ? run->opts->agents : NULL,
        .prefix = prefix,
        .seed = run->opts->seed,
        .cycles = run->opts->cycles,
        .rules = run->opts->rules,
        .control = cell->planted,
        .strict = run->opts->strict,
        .no_prove = run->opts->no_prove,
        .watch = {run->opts->on_trial ? tell : NULL, run},
        .on_output = run->opts->on_output,
        .output_user = run->opts->user,
        .wake_fd = run->opts->wake_fd,
    };

    (void) snprintf(prefix, sizeof prefix, SL_PREFIX "%016llx_%zu_", (unsigned long long) run->id,
                    run->n_played);
    input.bus.replicas = replicas_of(run);
    if (!status && needs_server(cell) && run->server) {
        input.bus.servers = sl_server_url(run->server);
        input.server = run->server;
    }
    if (!status)
        status = sl_trial_run(&input, run->arena, ret_trial, &run->result->driver, &local);
    if (run->opts->bus.servers && needs_server(cell))
        (void) !sl_trial_purge(&input, NULL); /* what stays has this run's prefix */
    if (status == SL_ECLOSED || status == SL_ENOMEM)
        return sl_fail(err, status, "%s", local.text);
    if (status) {
        sl_trial_result_init(ret_trial, "the trial could not be played");
        ret_trial->reason = sl_arena_strdup(run->arena, local.text);
    }
    return SL_OK;
}

/* The round-th trial of the cells first to last, which belong to one scenario. */
static enum sl_status
play_round(struct run *run, size_t first, size_t last, uint32_t round, struct sl_error *err)
{
    for (size_t i = 0; i < last - first; i++) {
        size_t at = round % 2 ? last - 1 - i : first + i;
        const struct sl_run_cell *cell = &run->opts->plan->cells[at];
        if (round >= cell->trials)
            continue;
        run->cell = cell;
        if (run->opts->on_trial)
            tell(run, &(struct sl_trial_progress){0});
        struct sl_cell_result *result = &run->cells[at];
        enum sl_status status = play_trial(run, cell, &run->trials[at][result->n_trials], err);
        if (status)
            return status;
        result->n_trials++;
        run->n_played++;
    }
    return SL_OK;
}

static enum sl_status play_cells(struct run *run, struct sl_error *err)
{
    const struct sl_run_plan *plan = run->opts->plan;
    enum sl_status status = SL_OK;

    for (size_t first = 0, last; !status && first < plan->n_cells; first = last) {
        uint32_t rounds = 0;
        for (last = first;
             last < plan->n_cells && plan->cells[last].scenario == plan->cells[first].scenario;
             last++)
            rounds = SL_MAX(rounds, plan->cells[last].trials);
        for (uint32_t round = 0; !status && round < rounds; round++)
            status = play_round(run, first, last, round, err);
    }
    return status;
}

/* A rule that fits the planted leak may as well hide, or explain away, any other. */
static enum sl_status blame_rule(struct run *run, struct sl_error *err)
{
    struct sl_control *control = &run->result->control;
    const struct sl_leak_rule *rule = run->control.n_matches ? run->control.matches[0].rule : NULL;

    if (!rule)
        return SL_OK;
    control->found = rule->kind == SL_LEAK_RULE_IGNORE ? run->control.count : 0;
    control->reason = sl_arena_printf(run->arena, "the rule in %s:%" PRIu32 " fits them, too",
                                      rule->file, rule->line);
    return control->reason ? SL_OK : sl_fail(err, SL_ENOMEM, "out of memory for the control");
}

/* Plant a known leak and look for it, with everything that the real trials use. */
static enum sl_status play_control(struct run *run, struct sl_error *err)
{
    static const struct sl_scenario scenario = {
        .name = "control",
        .load = {.events = 16,
                 .topics = 1,
                 .aggregates = 4,
                 .payload = SL_PAYLOAD_MIN,
                 .publishers = 1,
                 .settle_ns = 200 * SL_NS_PER_MS,
                 .timeout_ns = 10 * SL_NS_PER_S,
                 .close_deadline_ns = 10 * SL_NS_PER_S},
    };
    static const struct sl_run_cell cell = {
        .scenario = &scenario, .mode = SL_MODE_UNIFIED, .transport = "none", .trials = 1};
    const struct sl_trial_input input = {.cell = &cell,
                                         .prefix = "control",
                                         .control = true,
                                         .seed = run->opts->seed,
                                         .rules = run->opts->rules,
                                         .wake_fd = run->opts->wake_fd};
    struct sl_control *control = &run->result->control;
    struct sl_trial_result trial;
    const char *driver;

    control->planted = SL_CONTROL_THREADS;
    control->reason = "interrupted before it was played";
    enum sl_status status = sl_trial_run(&input, run->arena, &trial, &driver, err);
    if (status)
        return status;
    run->control = trial.leaks;
    control->ran = trial.status == SL_TRIAL_OK && !trial.leaks_missing;
    control->found = control->ran ? trial.leaks.count : 0;
    control->reason = !control->ran ? trial.reason ? trial.reason : trial.leaks_missing
                      : control->found != control->planted
                          ? "the number found is not the number planted"
                          : NULL;
    return control->ran ? blame_rule(run, err) : SL_OK;
}

/* Only cells that were played stay in the result. */
static void finish(struct run *run, bool interrupted)
{
    struct sl_run_result *result = run->result;
    size_t n_cells = 0;

    for (size_t i = 0; i < run->opts->plan->n_cells; i++)
        if (run->cells[i].n_trials)
            run->cells[n_cells++] = run->cells[i];
    result->cells = run->cells;
    result->n_cells = n_cells;
    result->proof_assumptions = sl_proof_assumptions;
    result->n_proof_assumptions = run->opts->no_prove ? 0 : sl_proof_n_assumptions;
    result->run.interrupted = interrupted;
    result->environment.load_after = sl_environment_load();
    struct sl_busy ended = sl_busy_now(); /* no child is left that was not waited for */
    result->environment.cpus_of_others = sl_busy_others(&run->began, &ended);
    result->environment.cpus_stolen = sl_busy_stolen(&run->began, &ended);
}

/* What this run can say of the driver's use of it only because it was asked for; or NULL. */
static const char *
describe_undeclared(const struct sl_declaration *declaration, struct sl_arena *arena)
{
    static const struct {
        unsigned bit;
        const char *text;
    } lists[] = {{SL_DECLARES_TRANSPORTS, "transport"},
                 {SL_DECLARES_MODES, "mode"},
                 {SL_DECLARES_SETTINGS, "workers and other settings"}};
    const char *text = NULL;

    for (size_t i = 0; declaration && i < SL_COUNT_OF(lists); i++)
        if (!(declaration->declares & lists[i].bit))
            text =
                sl_arena_printf(arena, "%s%s%s", text ? text : "", text ? ", " : "", lists[i].text);
    return text;
}

static enum sl_status start_result(struct run *run, struct sl_error *err)
{
    char text[32];
    time_t now = time(NULL);
    struct tm parts;

    if (getrandom(&run->id, sizeof run->id, 0) != (ssize_t) sizeof run->id)
        return sl_fail_errno(err, "cannot get random bytes");
    run->began = sl_busy_now();
    run->result->arena = run->arena;
    run->result->run.seed = run->opts->seed;
    (void) strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &parts));
    run->result->run.started_at = sl_arena_strdup(run->arena, text);
    sl_environment_read(run->arena, &run->result->environment);
    run->result->environment.nats_servers = SL_MISSING_VALUE("no server was needed");
    run->result->driver_undeclared = describe_undeclared(run->opts->bus.declaration, run->arena);
    return prepare_cells(run, err);
}

enum sl_status sl_run_execute(const struct sl_run_opts *opts, struct sl_run_result **ret_result,
                              struct sl_error *err)
{
    SL_AUTO(sl_arena) struct sl_arena *arena = sl_arena_new();
    struct run run = {.opts = opts, .arena = arena};

    run.result = arena ? sl_arena_alloc(arena, sizeof *run.result) : NULL;
    if (!run.result)
        return sl_fail(err, SL_ENOMEM, "out of memory for the results");
    enum sl_status status = start_result(&run, err);
    if (!status && plan_needs_server(opts->plan))
        status = provide_server(&run, err);
    if (!status && plan_needs_server(opts->plan) && opts->bus.servers)
        status = sl_server_ask(opts->bus.servers, PROBE_NS, err);
    if (!status)
        status = play_control(&run, err);
    if (!status)
        status = play_cells(&run, err);
    sl_server_stop(run.server);
    if (status && status != SL_ECLOSED)
        return status;
    finish(&run, status == SL_ECLOSED);
    status = sl_leak_rules_used(&opts->rules, &run.control, run.result, err);
    if (status)
        return status;
    *ret_result = run.result;
    (void) SL_TAKE(arena); /* the result owns it now */
    return SL_OK;
}
