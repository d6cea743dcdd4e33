/* SPDX-License-Identifier: Apache-2.0 */
#include "reports/report_layout.h"

#include "json/layout_macros.h"
#include "reports/cells.h"
#include "reports/finding_layout.h"

#define X(name, text) +1
enum {
    N_TRIAL_STATUSES = 0 SL_TRIAL_STATUS_MAP(X),
    N_RULE_KINDS = 0 SL_LEAK_RULE_MAP(X),
    N_RULE_STATES = 0 SL_RULE_STATE_MAP(X)
};
#undef X

static const char *trial_status_word(unsigned value)
{
    return sl_trial_status_text((enum sl_trial_status) value);
}

static const char *rule_kind_word(unsigned value)
{
    return sl_leak_rule_kind_text((enum sl_leak_rule_kind) value);
}

static const char *rule_state_word(unsigned value)
{
    return sl_rule_state_text((enum sl_rule_state) value);
}

static const struct sl_words rule_kinds = {N_RULE_KINDS, rule_kind_word};
static const struct sl_words rule_states = {N_RULE_STATES, rule_state_word};
static const struct sl_words trial_statuses = {N_TRIAL_STATUSES, trial_status_word};

static const struct sl_field leftover_fields[] = {
    SCALAR(NAME, struct sl_leftover, kind),
    SCALAR(NAME, struct sl_leftover, what),
    SCALAR(U64, struct sl_leftover, count),
};
static const struct sl_object leftover_object = {FIELDS(leftover_fields), .one_line = true};

#define LEAK_COUNT(member)                                                                         \
    {                                                                                              \
        KEYED(COUNT, struct sl_trial_result, #member, leaks.member),                               \
            .other = offsetof(struct sl_trial_result, leaks_missing)                               \
    }

static const struct sl_field leaks_fields[] = {
    LEAK_COUNT(count),
    {KEYED(COUNT, struct sl_trial_result, "unjoined", leaks.unjoined),
     .other = offsetof(struct sl_trial_result, leaks.unjoined_missing)},
    LEAK_COUNT(late),
    LEAK_COUNT(resident),
    {KEYED(U32, struct sl_trial_result, "ignored", leaks.ignored), .late = true},
    {KEYED(VALUE, struct sl_trial_result, "descriptors", left.descriptors)},
    {KEYED(VALUE, struct sl_trial_result, "processes", left.processes)},
    {KEYED(VALUE, struct sl_trial_result, "timers", left.timers)},
    {KEYED(VALUE, struct sl_trial_result, "threads_made_later", left.threads)},
    {KEYED(U64, struct sl_trial_result, "settle_ns", leaks.settle_ns)},
    LIST(struct sl_trial_result, "groups", leaks.findings, leaks.n_findings,
         finding_layout_finding),
    LIST(struct sl_trial_result, "late_threads", leaks.late_threads, leaks.n_late_threads,
         finding_layout_late),
    LATE_LIST(struct sl_trial_result, "late_histogram", leaks.late_groups, leaks.n_late_groups,
              finding_layout_late_group),
    LATE_LIST(struct sl_trial_result, "left_behind", left.items, left.n_items, leftover_object),
    {.key = "wait_tree",
     .kind = SL_FIELD_OBJECT,
     .offset = offsetof(struct sl_trial_result, leaks.wait_tree),
     .object = &finding_layout_waits,
     .late = true},
};

static const struct sl_object leaks_object = {FIELDS(leaks_fields)};

static const struct sl_field delivery_fields[] = {
    SCALAR(VALUE, struct sl_delivery, published),
    SCALAR(VALUE, struct sl_delivery, rejected),
    SCALAR(VALUE, struct sl_delivery, unknown),
    SCALAR(VALUE, struct sl_delivery, handled),
    SCALAR(VALUE, struct sl_delivery, lost),
    SCALAR(VALUE, struct sl_delivery, duplicates),
    SCALAR(VALUE, struct sl_delivery, redelivered),
    SCALAR(VALUE, struct sl_delivery, order_violations),
    SCALAR(TEXT, struct sl_delivery, first_violation),
};
static const struct sl_object delivery_object = {FIELDS(delivery_fields)};

static const struct sl_field rate_fields[] = {
    {KEYED(REAL, struct sl_trial_result, "offered", rate.offered)},
    {KEYED(REAL, struct sl_trial_result, "publish", rate.publish)},
    {KEYED(REAL, struct sl_trial_result, "delivered", rate.delivered)},
};
static const struct sl_object rate_object = {FIELDS(rate_fields), .one_line = true};

static const struct sl_field percentile_fields[] = {
    SCALAR(VALUE, struct sl_latency, count), SCALAR(VALUE, struct sl_latency, min),
    SCALAR(VALUE, struct sl_latency, p50),   SCALAR(VALUE, struct sl_latency, p90),
    SCALAR(VALUE, struct sl_latency, p99),   SCALAR(VALUE, struct sl_latency, p999),
    SCALAR(VALUE, struct sl_latency, max),
};
static const struct sl_object percentile_object = {FIELDS(percentile_fields), .one_line = true};

static const struct sl_field latency_fields[] = {
    OBJECT(struct sl_trial_result, "publish", latency.publish, percentile_object),
    OBJECT(struct sl_trial_result, "end_to_end", latency.end_to_end, percentile_object),
};
static const struct sl_object latency_object = {FIELDS(latency_fields)};

static const struct sl_field threads_fields[] = {
    {KEYED(VALUE, struct sl_trial_result, "before", threads.before)},
    {KEYED(VALUE, struct sl_trial_result, "peak", threads.peak)},
    {KEYED(VALUE, struct sl_trial_result, "after", threads.after)},
};
static const struct sl_object threads_object = {FIELDS(threads_fields), .one_line = true};

static const struct sl_field resources_fields[] = {
    SCALAR(VALUE, struct sl_resources, cpu_user_ns),
    SCALAR(VALUE, struct sl_resources, cpu_sys_ns),
    SCALAR(VALUE, struct sl_resources, rss_peak),
    SCALAR(VALUE, struct sl_resources, rss_after),
    SCALAR(VALUE, struct sl_resources, ctx_voluntary),
    SCALAR(VALUE, struct sl_resources, ctx_involuntary),
    SCALAR(VALUE, struct sl_resources, fds_before),
    SCALAR(VALUE, struct sl_resources, fds_after),
};
static const struct sl_object resources_object = {FIELDS(resources_fields)};

static const struct sl_field close_fields[] = {
    SCALAR(BOOL, struct sl_close_result, reached),
    SCALAR(BOOL, struct sl_close_result, ok),
    SCALAR(BOOL, struct sl_close_result, timed_out),
    SCALAR(VALUE, struct sl_close_result, duration_ns),
    SCALAR(VALUE, struct sl_close_result, threads_abandoned),
    SCALAR(VALUE, struct sl_close_result, messages_abandoned),
    SCALAR(TEXT, struct sl_close_result, detail),
    SCALAR(TEXT, struct sl_close_result, waits_for),
};
static const struct sl_object close_object = {FIELDS(close_fields)};

static const struct sl_field snapshot_stats_fields[] = {
    SCALAR(U32, struct sl_snapshot_stats, threads),
    SCALAR(U32, struct sl_snapshot_stats, unwound),
    SCALAR(U32, struct sl_snapshot_stats, memoised),
    SCALAR(U32, struct sl_snapshot_stats, retried),
    SCALAR(U32, struct sl_snapshot_stats, stopped),
    SCALAR(U64, struct sl_snapshot_stats, duration_ns),
};
const struct sl_object report_layout_stats = {FIELDS(snapshot_stats_fields), .one_line = true};

static const struct sl_field clock_fields[] = {
    {KEYED(I64, struct sl_agent_result, "offset_ns", clock.offset_ns)},
    {KEYED(VALUE, struct sl_agent_result, "uncertainty_ns", clock.uncertainty_ns)},
};
static const struct sl_object clock_object = {FIELDS(clock_fields), .one_line = true};

static const struct sl_field agent_fields[] = {
    SCALAR(NAME, struct sl_agent_result, name),
    SCALAR(NAME, struct sl_agent_result, host),
    SCALAR(NAME, struct sl_agent_result, role),
    SCALAR(U64, struct sl_agent_result, pid),
    SCALAR(VALUE, struct sl_agent_result, published),
    SCALAR(VALUE, struct sl_agent_result, handled),
    SCALAR(VALUE, struct sl_agent_result, publish_samples),
    SCALAR(VALUE, struct sl_agent_result, end_to_end_samples),
    PART("clock", clock_object),
};
static const struct sl_object agent_object = {FIELDS(agent_fields), .one_line = true};

static const char *slope_word(unsigned value)
{
    return sl_slope_text((enum sl_slope) value);
}

static const struct sl_words slopes = {SL_SLOPE_GROWING + 1, slope_word};

static const struct sl_field cycle_group_fields[] = {
    CHARS(struct sl_cycle_group, "fingerprint", fingerprint),
    SCALAR(TEXT, struct sl_cycle_group, function),
    NUMBERS(struct sl_cycle_group, "counts", counts, n_counts),
    SCALAR(REAL, struct sl_cycle_group, slope),
    ENUM(struct sl_cycle_group, "kind", kind, slopes),
};
static const struct sl_object cycle_group_object = {FIELDS(cycle_group_fields), .one_line = true};

static const struct sl_field cycles_fields[] = {
    SCALAR(U32, struct sl_cycles, planned),
    SCALAR(U32, struct sl_cycles, n),
    LIST(struct sl_cycles, "groups", groups, n_groups, cycle_group_object),
};

static bool no_cycles(const void *object)
{
    return !((const struct sl_cycles *) object)->planned;
}

static const struct sl_object cycles_object = {FIELDS(cycles_fields), .is_null = no_cycles};

static const struct sl_field trial_fields[] = {
    ENUM(struct sl_trial_result, "status", status, trial_statuses),
    SCALAR(TEXT, struct sl_trial_result, reason),
    SCALAR(TEXT, struct sl_trial_result, phase),
    SCALAR(TEXT, struct sl_trial_result, step),
    SCALAR(TEXT, struct sl_trial_result, crashed_thread),
    SCALAR(INT, struct sl_trial_result, signal),
    SCALAR(U64, struct sl_trial_result, duration_ns),
    OBJECT(struct sl_trial_result, "delivery", delivery, delivery_object),
    PART("rate", rate_object),
    PART("latency", latency_object),
    PART("threads", threads_object),
    OBJECT(struct sl_trial_result, "resources", resources, resources_object),
    OBJECT(struct sl_trial_result, "close", close, close_object),
    PART("leaks", leaks_object),
    OBJECT(struct sl_trial_result, "cycles", cycles, cycles_object),
    OBJECT(struct sl_trial_result, "snapshot", snapshot, report_layout_stats),
    LATE_LIST(struct sl_trial_result, "agents", agents, n_agents, agent_object),
    SCALAR(TEXT, struct sl_trial_result, hang_seen),
    LIST(struct sl_trial_result, "hang_groups", hang_findings, n_hang_findings,
         finding_layout_finding),
};
static const struct sl_object trial_object = {FIELDS(trial_fields)};

static const struct sl_field key_fields[] = {
    SCALAR(NAME, struct sl_cell_key, scenario),
    SCALAR(NAME, struct sl_cell_key, mode),
    SCALAR(NAME, struct sl_cell_key, transport),
    SCALAR(TEXT, struct sl_cell_key, fault),
};
static const struct sl_object key_object = {FIELDS(key_fields), .one_line = true};

static const struct sl_field config_fields[] = {
    SCALAR(U64, struct sl_cell_config, events),
    SCALAR(U64, struct sl_cell_config, topics),
    SCALAR(U64, struct sl_cell_config, aggregates),
    SCALAR(U64, struct sl_cell_config, payload),
    SCALAR(VALUE, struct sl_cell_config, workers),
    SCALAR(VALUE, struct sl_cell_config, queue),
    SCALAR(VALUE, struct sl_cell_config, enqueue_wait_ns),
    SCALAR(VALUE, struct sl_cell_config, stack_size),
    SCALAR(VALUE, struct sl_cell_config, rate),
    SCALAR(U64, struct sl_cell_config, publishers),
    SCALAR(U64, struct sl_cell_config, handler_cost_ns),
    SCALAR(TEXT, struct sl_cell_config, handler_kind),
    SCALAR(TEXT, struct sl_cell_config, keys),
    SCALAR(TEXT, struct sl_cell_config, storage),
    SCALAR(VALUE, struct sl_cell_config, replicas),
    SCALAR(U64, struct sl_cell_config, settle_ns),
    SCALAR(U64, struct sl_cell_config, timeout_ns),
    SCALAR(U64, struct sl_cell_config, close_deadline_ns),
    SCALAR(BOOL, struct sl_cell_config, expects_leaks),
};
static const struct sl_object config_object = {FIELDS(config_fields)};

static const struct sl_field claim_fields[] = {
    SCALAR(NAME, struct sl_claim, label),
    SCALAR(VALUE, struct sl_claim, leaked),
};

static bool no_claim(const void *object)
{
    const struct sl_claim *claim = object;
    return !claim->label;
}

static const struct sl_object claim_object = {FIELDS(claim_fields), .one_line = true,
                                              .is_null = no_claim};

static const struct sl_field cell_fields[] = {
    OBJECT(struct sl_cell_result, "key", key, key_object),
    OBJECT(struct sl_cell_result, "config", config, config_object),
    OBJECT(struct sl_cell_result, "claim", claim, claim_object),
    LIST(struct sl_cell_result, "trials", trials, n_trials, trial_object),
};
static const struct sl_object cell_object = {FIELDS(cell_fields)};

static bool no_share(const void *object)
{
    const struct sl_share *share = object;
    return !share->of;
}

static const struct sl_field share_fields[] = {
    SCALAR(U64, struct sl_share, n),
    SCALAR(U64, struct sl_share, of),
};
const struct sl_object report_layout_share = {FIELDS(share_fields), .is_null = no_share};

static const struct sl_field cell_name_fields[] = {
    OBJECT(struct sl_cell_result, NULL, key, key_object),
    {KEYED(TEXT, struct sl_cell_result, "label", claim.label)},
};
const struct sl_object report_layout_cell_name = {FIELDS(cell_name_fields)};

static const struct sl_field environment_fields[] = {
    SCALAR(TEXT, struct sl_environment, host),
    SCALAR(TEXT, struct sl_environment, cpu),
    SCALAR(U64, struct sl_environment, cores),
    SCALAR(U64, struct sl_environment, memory),
    SCALAR(TEXT, struct sl_environment, kernel),
    SCALAR(TEXT, struct sl_environment, os),
    SCALAR(TEXT, struct sl_environment, libc),
    SCALAR(TEXT, struct sl_environment, libnats),
    SCALAR(TEXT, struct sl_environment, libunwind),
    SCALAR(TEXT, struct sl_environment, libdw),
    SCALAR(TEXT, struct sl_environment, nats_server),
    SCALAR(VALUE, struct sl_environment, nats_servers),
    SCALAR(REAL, struct sl_environment, load_before),
    SCALAR(REAL, struct sl_environment, load_after),
    SCALAR(REAL, struct sl_environment, cpus_of_others),
    SCALAR(REAL, struct sl_environment, cpus_stolen),
};
static const struct sl_object environment_object = {FIELDS(environment_fields)};

static const struct sl_field control_fields[] = {
    SCALAR(BOOL, struct sl_control, ran),
    SCALAR(U32, struct sl_control, planted),
    SCALAR(U32, struct sl_control, found),
    SCALAR(TEXT, struct sl_control, reason),
};
static const struct sl_object control_object = {FIELDS(control_fields), .one_line = true};

static const struct sl_field rule_fields[] = {
    ENUM(struct sl_rule_use, "kind", rule.kind, rule_kinds),
    {KEYED(NAME, struct sl_rule_use, "file", rule.file)},
    {KEYED(U32, struct sl_rule_use, "line", rule.line)},
    {KEYED(NAME, struct sl_rule_use, "reason", rule.reason)},
    {KEYED(TEXT, struct sl_rule_use, "owner", rule.owner)},
    {KEYED(TEXT, struct sl_rule_use, "expires", rule.expires)},
    {KEYED(VALUE, struct sl_rule_use, "max", rule.max)},
    ENUM(struct sl_rule_use, "state", state, rule_states),
    SCALAR(U32, struct sl_rule_use, threads),
    SCALAR(U32, struct sl_rule_use, groups),
    SCALAR(TEXT, struct sl_rule_use, detail),
};
const struct sl_object report_layout_rule = {FIELDS(rule_fields)};

static const struct sl_field verdict_fields[] = {
    {KEYED(INT, struct sl_run_result, "exit", verdict.exit)},
    NAMES(struct sl_run_result, "failed", verdict.failed, verdict.n_failed),
};
static const struct sl_object verdict_object = {FIELDS(verdict_fields)};

static const struct sl_field tool_fields[] = {
    {KEYED(TEXT, struct sl_run_result, "version", tool.version)},
    {KEYED(TEXT, struct sl_run_result, "commit", tool.commit)},
    {KEYED(MAYBE, struct sl_run_result, "dirty", tool.dirty)},
    {KEYED(TEXT, struct sl_run_result, "compiler", tool.compiler)},
    {KEYED(TEXT, struct sl_run_result, "build_type", tool.build_type)},
    {KEYED(VALUE, struct sl_run_result, "fingerprints", tool.fingerprints)},
};
static const struct sl_object tool_object = {FIELDS(tool_fields)};

static const struct sl_field run_fields[] = {
    {KEYED(TEXT, struct sl_run_result, "started_at", run.started_at)},
    NAMES(struct sl_run_result, "argv", run.argv, run.n_argv),
    {KEYED(DECIMAL, struct sl_run_result, "seed", run.seed)},
    {KEYED(BOOL, struct sl_run_result, "interrupted", run.interrupted)},
    {KEYED(VALUE, struct sl_run_result, "trials_planned", run.trials_planned)},
    {KEYED(TEXT, struct sl_run_result, "label", run.label)},
    {KEYED(TEXT, struct sl_run_result, "commit", run.commit)},
    {KEYED(TEXT, struct sl_run_result, "commit_from", run.commit_from)},
};
static const struct sl_object run_object = {FIELDS(run_fields)};

static const struct sl_field driver_file_fields[] = {
    SCALAR(NAME, struct sl_driver_file, path),
    SCALAR(TEXT, struct sl_driver_file, build_id),
    SCALAR(TEXT, struct sl_driver_file, sha256),
};

static bool no_driver_file(const void *object)
{
    const struct sl_driver_file *file = object;
    return !file->path;
}

static const struct sl_object driver_file_object = {FIELDS(driver_file_fields),
                                                    .is_null = no_driver_file};

static const struct sl_field result_fields[] = {
    SCHEMA,
    PART("tool", tool_object),
    PART("run", run_object),
    SCALAR(TEXT, struct sl_run_result, driver),
    OBJECT(struct sl_run_result, "driver_file", driver_file, driver_file_object),
    SCALAR(TEXT, struct sl_run_result, driver_undeclared),
    OBJECT(struct sl_run_result, "environment", environment, environment_object),
    OBJECT(struct sl_run_result, "control", control, control_object),
    LATE_LIST(struct sl_run_result, "rules", rules, n_rules, report_layout_rule),
    LIST(struct sl_run_result, "cells", cells, n_cells, cell_object),
    LATE_NAMES(struct sl_run_result, "proof_assumptions", proof_assumptions, n_proof_assumptions),
    PART("verdict", verdict_object),
};
static const struct sl_object result_object = {FIELDS(result_fields)};

const struct sl_layout report_layout = {
    .schema = "strandline.report",
    .major = 1,
    .what = "report",
    .root = PART(NULL, result_object),
};
