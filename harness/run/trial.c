/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/run/trial.h"

#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "base/url.h"
#include "harness/process/leftover.h"
#include "harness/run/declaration.h"
#include "harness/run/hang.h"
#include "harness/run/trial_agents.h"
#include "harness/run/trial_cycles.h"
#include "harness/run/trial_end.h"
#include "harness/run/trial_result.h"

#define CLOSE_GRACE_NS (2 * SL_NS_PER_S)
#define TEARDOWN_NS    (30 * SL_NS_PER_S)

/* A library that cannot be shut down is mostly one that leaked threads still use. */
static void keep_failure(struct trial *trial, const struct sl_failure_record *failure)
{
    trial->failure_told = true;
    if (failure->status == SL_EPROTO) /* no number of such a driver can be trusted */
        trial->result->reason = NULL;
    if (failure->phase == SL_PHASE_TORN_DOWN)
        trial->teardown_failure = sl_arena_strdup(trial->arena, failure->text);
    else
        trial_fail(trial, SL_TRIAL_FAILED, (enum sl_step) failure->step, failure->text);
}

static void keep_driver(struct trial *trial)
{
    const struct sl_driver_record *driver = &trial->driver;

    for (size_t i = 0; i < SL_DRIVER_MODULES && driver->library_modules[i][0]; i++)
        trial->modules[i] = driver->library_modules[i];
    for (size_t i = 0; i < SL_DRIVER_WITNESSES && driver->witnesses[i].text[0]; i++) {
        const char *module = driver->witnesses[i].module;
        const char *function = driver->witnesses[i].function;
        trial->witnesses[i] = (struct sl_leak_witness){
            .module = module[0] ? module : NULL,
            .function = function[0] ? function : NULL,
            .socket = driver->witnesses[i].socket,
            .text = driver->witnesses[i].text,
        };
    }
}

static uint64_t phase_limit_ns(const struct trial *trial)
{
    const struct sl_scenario_load *load = &trial->input->cell->scenario->load;

    switch (trial->phase) {
    case SL_PHASE_START:
    case SL_PHASE_OPEN:
        return load->timeout_ns + TRIAL_GRACE_NS;
    case SL_PHASE_CLOSING:
        return load->close_deadline_ns + CLOSE_GRACE_NS;
    case SL_PHASE_CLOSED: /* or the next cycle */
        return SL_MAX(TEARDOWN_NS, load->timeout_ns + TRIAL_GRACE_NS);
    default:
        return TRIAL_GRACE_NS;
    }
}

/* One record of the subject, which is what it may say, into trial->record. */
static enum sl_status read_record(struct trial *trial, uint64_t deadline_ns, struct sl_error *err)
{
    bool subject = false;

    while (!subject) {
        enum sl_status status = trial_await(trial, deadline_ns, &subject, err);
        if (status)
            return status;
    }
    enum sl_status status =
        sl_record_read(trial->process.from_fd, deadline_ns, &trial->record, err);
    return status ? status : sl_dialogue_take(&trial->dialogue, &trial->record, err);
}

/* What the subject tells besides its phases. */
static enum sl_status keep_record(struct trial *trial, struct sl_error *err)
{
    const struct sl_record *record = &trial->record;

    switch (record->type) {
    case SL_RECORD_TALLY:
        sl_tally_free(SL_TAKE(trial->tally));
        return sl_tally_unpack(record->data, record->size,
                               trial->input->cell->scenario->load.events, &trial->tally, err);
    case SL_RECORD_FAILURE:
        keep_failure(trial, record->data);
        return SL_OK;
    default:
        memcpy(&trial->driver, record->data, sizeof trial->driver);
        keep_driver(trial);
        return SL_OK;
    }
}

/* The next phase record; what the subject tells besides is kept on the way. */
static enum sl_status
await_phase(struct trial *trial, struct sl_phase_record *ret_record, struct sl_error *err)
{
    uint64_t deadline = sl_clock_now_ns() + phase_limit_ns(trial);

    enum sl_status status = read_record(trial, deadline, err);
    while (!status && trial->record.type != SL_RECORD_PHASE) {
        status = keep_record(trial, err);
        if (!status)
            status = read_record(trial, deadline, err);
    }
    if (!status)
        memcpy(ret_record, trial->record.data, sizeof *ret_record);
    return status;
}

static const struct sl_leak_words bus_words = {
    .size = sizeof bus_words,
    .end = "Close",
    .not_reached = "Close was never called",
    .left = "Close left what it has to end",
    .not_ours = "of the process, not of the bus",
    .strict = "--strict",
    .no_teardown = "teardown was not reached",
};

static struct sl_value count_threads(const struct trial *trial, const char *look)
{
    return SL_VALUE(sl_observation_snapshot(trial->observation, look)->n_threads);
}

static enum sl_status at_start(struct trial *trial, struct sl_error *err)
{
    const struct sl_observation_opts opts = {
        .size = sizeof opts,
        .settle_ns = SL_MAX(trial->input->cell->scenario->load.settle_ns, UINT64_C(1)),
        .wake_fd = trial->input->wake_fd,
        .strict = trial->input->strict,
        .prove = !trial->input->no_prove,
        .library_modules = trial->modules, /* empty until the subject has told of its driver */
        .witnesses = trial->witnesses,
        .words = &bus_words,
    };
    pid_t pid = trial->process.pid;

    enum sl_status status = sl_observation_begin(pid, &opts, &trial->observation, err);
    if (!status)
        sl_observation_use_rules(trial->observation, &trial->input->rules);
    if (!status)
        status = sl_holdings_read(&trial->process, &trial->held, err);
    if (status)
        return status;
    trial->result->threads.before = count_threads(trial, SL_LOOK_BEGIN);
    trial->result->resources.fds_before = sl_process_fds(pid);
    return trial_agents_open(trial, err);
}

/* A bus cannot have, or leave, more threads than the kernel knows of. */
static enum sl_status
check_threads(struct trial *trial, const char *what, uint32_t claimed, struct sl_error *err)
{
    struct sl_value seen = sl_process_threads(trial->process.pid);

    trial->most_threads = SL_MAX(trial->most_threads, seen.missing ? UINT32_MAX : seen.value);
    return claimed <= trial->most_threads
               ? SL_OK
               : sl_fail(err, SL_EPROTO,
                         "the driver claims %u threads %s, and the process had %llu at most",
                         claimed, what, (unsigned long long) trial->most_threads);
}

static enum sl_status
at_loaded(struct trial *trial, struct sl_phase_record *told, struct sl_error *err)
{
    struct sl_load_record *record = &told->load;

    enum sl_status status = check_threads(trial, "of the bus", told->bus_threads, err);
    if (!status)
        status = trial_agents_close(trial, err);
    if (!status)
        status = trial_agents_merge(trial, record, err);
    if (!status)
        status = sl_observation_mark(trial->observation, "loaded", err);
    if (status)
        return status;
    trial->result->threads.peak = count_threads(trial, "loaded");
    trial->result->resources.rss_peak = sl_process_rss_peak(trial->process.pid);
    sl_trial_result_load(trial->result, record, &trial->input->cell->scenario->load, trial->arena);
    if (record->timed_out)
        trial_fail(trial, SL_TRIAL_TIMEOUT, (enum sl_step) record->late_step,
                   record->ended[0] ? record->ended : "the load did not end in time");
    return SL_OK;
}

/* Besides threads, once these have settled. */
static enum sl_status find_leftovers(struct trial *trial, struct sl_error *err)
{
    sl_holdings_free(SL_TAKE(trial->held_closed)); /* of the cycle before */
    enum sl_status status = sl_holdings_read(&trial->process, &trial->held_closed, err);

    return status ? status
                  : sl_holdings_compare(trial->held, trial->held_closed, trial->arena,
                                        &trial->result->left, err);
}

/* Wait until the threads have settled.  Where Close gave up, its stacks are those of its end. */
static enum sl_status
settle(struct trial *trial, const struct sl_phase_record *record, struct sl_error *err)
{
    enum sl_status status = sl_observation_settle(trial->observation, record->at_ns, err);
    const struct sl_snapshot *end = sl_observation_snapshot(trial->observation, SL_LOOK_END);

    if (record->close_timed_out && end)
        sl_hang_describe(end, NULL, "closed", trial->arena, trial->result);
    return status;
}

static enum sl_status
at_closed(struct trial *trial, struct sl_phase_record *record, struct sl_error *err)
{
    struct sl_trial_result *result = trial->result;
    pid_t pid = trial->process.pid;

    enum sl_status status =
        check_threads(trial, "that Close abandoned", record->threads_abandoned, err);
    if (!status)
        status = trial_agents_merge(trial, &record->load, err);
    if (status)
        return status;
    result->close.reached = true;
    sl_trial_result_close(result, record, trial->arena);
    /* Of a shared load whose agents have not told everything, nothing is known. */
    if (!trial->agents_begun || trial->agents_closed)
        sl_trial_result_delivery(result, &record->load.counts, trial->arena);
    if (record->close_timed_out)
        trial_fail(trial, SL_TRIAL_TIMEOUT, SL_STEP_CLOSE, "Close did not end within its deadline");
    status = settle(trial, record, err);
    if (!status && trial->input->cycles)
        status = trial_cycles_count(trial, err);
    if (status)
        return status;
    result->threads.after = count_threads(trial, SL_LOOK_SETTLED);
    result->snapshot = sl_observation_snapshot(trial->observation, SL_LOOK_SETTLED)->stats;
    result->resources.rss_peak = sl_process_rss_peak(pid); /* Close may need more */
    result->resources.rss_after = sl_process_rss(pid);
    result->resources.fds_after = sl_process_fds(pid);
    return trial->held ? find_leftovers(trial, err) : SL_OK;
}

/* Threads that neither were there when Close had settled nor are gone after the rest. */
static enum sl_status at_torn_down(struct trial *trial, struct sl_error *err)
{
    enum sl_status status = sl_observation_mark(trial->observation, "torn_down", err);
    const struct sl_snapshot *now = sl_observation_snapshot(trial->observation, "torn_down");
    const struct sl_snapshot *settled =
        sl_observation_snapshot(trial->observation, SL_LOOK_SETTLED);

    return status || !settled
               ? status
               : sl_left_threads(settled, now, trial->arena, &trial->result->left, err);
}

static enum sl_status
at_phase(struct trial *trial, struct sl_phase_record *record, struct sl_error *err)
{
    if (trial->phase == SL_PHASE_CLOSED && record->phase == SL_PHASE_OPEN)
        trial_cycles_next(trial);
    trial->phase = (int) record->phase;
    trial->result->phase = sl_phase_text(record->phase);
    trial->states_at = record->load.states_at;
    switch (record->phase) {
    case SL_PHASE_START:
        return at_start(trial, err);
    case SL_PHASE_LOADED:
        return at_loaded(trial, record, err);
    case SL_PHASE_CLOSING:
        trial->result->close.reached = true;
        return SL_OK;
    case SL_PHASE_CLOSED:
        return at_closed(trial, record, err);
    case SL_PHASE_TORN_DOWN:
        return at_torn_down(trial, err);
    default: /* open: nothing may be looked at while load is about to run */
        return trial_agents_go(trial, err);
    }
}

/* All phases, until the last one or until one does not come. */
static enum sl_status play_phases(struct trial *trial, struct sl_error *err)
{
    while (trial->phase != SL_PHASE_TORN_DOWN) {
        struct sl_phase_record record;
        enum sl_status status = await_phase(trial, &record, err);
        if (!status)
            status = at_phase(trial, &record, err);
        if (!status)
            status = sl_dialogue_go(&trial->dialogue, trial->process.from_fd, err);
        if (!status)
            status = sl_record_write(trial->process.to_fd, SL_RECORD_GO, NULL, 0, err);
        if (!status && record.phase == SL_PHASE_OPEN)
            status = trial_agents_publish(trial, err);
        if (status)
            return status;
    }
    return SL_OK;
}

static enum sl_status analyse(struct trial *trial, struct sl_error *err)
{
    struct sl_trial_result *result = trial->result;

    if (!sl_observation_snapshot(trial->observation, SL_LOOK_SETTLED)) {
        result->leaks_missing = !result->close.reached ? "the subject did not get as far as Close"
                                : !sl_observation_snapshot(trial->observation, SL_LOOK_END)
                                    ? "Close did not return"
                                    : "the subject ended soon after Close";
        result->leaks.unjoined_missing = result->leaks_missing;
        return SL_OK;
    }
    if (!result->threads.peak.missing && result->threads.peak.value <= result->threads.before.value)
        trial_fail(trial, SL_TRIAL_FAILED, SL_STEP_NONE,
                   "no more threads at the peak than before, so no leaks would prove nothing");
    result->leaks_missing = NULL;
    enum sl_status status =
        sl_observation_report(trial->observation, trial->arena, &result->leaks, err);
    if (!status && trial->teardown_failure && !result->leaks.count)
        trial_fail(trial, SL_TRIAL_FAILED, SL_STEP_TEARDOWN, trial->teardown_failure);
    else if (!status && trial->teardown_failure && !result->close.detail)
        result->close.detail = trial->teardown_failure;
    return status;
}

/* Texts one behind the other, the list ends with an empty one. */
static enum sl_status
pack_args(const char *const *args, char *to, size_t size, struct sl_error *err)
{
    size_t at = 0, n = 0;

    for (; args && args[n]; n++) {
        size_t length = strlen(args[n]) + 1;
        if (n == SL_ARGS_MAX || length > size - 1 - at)
            return sl_fail(err, SL_ELIMIT, "more than %d arguments or %zu bytes for the driver",
                           SL_ARGS_MAX, size);
        memcpy(to + at, args[n], length);
        at += length;
    }
    to[at] = '\0';
    return SL_OK;
}

/* config: all zero */
static enum sl_status make_config(const struct sl_trial_input *input, enum sl_subject_job job,
                                  struct sl_subject_config *config, struct sl_error *err)
{
    if (input->cycles > SL_CYCLES_MAX)
        return sl_fail(err, SL_EINVAL, "more than %d cycles of a trial", SL_CYCLES_MAX);
    config->load = input->cell->scenario->load;
    config->pool = input->cell->pool;
    config->mode = input->cell->mode;
    config->replicas = input->bus.replicas;
    config->cycles = input->cycles;
    config->job = job;
    config->control = input->control;
    config->seed = input->seed;
    const struct {
        char *to;
        size_t size;
        const char *from, *what;
    } texts[] = {
        {config->transport, sizeof config->transport, input->cell->transport, "transport"},
        {config->fault, sizeof config->fault, input->cell->fault, "fault"},
        {config->prefix, sizeof config->prefix, input->prefix, "prefix"},
        {config->driver_path, sizeof config->driver_path, input->bus.driver_path, "driver path"},
    };
    for (size_t i = 0; i < SL_COUNT_OF(texts); i++) {
        const char *from = texts[i].from ? texts[i].from : "";
        if (strlen(from) >= texts[i].size)
            return sl_fail(err, SL_EINVAL, "%s is longer than %zu bytes", texts[i].what,
                           texts[i].size - 1);
        memcpy(texts[i].to, from, strlen(from) + 1);
    }
    enum sl_status status =
        sl_subject_config_aim(config, input->bus.servers, input->bus.credentials, err);
    return status ? status
                  : pack_args(input->bus.driver_args, config->args, sizeof config->args, err);
}

static enum sl_status start_process(struct trial *trial, struct sl_error *err)
{
    const struct sl_run_cell *cell = trial->input->cell;
    char title[2 * SL_NAME_MAX];

    (void) snprintf(title, sizeof title, "strandline: %s/%s", cell->scenario->name,
                    sl_mode_text(cell->mode));
    return sl_process_start(title, true, &trial->process, err);
}

/* Start the subject, and the agents' part of the trial. */
static enum sl_status
start_subject(struct trial *trial, enum sl_subject_job job, struct sl_error *err)
{
    SL_AUTO_FREE struct sl_subject_config *config = calloc(1, sizeof *config);
    const struct sl_trial_input *input = trial->input;
    size_t tally = input->agents ? sl_tally_size_max(input->cell->scenario->load.events) : 0;

    if (!config || !sl_record_make_room(&trial->record, tally))
        return sl_fail(err, SL_ENOMEM, "out of memory for a trial");
    enum sl_status status = make_config(input, job, config, err);
    if (!status && job == SL_JOB_PLAY)
        status = trial_agents_begin(trial, config, err);
    if (!status)
        status = start_process(trial, err);
    sl_dialogue_begin(&trial->dialogue, config);
    return status ? status
                  : sl_record_write(trial->process.to_fd, SL_RECORD_CONFIG, config, sizeof *config,
                                    err);
}

static void release(struct trial *trial)
{
    sl_process_end(&trial->process);
    sl_holdings_free(trial->held);
    sl_holdings_free(trial->held_closed);
    free(trial->record.data);
    sl_tally_free(trial->tally);
    sl_observation_free(trial->observation);
}

static void pass_on(void *user, const char *line)
{
    const struct trial *trial = user;
    const struct sl_declaration *driver = trial->input->bus.declaration;
    SL_AUTO_FREE char *shown = strdup(line);

    if (!shown)
        return;
    sl_url_hide(shown);
    trial->input->on_output(trial->input->output_user, driver ? driver->name : "driver", shown);
}

enum sl_status sl_trial_run(const struct sl_trial_input *input, struct sl_arena *arena,
                            struct sl_trial_result *ret_result, const char **ret_driver,
                            struct sl_error *err)
{
    struct trial trial = {.input = input,
                          .arena = arena,
                          .result = ret_result,
                          .process = SL_PROCESS_NONE,
                          .phase = -1,
                          .began_ns = sl_clock_now_ns()};
    struct sl_error local = {0}; /* a subject's failure is no failure of ours */

    if (input->on_output)
        trial.output = (struct sl_output){.sink = pass_on, .user = &trial};
    sl_trial_result_init(ret_result, "the subject did not get so far");
    enum sl_status status = start_subject(&trial, SL_JOB_PLAY, err);
    if (!status) {
        ret_result->status = SL_TRIAL_OK;
        status = trial_conclude(&trial, play_phases(&trial, &local), &local);
        if (!status && !trial.distrusted)
            status = analyse(&trial, &local);
        if (!status && !trial.distrusted && input->cycles)
            status = trial_cycles_report(&trial, &local);
        if (status)
            (void) sl_fail(err, status, "%s", local.text);
    }
    if (trial.driver.name[0])
        *ret_driver = sl_arena_printf(arena, "%s %s", trial.driver.name, trial.driver.version);
    (void) sl_process_reap(&trial.process, 0);
    if (!status)
        status = sl_holdings_ended(trial.held_closed, &trial.process.ended, arena,
                                   &ret_result->left, err);
    sl_output_end(&trial.output, trial.process.printed);
    trial_agents_end(&trial);
    release(&trial);
    ret_result->duration_ns = sl_clock_now_ns() - trial.began_ns;
    return status;
}

enum sl_status sl_trial_purge(const struct sl_trial_input *input, struct sl_error *err)
{
    struct trial trial = {.input = input, .process = SL_PROCESS_NONE, .phase = -1};

    enum sl_status status = start_subject(&trial, SL_JOB_PURGE, err);
    if (!status && !sl_process_reap(&trial.process, TRIAL_GRACE_NS))
        status = sl_fail(err, SL_ETIMEDOUT, "removing what '%s' left on the broker took too long",
                         input->prefix);
    if (!status && trial.process.wait_status)
        status = sl_fail(err, SL_EPROTO, "what '%s' left on the broker could not be removed",
                         input->prefix);
    release(&trial);
    return status;
}
