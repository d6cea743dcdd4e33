/* SPDX-License-Identifier: Apache-2.0 */
/* Plain data: groups of threads that stayed, with causes.  Lives in a caller's arena. */
#ifndef SL_MODEL_FINDING_H
#define SL_MODEL_FINDING_H

#include <strandline/leak.h>

#include "base/value.h"
#include "harness/model/group.h"
#include "harness/model/rules.h"
#include "harness/model/wait_tree.h"

struct sl_fact {
    enum sl_fact_kind kind;
    uint32_t count;  /* threads that it is true of */
    uint64_t thread; /* id of one of them; 0: not known */
    uint64_t object; /* address of what it waits for, or 0 */
    uint64_t other;  /* id of the thread that it waits for, or 0 */
    uint64_t value;
    const char *text;
};

/* What the threads of a group hold and use, all together; of zeros: nobody looked. */
struct sl_leak_cost {
    struct sl_value stack_bytes; /* in memory, which is some */
    struct sl_value descriptors; /* different ones that they wait at */
    struct sl_value cpu_ns_per_second;
};

/* A group, and why its threads are there. */
struct sl_finding {
    struct sl_group group; /* first: the layout of reports counts on it */
    bool counted;          /* false: shown but no leak (threads of a library or of the process) */
    const char *ignored;   /* the rule that it is not counted for, and why; or NULL */
    enum sl_cause cause;
    const struct sl_fact *facts; /* behind the cause; NULL: read from a report */
    size_t n_facts;
    const char *evidence; /* the facts, one sentence */
    struct sl_leak_cost cost;
};

/* A thread that ended inside the settle window. */
struct sl_late_thread {
    pid_t tid;
    uint64_t start_time; /* with tid its identity; 0: read from a report */
    char name[16];
    uint64_t delay_ns; /* from `closed` to the first look that missed it */
};

/* How many threads of one fingerprint ended up to a delay, and after the one before. */
struct sl_late_bin {
    uint64_t up_to_ns;
    uint32_t count; /* not 0 */
};

struct sl_late_group {
    char fingerprint[17]; /* of their stacks right after the work; empty: these were not seen */
    const char *function; /* that people recognise them by, or NULL */
    char thread_name[16]; /* of the first */
    uint32_t count;
    const struct sl_late_bin *bins; /* ascending */
    size_t n_bins;
};

struct sl_leak_report {
    uint32_t count;                    /* leaked threads: sum over counted groups */
    uint32_t unjoined;                 /* of these, such as ended and were never joined */
    const char *unjoined_missing;      /* why these are not known, and not in count; or NULL */
    uint32_t late;                     /* ended inside the settle window */
    uint32_t resident;                 /* library threads, gone at torn_down */
    uint32_t ignored;                  /* that rules ignore */
    uint64_t settle_ns;                /* how long settling took */
    const struct sl_finding *findings; /* counted first, then by count descending */
    size_t n_findings;
    const struct sl_late_thread *late_threads;
    size_t n_late_threads;
    const struct sl_rule_match *matches; /* what rules of files fit; none: read from a report */
    size_t n_matches;
    const struct sl_late_group *late_groups; /* the same threads, largest group first */
    size_t n_late_groups;
    struct sl_wait_tree wait_tree; /* of all threads of the last look */
};

#endif
