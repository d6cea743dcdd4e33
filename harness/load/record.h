/* SPDX-License-Identifier: Apache-2.0 */
/* Plain data: which part of a load a process plays, and what it measured. */
#ifndef SL_LOAD_RECORD_H
#define SL_LOAD_RECORD_H

#include <stdint.h>

/* Which part of a load a process plays.  All zero: the whole load. */
enum sl_load_part { SL_PART_ALL, SL_PART_PUBLISH, SL_PART_CONSUME, SL_N_PARTS };
struct sl_load_share {
    enum sl_load_part part;
    uint32_t number, of; /* number-th of so many processes that play this part, from 0 */
    /* What the own CLOCK_MONOTONIC is behind the observer's, in which times are told. */
    int64_t clock_offset_ns;
};

/* What became of the messages of a load. */
struct sl_load_counts {
    uint64_t published, rejected, unknown;
    uint64_t handled;       /* distinct messages */
    uint64_t handler_calls; /* that have ended, on messages of the plan */
    uint64_t redelivered;   /* of these, those that the bus marked as a redelivery */
    uint64_t order_violations;
    char first_violation[160];                  /* "" none */
    uint64_t breaches;                          /* of the driver's contract */
    char first_breach[256];                     /* "" none */
    uint64_t first_handled_ns, last_handled_ns; /* first calls only; 0: none was handled */
};

/* Counts of one histogram, enough for every percentile we report. */
struct sl_latency_summary {
    uint64_t count, min, p50, p90, p99, p999, max; /* ns */
};

/* What is measured of a load, as it stands. */
struct sl_load_record {
    struct sl_load_counts counts;
    uint64_t states_at; /* where what is known of each message lies in memory, one byte each */
    uint8_t timed_out;
    uint32_t late_step;                        /* enum sl_step that it timed out in; 0: not known */
    char ended[200];                           /* how, when it did not end by itself; "" */
    uint64_t load_ns;                          /* first intended send to last handled */
    uint64_t publish_ns;                       /* first to last publish call */
    struct sl_latency_summary publish_latency; /* intended send to the bus's answer */
    struct sl_latency_summary end_to_end;      /* intended send to handler entry */
    uint64_t cpu_user_ns, cpu_sys_ns, ctx_voluntary, ctx_involuntary; /* over the load */
};

#endif
