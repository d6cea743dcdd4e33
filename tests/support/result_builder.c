/* SPDX-License-Identifier: Apache-2.0 */
#include "result_builder.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <criterion/criterion.h>

#include "base/clock.h"
#include "base/hash.h"
#include "reports/print/table.h"

#define US SL_NS_PER_US
#define MS SL_NS_PER_MS

static void *need(void *memory)
{
    if (!memory)
        abort();
    return memory;
}

/* A copy of n elements with room for one more, whose address is returned. */
static void *
append(struct sl_arena *arena, const void *old, size_t n, size_t size, const void **ret_array)
{
    char *grown = need(sl_arena_array(arena, n + 1, size));
    if (n)
        memcpy(grown, old, n * size);
    *ret_array = grown;
    return grown + n * size;
}

struct sl_run_result *result_new(void)
{
    static const char *const argv[] = {"strandline", "run", "low"};
    struct sl_arena *arena = need(sl_arena_new());
    struct sl_run_result *result = need(sl_arena_alloc(arena, sizeof *result));

    result->arena = arena;
    result->tool.version = "0.1.0";
    result->tool.commit = "0123456789abcdef0123456789abcdef01234567";
    result->tool.dirty = SL_MAYBE_NO;
    result->tool.compiler = "gcc 12.2.0";
    result->tool.build_type = "debugoptimized";
    result->tool.fingerprints = SL_VALUE(SL_FINGERPRINTS);
    result->run.started_at = "2024-05-06T07:08:09Z";
    result->run.argv = argv;
    result->run.n_argv = SL_COUNT_OF(argv);
    result->run.seed = 42;
    result->driver = "strandline-bus 0.1.0";
    result->environment = (struct sl_environment){
        .host = "east",
        .cpu = "Model 7",
        .kernel = "Linux 6.1.0",
        .os = "Debian GNU/Linux 12",
        .libc = "glibc 2.36",
        .libnats = "3.4.1",
        .libunwind = "1.6.2",
        .libdw = "0.188",
        .nats_server = "2.9.10",
        .nats_servers = SL_VALUE(1),
        .cores = 2,
        .memory = UINT64_C(8) << 30,
        .load_before = SL_REAL(0.25),
        .load_after = SL_REAL(1.5),
        .cpus_of_others = SL_REAL(0.125),
        .cpus_stolen = SL_REAL(0),
    };
    result->control = (struct sl_control){.ran = true, .planted = 5, .found = 5};
    return result;
}

static struct sl_latency latency(uint64_t p50_ns)
{
    return (struct sl_latency){
        .count = SL_VALUE(500),
        .min = SL_VALUE(p50_ns / 4),
        .p50 = SL_VALUE(p50_ns),
        .p90 = SL_VALUE(p50_ns * 2),
        .p99 = SL_VALUE(p50_ns * 3),
        .p999 = SL_MISSING_VALUE("500 samples, 10000 are needed"),
        .max = SL_VALUE(p50_ns * 5),
    };
}

static void fill_trial(struct sl_trial_result *trial)
{
    trial->status = SL_TRIAL_OK;
    trial->phase = "torn_down";
    trial->duration_ns = 900 * MS;
    trial->delivery.published = SL_VALUE(500);
    trial->delivery.handled = SL_VALUE(500);
    trial->rate.offered = SL_MISSING_REAL("the load saturates");
    trial->rate.publish = SL_REAL(25000.5);
    trial->rate.delivered = SL_REAL(12100);
    trial->latency.publish = latency(200 * US);
    trial->latency.end_to_end = latency(1210 * US);
    trial->threads.before = SL_VALUE(1);
    trial->threads.peak = SL_VALUE(29);
    trial->threads.after = SL_VALUE(1);
    trial->resources = (struct sl_resources){
        .cpu_user_ns = SL_VALUE(60 * MS),
        .cpu_sys_ns = SL_VALUE(30 * MS),
        .rss_peak = SL_VALUE(UINT64_C(12) << 20),
        .rss_after = SL_VALUE(UINT64_C(8) << 20),
        .ctx_voluntary = SL_VALUE(1500),
        .ctx_involuntary = SL_VALUE(12),
        .fds_before = SL_VALUE(5),
        .fds_after = SL_VALUE(6),
    };
    trial->close =
        (struct sl_close_result){.reached = true, .ok = true, .duration_ns = SL_VALUE(38 * MS)};
    trial->leaks.settle_ns = 3 * MS;
    trial->snapshot = (struct sl_snapshot_stats){.threads = 1, .unwound = 1, .duration_ns = 2 * MS};
}

static struct sl_cell_config some_config(const char *mode, const char *fault)
{
    return (struct sl_cell_config){
        .events = 500,
        .topics = 5,
        .aggregates = 100,
        .payload = 256,
        .workers = SL_VALUE(strcmp(mode, "keyed") == 0 ? 1024 : 16),
        .queue = SL_VALUE(1000),
        .enqueue_wait_ns = SL_VALUE(200 * MS),
        .stack_size = SL_VALUE(131072),
        .rate = SL_MISSING_VALUE("the load saturates"),
        .publishers = 1,
        .handler_kind = "spin",
        .keys = "uniform",
        .storage = "memory",
        .replicas = SL_VALUE(1),
        .settle_ns = 5000 * MS,
        .timeout_ns = 60000 * MS,
        .close_deadline_ns = 10000 * MS,
        .expects_leaks = fault != NULL,
    };
}

struct sl_cell_result *result_add_cell(struct sl_run_result *result, const char *scenario,
                                       const char *mode, const char *transport, const char *fault,
                                       size_t n_trials)
{
    const void *array;
    struct sl_cell_result *cell =
        append(result->arena, result->cells, result->n_cells, sizeof *cell, &array);
    struct sl_trial_result *trials = need(sl_arena_array(result->arena, n_trials, sizeof *trials));

    for (size_t i = 0; i < n_trials; i++)
        fill_trial(&trials[i]);
    *cell = (struct sl_cell_result){
        .key = {.scenario = scenario, .mode = mode, .transport = transport, .fault = fault},
        .config = some_config(mode, fault),
        .trials = trials,
        .n_trials = n_trials,
    };
    result->cells = array;
    result->n_cells++;
    result->run.trials_planned.value += n_trials;
    return cell;
}

struct sl_trial_result *result_trial(struct sl_run_result *result, size_t cell, size_t trial)
{
    /* The builder made the array, so it may be written to. */
    return (struct sl_trial_result *) &result->cells[cell].trials[trial];
}

static void fill_finding(struct sl_arena *arena, struct sl_finding *finding, uint32_t count,
                         enum sl_cause cause, const char *function)
{
    struct sl_frame *frames = need(sl_arena_array(arena, 3, sizeof *frames));
    struct sl_fact *facts = need(sl_arena_array(arena, 2, sizeof *facts));
    uint64_t hash = sl_fnv64(SL_FNV64_BASIS, function, strlen(function));

    frames[0] = (struct sl_frame){.address = 0x7f0000001000 + count,
                                  .function = "pthread_cond_wait",
                                  .module = "/lib/x86_64-linux-gnu/libc.so.6"};
    frames[1] = (struct sl_frame){.address = 0x401200,
                                  .function = function,
                                  .file = "bus/pool_keyed.c",
                                  .line = 88,
                                  .module = "/usr/bin/strandline"};
    frames[2] = (struct sl_frame){.address = 0x7f0000002000,
                                  .function = "start_thread",
                                  .module = "/lib/x86_64-linux-gnu/libc.so.6"};
    facts[0] = (struct sl_fact){.kind = SL_FACT_WAIT,
                                .count = count,
                                .thread = 101,
                                .object = 0x7000,
                                .other = 99,
                                .value = SL_WAIT_CONDITION,
                                .text = "waits on a condition"};
    facts[1] = (struct sl_fact){.kind = SL_FACT_IDLE, .count = count};
    *finding = (struct sl_finding){
        .group =
            {
                .count = count,
                .function = function,
                .frames = frames,
                .n_frames = 3,
                .complete = true,
                .grade = SL_GRADE_COMPLETE,
                .wait = {.kind = SL_WAIT_CONDITION,
                         .syscall_nr = 202,
                         .syscall = "futex",
                         .object = 0x7000},
                .ids = {101, 102},
                .n_ids = SL_MIN(count, 2),
            },
        .counted = cause != SL_CAUSE_RESIDENT,
        .cause = cause,
        .facts = facts,
        .n_facts = 2,
        .cost = {.stack_bytes = SL_VALUE(count * UINT64_C(8192)),
                 .descriptors = SL_VALUE(0),
                 .cpu_ns_per_second = SL_MISSING_VALUE("there was one look")},
        .evidence = "waits on a condition that no live thread signals",
    };
    (void) snprintf(finding->group.fingerprint, sizeof finding->group.fingerprint, "%016" PRIx64,
                    hash);
    (void) snprintf(finding->group.thread_name, sizeof finding->group.thread_name, "%.15s",
                    function);
}

struct sl_finding *result_add_group(struct sl_run_result *result, struct sl_trial_result *trial,
                                    uint32_t count, enum sl_cause cause, const char *function)
{
    const void *array;
    struct sl_finding *finding = append(result->arena, trial->leaks.findings,
                                        trial->leaks.n_findings, sizeof *finding, &array);
    fill_finding(result->arena, finding, count, cause, function);
    trial->leaks.findings = array;
    trial->leaks.n_findings++;
    if (finding->counted)
        trial->leaks.count += count;
    else
        trial->leaks.resident += count;
    if (cause == SL_CAUSE_UNJOINED) {
        trial->leaks.unjoined += count;
    } else {
        trial->threads.after.value += count;
        trial->snapshot.threads += count;
        trial->snapshot.memoised += count;
    }
    return finding;
}

/* A deadlock of two with a thread behind it, and a mutex that nobody has any more. */
static void add_waits(struct sl_trial_result *trial)
{
#define NODE(whom_, depth_, id_, name_, fingerprint_, kind_, owner_)                               \
    {                                                                                              \
        .waits_for = (whom_), .depth = (depth_), .count = 1, .ids = {(id_)}, .n_ids = 1,           \
        .name = (name_), .function = "worker_main", .fingerprint = (fingerprint_),                 \
        .wait = {.kind = (kind_), .syscall_nr = 202, .object = 0x1000, .owner = (owner_)},         \
        .n_objects = 1                                                                             \
    }
    static const struct sl_wait_node circle[] = {
        NODE(1, 0, 11, "a\x1b", "00000000000000aa", SL_WAIT_MUTEX, 12),
        NODE(0, 0, 12, "b", "00000000000000aa", SL_WAIT_JOIN, 11),
        NODE(1, 1, 13, "c", "00000000000000bb", SL_WAIT_RWLOCK, 12)};
    static const struct sl_wait_node left[] = {
        {.waits_for = -1, .behind = 1, .ids = {9}, .n_ids = 1, .wait = {.syscall_nr = -1}},
        NODE(0, 1, 14, "d", "00000000000000bb", SL_WAIT_MUTEX, 0)};
#undef NODE
    static const struct sl_wait_root roots[] = {
        {.count = 3, .circle = 2, .nodes = circle, .n_nodes = SL_COUNT_OF(circle)},
        {.count = 1, .nodes = left, .n_nodes = SL_COUNT_OF(left)}};
    trial->leaks.wait_tree = (struct sl_wait_tree){
        .waiting = 4, .deadlocks = 1, .roots = roots, .n_roots = SL_COUNT_OF(roots)};
}

/* A subject that died in the middle: numbers missing, a hang, bytes of every kind. */
static void spoil_trial(struct sl_run_result *result, struct sl_trial_result *trial)
{
    struct sl_finding *hang = need(sl_arena_array(result->arena, 1, sizeof *hang));
    struct sl_frame *frame = need(sl_arena_array(result->arena, 1, sizeof *frame));

    trial->status = SL_TRIAL_CRASHED;
    trial->reason = "killed by a signal: \"quoted\", tab\t, caf\xc3\xa9";
    trial->phase = "loaded";
    trial->signal = SIGSEGV;
    trial->delivery.lost = SL_MISSING_VALUE("the subject ended before it could count");
    trial->delivery.order_violations = SL_VALUE(1);
    trial->delivery.first_violation = "topic t key k: 7 after 8";
    trial->threads.after = SL_MISSING_VALUE("the subject did not get so far");
    trial->resources.rss_after = trial->resources.fds_after = trial->threads.after;
    trial->snapshot = (struct sl_snapshot_stats){0};
    trial->rate.delivered = SL_REAL(0.1);
    trial->close = (struct sl_close_result){
        .duration_ns = SL_MISSING_VALUE("Close was not called"),
        .detail = "2 workers of pool 'a'",
        .waits_for = "thread 7 (worker_main)",
    };
    trial->leaks_missing = "the subject ended before Close";
    trial->leaks.unjoined_missing = trial->leaks_missing;
    trial->left.descriptors = SL_MISSING_VALUE(trial->leaks_missing);
    trial->left.processes = trial->left.timers = trial->left.threads = trial->left.descriptors;
    fill_finding(result->arena, hang, 1, SL_CAUSE_UNKNOWN, "handler_main");
    hang->counted = false;
    hang->group.complete = false;
    hang->group.grade = SL_GRADE_PARTIAL;
    hang->group.reason = "no unwind table covers 0x10";
    memcpy(hang->group.thread_name, "bad\xff\xc3name", sizeof "bad\xff\xc3name");
    *frame = (struct sl_frame){.address = UINT64_MAX, .inlined = true};
    hang->group.frames = frame;
    hang->group.n_frames = 1;
    hang->group.wait.target = "TCP 127.0.0.1:4222";
    trial->step = "publish";
    trial->crashed_thread = "publisher-0";
    trial->hang_seen = "crash";
    trial->hang_findings = hang;
    trial->n_hang_findings = 1;
    add_waits(trial);
}

/* The threads of the groups that were added. */
static void add_cycles(struct sl_trial_result *trial)
{
    static const uint64_t doubled[] = {2560, 5120}, same[] = {5, 5}, one_more[] = {2, 3};
    static const struct sl_cycle_group cycle_groups[] = {
        {"00000000000000aa", "worker_main", doubled, 2, SL_REAL(2560), SL_SLOPE_PER_CYCLE},
        {"00000000000000bb", "fetch_main", same, 2, SL_REAL(0), SL_SLOPE_ONCE},
        {"00000000000000cc", NULL, one_more, 2, SL_REAL(1), SL_SLOPE_PER_CYCLE},
    };

    trial->cycles = (struct sl_cycles){
        .planned = 2, .n = 2, .groups = cycle_groups, .n_groups = SL_COUNT_OF(cycle_groups)};
}

static const struct sl_late_thread late[] = {
    {.tid = 77, .name = "slow worker", .delay_ns = 12 * MS}};
static const struct sl_late_bin late_bins[] = {{.up_to_ns = 20 * MS, .count = 1}};
static const struct sl_late_group late_groups[] = {{.fingerprint = "0123456789abcdef",
                                                    .function = "worker_main",
                                                    .thread_name = "late",
                                                    .count = 1,
                                                    .bins = late_bins,
                                                    .n_bins = 1}};

struct sl_run_result *result_new_full(void)
{
    static const char *const failed[] = {"a: 1 leaked thread", "b: caf\xc3\xa9"};
    static const struct sl_leftover left[] = {{"descriptor", "/dev/null", 7},
                                              {"descriptor", "TCP 127.0.0.1:4222", 1}};
    static const struct sl_agent_result agents[] = {
        {.name = "load-1",
         .host = "east",
         .role = "load",
         .pid = 4711,
         .published = SL_VALUE(500),
         .handled = SL_VALUE(0),
         .publish_samples = SL_VALUE(500),
         .end_to_end_samples = SL_VALUE(0),
         .clock = {-7000000000000, SL_VALUE(120000)}},
        {.name = "consume-1",
         .host = "west",
         .role = "consume",
         .pid = 1,
         .published = SL_MISSING_VALUE("the agent told nothing"),
         .handled = SL_MISSING_VALUE("the agent told nothing"),
         .publish_samples = SL_MISSING_VALUE("the agent told nothing"),
         .end_to_end_samples = SL_MISSING_VALUE("the agent told nothing"),
         .clock = {0, SL_MISSING_VALUE("the agent told nothing")}},
    };
    struct sl_run_result *result = result_new();

    (void) result_add_cell(result, "low", "keyed", "nats", NULL, 2);
    struct sl_cell_result *cell =
        result_add_cell(result, "incident", "keyed", "nats", "pool-not-stopped,orphan-fetcher", 1);
    cell->claim.label = "as it was";
    cell->claim.leaked = SL_VALUE(5130);
    cell->config.rate = SL_VALUE(1000);

    spoil_trial(result, result_trial(result, 0, 1));
    result_trial(result, 0, 0)->agents = agents;
    result_trial(result, 0, 0)->n_agents = SL_COUNT_OF(agents);
    struct sl_trial_result *trial = result_trial(result, 1, 0);
    (void) result_add_group(result, trial, 5120, SL_CAUSE_PARKED, "worker_main");
    (void) result_add_group(result, trial, 5, SL_CAUSE_IO, "fetch_main");
    (void) result_add_group(result, trial, 3, SL_CAUSE_RESIDENT, "timer_main");
    add_cycles(trial);
    trial->left = (struct sl_left_behind){
        .descriptors = SL_VALUE(8), .items = left, .n_items = SL_COUNT_OF(left)};
    trial->leaks.late = 1;
    trial->leaks.late_threads = late;
    trial->leaks.n_late_threads = 1;
    trial->leaks.late_groups = late_groups;
    trial->leaks.n_late_groups = 1;
    result->run.seed = UINT64_MAX;
    result->run.label = "caf\xc3\xa9 \"2\"";
    result->run.commit = "fedcba9876543210";
    result->run.commit_from = "SL_COMMIT";
    result->driver_file =
        (struct sl_driver_file){.path = "./bus.so", .build_id = "00ff", .sha256 = NULL};
    result->environment.load_after = SL_MISSING_REAL("no /proc/loadavg");
    result->verdict.exit = 3;
    result->verdict.failed = failed;
    result->verdict.n_failed = SL_COUNT_OF(failed);
    return result;
}

char *result_export(const struct sl_exporter *table, const char *name, const void *document,
                    const struct sl_page *page)
{
    struct sl_error err = {0};
    char *text = NULL;
    size_t size = 0;
    struct sl_page to = page ? *page : (struct sl_page){0};

    to.out = need(open_memstream(&text, &size));

    if (sl_export(table, name, document, &to, &err)) {
        (void) fprintf(stderr, "result_builder: %s\n", err.text);
        abort();
    }
    (void) fclose(to.out);
    return text;
}

char *result_to_json(const struct sl_run_result *result)
{
    return result_export(sl_report_exporters, "json", result, NULL);
}

int result_validate(const char *path)
{
    char command[1024];
    (void) snprintf(command, sizeof command, "'%s/scripts/validate-report' '%s'", SL_SOURCE_DIR,
                    path);
    int status = system(command);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

const char *result_data_path(const char *name)
{
    static char path[1024];
    (void) snprintf(path, sizeof path, "%s/tests/data/%s", SL_SOURCE_DIR, name);
    return path;
}

char *result_read_file(const char *path)
{
    char *text = NULL;
    size_t size = 0;
    FILE *in = fopen(path, "r");
    if (!in || getdelim(&text, &size, '\0', in) < 0) {
        (void) fprintf(stderr, "cannot read %s\n", path);
        abort();
    }
    (void) fclose(in);
    return text;
}

void result_assert_sample(const char *text, const char *name)
{
    const char *path = result_data_path(name);

    if (getenv("STRANDLINE_UPDATE_SAMPLES")) {
        FILE *out = fopen(path, "w");
        cr_assert(out);
        (void) fputs(text, out);
        (void) fclose(out);
    }
    SL_AUTO_FREE char *sample = result_read_file(path);
    cr_assert_str_eq(text, sample);
}
