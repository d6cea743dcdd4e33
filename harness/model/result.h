/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plain data: what a run measured.  The report file is this, written down; a
 * reader gives the same tree back.  Everything lives in sl_run_result.arena.
 *
 * A number that could not be measured has `missing` set to the reason and is
 * null in the file, never 0.  Times are nanoseconds, sizes bytes.
 */
#ifndef SL_MODEL_RESULT_H
#define SL_MODEL_RESULT_H

#include "base/value.h"
#include "harness/model/cycles.h"
#include "harness/model/finding.h"

#define SL_TRIAL_STATUS_MAP(X)                                                                     \
    X(OK, "ok")           /* every phase was reached and measured */                               \
    X(FAILED, "failed")   /* a step reported an error: no server, lost connection, vacuous run */  \
    X(TIMEOUT, "timeout") /* load or Close did not end in time */                                  \
    X(CRASHED, "crashed") /* the subject died of a signal or exited early */

enum sl_trial_status {
#define X(name, text) SL_TRIAL_##name,
    SL_TRIAL_STATUS_MAP(X)
#undef X
};

struct sl_delivery {
    struct sl_value published; /* accepted by the bus */
    struct sl_value rejected;
    struct sl_value unknown;     /* published without an answer */
    struct sl_value handled;     /* distinct messages whose handler ran */
    struct sl_value lost;        /* accepted, never handled */
    struct sl_value duplicates;  /* handler calls beyond the first per message */
    struct sl_value redelivered; /* handler calls that the broker marked as redelivery */
    struct sl_value
        order_violations; /* first handling of n after a later one of its key, or two at once */
    const char *first_violation; /* "topic t key k: 7 after 8", or NULL */
};

/* Messages that the bus was given: accepted, refused, or without an answer. */
static inline struct sl_value sl_delivery_tried(const struct sl_delivery *delivery)
{
    const struct sl_value *parts[] = {&delivery->published, &delivery->rejected,
                                      &delivery->unknown};
    struct sl_value tried = {0};

    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        tried.value += parts[i]->value;
        if (!tried.missing)
            tried.missing = parts[i]->missing;
    }
    return tried;
}

struct sl_latency {
    struct sl_value count, min, p50, p90, p99, p999, max; /* from the intended send time */
};

struct sl_resources {
    struct sl_value cpu_user_ns, cpu_sys_ns; /* over the load, whole subject */
    struct sl_value rss_peak, rss_after;     /* bytes; the most up to, and in use at, `closed` */
    struct sl_value ctx_voluntary, ctx_involuntary; /* over the load */
    struct sl_value fds_before, fds_after;          /* open descriptors at `start` and `closed` */
};

struct sl_close_result {
    bool reached;   /* Close was called */
    bool ok;        /* it returned success */
    bool timed_out; /* its deadline, or the observer's, passed */
    struct sl_value duration_ns;
    struct sl_value threads_abandoned, messages_abandoned;
    const char *detail;    /* what Close says it abandoned, or NULL */
    const char *waits_for; /* hung Close: where it stands and which thread it waits for, or NULL */
};

/* Something that was not there before the bus existed, and was there after Close. */
struct sl_leftover {
    const char *kind; /* "descriptor", "process", "timer", "thread" */
    const char *what; /* "TCP 127.0.0.1:4222" */
    uint64_t count;   /* of such */
};

/* What stayed besides threads.  Only the first kinds are spelled out, all are counted. */
struct sl_left_behind {
    struct sl_value descriptors, processes, timers;
    struct sl_value threads; /* made after Close, by destroy or teardown, and alive after both */
    const struct sl_leftover *items;
    size_t n_items;
};

/* What a process on another machine, or beside us, played of a trial. */
struct sl_agent_result {
    const char *name, *host;
    const char *role; /* "load", "consume" */
    uint64_t pid;     /* of the agent, on its host */
    struct sl_value published, handled;
    struct sl_value publish_samples, end_to_end_samples; /* latencies that it recorded */
    struct {
        int64_t offset_ns;              /* what its clock was behind ours */
        struct sl_value uncertainty_ns; /* of that; 0 for one and the same clock */
    } clock;
};

struct sl_trial_result {
    enum sl_trial_status status;
    const char *reason; /* why the status is not ok, or NULL */
    const char *phase;  /* last phase reached: "start" ... "torn_down" */
    const char *step;   /* where it ended, failed or stood, finer than a phase; NULL: nowhere */
    const char *crashed_thread; /* name of the thread that got the signal; NULL: not known */
    int signal;                 /* that ended the subject, 0 when none did */
    uint64_t duration_ns;
    struct sl_delivery delivery;
    struct {
        struct sl_real offered, publish, delivered;
    } rate; /* messages per second */
    struct {
        struct sl_latency publish, end_to_end;
    } latency;
    struct {
        struct sl_value before, peak, after;
    } threads;
    struct sl_resources resources;
    struct sl_close_result close;
    const char *leaks_missing; /* why leaks could not be determined; then `leaks` is empty */
    struct sl_leak_report leaks;
    struct sl_cycles cycles; /* of which all other numbers are those of the last one played */
    struct sl_left_behind left;
    struct sl_snapshot_stats snapshot;    /* of the one after Close */
    const struct sl_agent_result *agents; /* that played parts of the load; none: one process */
    size_t n_agents;
    /* Of a subject that ended badly, the snapshot that says most; grouped like leaks.  Of a crash
       the first group is the thread that crashed. */
    const char *hang_seen; /* "crash", "hang", or the phase that it was taken in; NULL: none */
    const struct sl_finding *hang_findings;
    size_t n_hang_findings;
};

/* Numbers of an analysis made elsewhere, shown beside ours (the incident). */
struct sl_claim {
    const char *label;      /* "fix 1: unified pool only", or NULL when there is no claim */
    struct sl_value leaked; /* leaks that the analysis gave for this variant */
};

struct sl_cell_key {
    const char *scenario, *mode, *transport;
    const char *fault; /* NULL: none */
};

struct sl_cell_config {
    uint64_t events, topics, aggregates, payload;
    struct sl_value workers, queue, enqueue_wait_ns, stack_size; /* missing: of no effect */
    struct sl_value rate; /* intended messages per second; missing when saturating */
    uint64_t publishers;
    uint64_t handler_cost_ns;
    const char *handler_kind; /* "spin", "sleep" */
    const char *keys;         /* "uniform", "zipf:1.1", "hot:0.5" */
    const char *storage;      /* NULL: the driver does not take it */
    struct sl_value replicas; /* servers that keep each message; missing without a server */
    uint64_t settle_ns, timeout_ns, close_deadline_ns;
    bool expects_leaks; /* the scenario plants a fault here */
};

struct sl_cell_result {
    struct sl_cell_key key;
    struct sl_cell_config config;
    struct sl_claim claim;
    const struct sl_trial_result *trials;
    size_t n_trials;
};

struct sl_environment {
    const char *host; /* name of the machine */
    const char *cpu, *kernel, *os, *libc, *libnats, *libunwind, *libdw, *nats_server;
    struct sl_value nats_servers; /* how many; missing when none was needed */
    uint64_t cores, memory;
    struct sl_real load_before, load_after; /* one-minute load average */
    /* CPUs' worth, over the run: used by processes that are not of it, and not given to us */
    struct sl_real cpus_of_others, cpus_stolen;
};

/* The leak planted beside the real trials: proof that this run could have found one. */
struct sl_control {
    bool ran;
    uint32_t planted, found;
    const char *reason; /* why it did not run or did not find them, or NULL */
};

/* What was judged, in words. */
struct sl_verdict {
    int exit; /* 0 ok, 1 policy failed, 2 usage, 3 could not measure, 4 inconclusive */
    const char *const
        *failed; /* one line per failed rule: "low/keyed/nats trial 1: 3 leaked threads" */
    size_t n_failed;
};

/* The shared object that was driven.  What could not be had of it is NULL. */
struct sl_driver_file {
    const char *path;     /* NULL: the built-in bus */
    const char *build_id; /* hexadecimal; NULL: the linker gave it none, too */
    const char *sha256;   /* of the file */
};

struct sl_run_result {
    struct sl_arena *arena; /* owns everything below */
    struct {
        const char *version, *compiler, *build_type;
        const char *commit; /* NULL: not built from a git repository, or without git */
        enum sl_maybe dirty;
        struct sl_value fingerprints; /* version; missing in older reports, which have the first */
    } tool;
    struct {
        const char *started_at; /* ISO 8601, UTC */
        const char *const *argv;
        size_t n_argv;
        uint64_t seed;
        bool interrupted; /* a signal ended the run early; cells that did not run are absent */
        struct sl_value trials_planned;   /* of all cells */
        const char *label;                /* what the user calls it, or NULL */
        const char *commit, *commit_from; /* of what was measured, and the environment variable
                                             that said so; or NULL */
    } run;
    struct sl_driver_file driver_file;
    const char *driver;            /* name and version of the driver: "strandline-bus 0.1.0" */
    const char *driver_undeclared; /* "transport, mode": as asked for only; NULL: it declares all */
    struct sl_environment environment;
    struct sl_control control;
    const struct sl_rule_use *rules; /* of files, as they were read */
    size_t n_rules;
    const struct sl_cell_result *cells;
    size_t n_cells;
    const char *const *proof_assumptions; /* what all proofs rest upon; none: nobody asked */
    size_t n_proof_assumptions;
    struct sl_verdict verdict;
};

const char *sl_trial_status_text(enum sl_trial_status status);

void sl_run_result_free(struct sl_run_result *result); /* frees the arena too; NULL is allowed */
SL_DEFINE_AUTO(sl_run_result, sl_run_result_free);

#endif
