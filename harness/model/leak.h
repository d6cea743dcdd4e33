/* SPDX-License-Identifier: Apache-2.0 */
/* Plain data: the threads that stayed, grouped, with causes.  Lives in a caller's arena. */
#ifndef SL_MODEL_LEAK_H
#define SL_MODEL_LEAK_H

#include "harness/model/snapshot.h"

/* Order is priority: an earlier cause explains a group better than a later one. */
#define SL_CAUSE_MAP(X)                                                                            \
    X(NOT_CLOSED, "not-closed")                                                                    \
    X(DEADLOCK, "deadlock")                                                                        \
    X(LOCK_BLOCKED, "lock-blocked")                                                                \
    X(JOINING, "joining")                                                                          \
    X(QUEUE_BLOCKED, "queue-blocked")                                                              \
    X(SPINNING, "spinning")                                                                        \
    X(RETRYING, "retrying")                                                                        \
    X(IO, "io")                                                                                    \
    X(PARKED, "parked")                                                                            \
    X(UNJOINED, "unjoined")                                                                        \
    X(RESIDENT, "resident")                                                                        \
    X(UNKNOWN, "unknown")

enum sl_cause {
#define X(name, text) SL_CAUSE_##name,
    SL_CAUSE_MAP(X)
#undef X
        SL_N_CAUSES
};

const char *sl_cause_text(enum sl_cause cause);
/* @return false for a word that is no cause; *ret_cause is then untouched */
bool sl_cause_parse(const char *text, enum sl_cause *ret_cause);

#define SL_LEAK_SAMPLE 8

struct sl_leak_group {
    char fingerprint[17]; /* 16 hex digits */
    uint32_t count;
    bool counted; /* false: shown but no leak (threads of a library or of the process) */
    enum sl_cause cause;
    const char *evidence;          /* the facts behind the cause, one sentence */
    const char *function;          /* the frame that people recognise the thread by */
    const struct sl_frame *frames; /* innermost first */
    size_t n_frames;
    bool complete;
    enum sl_grade grade;  /* partial also in old reports, whatever `complete` says */
    const char *reason;   /* why the stack is not complete, or NULL */
    struct sl_wait wait;  /* of the first thread */
    char thread_name[16]; /* of the first thread */
    uint64_t ids[SL_LEAK_SAMPLE];
    uint32_t n_ids; /* valid entries of ids */
};

/* A thread that ended inside the settle window. */
struct sl_late_thread {
    pid_t tid;
    char name[16];
    uint64_t delay_ns; /* from `closed` to the first look that missed it */
};

struct sl_leak_report {
    uint32_t count;                     /* leaked threads: sum over counted groups */
    uint32_t unjoined;                  /* of these, such as ended and were never joined */
    const char *unjoined_missing;       /* why these are not known, and not in count; or NULL */
    uint32_t late;                      /* ended inside the settle window */
    uint32_t resident;                  /* library threads, gone at torn_down */
    uint64_t settle_ns;                 /* how long settling took */
    const struct sl_leak_group *groups; /* counted first, then by count descending */
    size_t n_groups;
    const struct sl_late_thread *late_threads;
    size_t n_late_threads;
};

#endif
