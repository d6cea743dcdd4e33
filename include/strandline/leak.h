/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads in groups: those of a snapshot, what changed from one snapshot to another, and those
 * that stayed after an observation, with the reason why.
 *
 * Threads are of one group when the same functions are on their stacks, whatever the addresses
 * and lines: a group has a fingerprint that a new build of the program keeps.
 *
 * As in snapshot.h, everything is immutable and may be looked at by any number of threads at once;
 * nothing is copied; what a look gives is borrowed, and valid until what it was taken from is
 * freed; an index that is out of range gives NULL; and what is asked of NULL is NULL, 0, false or
 * the first value of an enum.
 */
#ifndef STRANDLINE_LEAK_H
#define STRANDLINE_LEAK_H

#include <strandline/snapshot.h>

#ifdef __cplusplus
extern "C" {
#endif

struct sl_groups;      /* all groups of a snapshot */
struct sl_diff;        /* what two snapshots differ in */
struct sl_diff_entry;  /* a group that did not stay as it was */
struct sl_leak_report; /* what sl_observation_end() found */
struct sl_finding;     /* a group that stayed, and why */
struct sl_fact;        /* one thing that was seen of it */
struct sl_late_thread; /* one that needed a while to end */
struct sl_group;       /* threads with one fingerprint; what is of one thread is of the first */

/**
 * Group the threads of a snapshot, largest group first.
 *
 * @param ret_groups  set on SL_OK only; the caller owns it, sl_groups_free().  The snapshot may be
 *                    freed before
 *
 * @return SL_OK, SL_ENOMEM
 */
SL_API SL_CHECKED enum sl_status sl_groups_make(const struct sl_snapshot *snapshot,
                                                struct sl_groups **ret_groups,
                                                struct sl_error *err);
/* NULL is allowed. */
SL_API void sl_groups_free(struct sl_groups *groups);
SL_API size_t sl_groups_n(const struct sl_groups *groups);
SL_API const struct sl_group *sl_groups_group(const struct sl_groups *groups, size_t index);
/* The group of the thread that sl_snapshot_thread() gives for this index. */
SL_API const struct sl_group *sl_groups_of_thread(const struct sl_groups *groups, size_t index);

SL_API const char *sl_group_fingerprint(const struct sl_group *group); /* 16 hex digits */
SL_API uint32_t sl_group_count(const struct sl_group *group);          /* threads */
/* The frame that people recognise the thread by: "queue_take", or "libbus.so+0x1234". */
SL_API const char *sl_group_function(const struct sl_group *group);
/* As in struct sl_stack, of which the group has a copy. */
SL_API size_t sl_group_n_frames(const struct sl_group *group);
SL_API const struct sl_frame *sl_group_frame(const struct sl_group *group, size_t index);
SL_API bool sl_group_complete(const struct sl_group *group);
SL_API enum sl_grade sl_group_grade(const struct sl_group *group);
SL_API const char *sl_group_reason(const struct sl_group *group);
SL_API const struct sl_wait *sl_group_wait(const struct sl_group *group);
SL_API const char *sl_group_thread_name(const struct sl_group *group);
/* Ids of the first threads; none where the threads have ended.  0 for an index out of range. */
SL_API size_t sl_group_n_ids(const struct sl_group *group);
SL_API uint64_t sl_group_id(const struct sl_group *group, size_t index);
/*
 * Its threads, as indices for sl_snapshot_thread() of the snapshot that was grouped; SIZE_MAX for
 * an index out of range.
 */
SL_API size_t sl_group_n_members(const struct sl_group *group);
SL_API size_t sl_group_member(const struct sl_group *group, size_t index);

#define SL_DIFF_MAP(X)                                                                             \
    X(APPEARED, "appeared")                                                                        \
    X(GREW, "grew")                                                                                \
    X(SHRANK, "shrank")                                                                            \
    X(GONE, "gone")                                                                                \
    X(SAME, "same") /* no entry of a sl_diff is */

enum sl_diff_kind {
#define X(name, text) SL_DIFF_##name,
    SL_DIFF_MAP(X)
#undef X
};

SL_API const char *sl_diff_kind_text(enum sl_diff_kind kind);

/**
 * Find the groups whose number of threads differs between two snapshots, of one process or of two
 * that run the same program: what appeared first, then what grew, shrank and is gone, each with
 * the largest difference first.
 *
 * @param ret_diff  set on SL_OK only; the caller owns it, sl_diff_free().  The snapshots may be
 *                  freed before
 *
 * @return SL_OK, SL_ENOMEM
 */
SL_API SL_CHECKED enum sl_status sl_diff_make(const struct sl_snapshot *before,
                                              const struct sl_snapshot *after,
                                              struct sl_diff **ret_diff, struct sl_error *err);
/* NULL is allowed. */
SL_API void sl_diff_free(struct sl_diff *diff);
SL_API size_t sl_diff_n(const struct sl_diff *diff);
SL_API const struct sl_diff_entry *sl_diff_entry(const struct sl_diff *diff, size_t index);
SL_API enum sl_diff_kind sl_diff_entry_kind(const struct sl_diff_entry *entry);
/* As it is after, or was before where it is gone. */
SL_API const struct sl_group *sl_diff_entry_group(const struct sl_diff_entry *entry);
SL_API uint32_t sl_diff_entry_before(const struct sl_diff_entry *entry); /* threads */
SL_API uint32_t sl_diff_entry_after(const struct sl_diff_entry *entry);

/*
 * Why threads are still there.  In the order in which the rules are asked: the first that applies
 * names the cause.  Whose the threads are comes first; some may stay whatever they wait for.
 */
#define SL_CAUSE_MAP(X)                                                                            \
    X(NOT_CLOSED, "not-closed")                                                                    \
    X(RESIDENT, "resident")                                                                        \
    X(UNJOINED, "unjoined")                                                                        \
    X(DEADLOCK, "deadlock")                                                                        \
    X(LOCK_BLOCKED, "lock-blocked")                                                                \
    X(JOINING, "joining")                                                                          \
    X(QUEUE_BLOCKED, "queue-blocked")                                                              \
    X(SPINNING, "spinning")                                                                        \
    X(RETRYING, "retrying")                                                                        \
    X(IO, "io")                                                                                    \
    X(PARKED, "parked")                                                                            \
    X(UNKNOWN, "unknown")

enum sl_cause {
#define X(name, text) SL_CAUSE_##name,
    SL_CAUSE_MAP(X)
#undef X
};

/* "not-closed"; as all texts of enums, "unknown" for a value that is none of them. */
SL_API const char *sl_cause_text(enum sl_cause cause);

/* Leaked threads: the sum over the findings that count. */
SL_API uint32_t sl_leak_report_count(const struct sl_leak_report *report);
/* Of these, such as ended and were never joined; and why they are not known, or NULL. */
SL_API uint32_t sl_leak_report_unjoined(const struct sl_leak_report *report);
SL_API const char *sl_leak_report_unjoined_missing(const struct sl_leak_report *report);
/* Threads of libraries, which are shown but do not count. */
SL_API uint32_t sl_leak_report_resident(const struct sl_leak_report *report);
/* How long it took until nothing was left that would still end by itself. */
SL_API uint64_t sl_leak_report_settle_ns(const struct sl_leak_report *report);

/* What counts first, then by threads descending. */
SL_API size_t sl_leak_report_n_findings(const struct sl_leak_report *report);
SL_API const struct sl_finding *
sl_leak_report_finding(const struct sl_leak_report *report, size_t index);
SL_API const struct sl_group *sl_finding_group(const struct sl_finding *finding);
/* false: shown, but no leak */
SL_API bool sl_finding_counted(const struct sl_finding *finding);
SL_API enum sl_cause sl_finding_cause(const struct sl_finding *finding);
/* The facts behind the cause, one sentence; and one by one, in the order in which they are told. */
SL_API const char *sl_finding_evidence(const struct sl_finding *finding);
SL_API size_t sl_finding_n_facts(const struct sl_finding *finding);
SL_API const struct sl_fact *sl_finding_fact(const struct sl_finding *finding, size_t index);

/*
 * What a fact says of `count` threads; which members tell it.  Members that are not named are 0
 * or NULL, except for count.
 */
#define SL_FACT_MAP(X)                                                                             \
    X(NONE, "none")                                                                                \
    X(NOT_REACHED, "not-reached") /* what has to end them was never reached */                     \
    X(WITNESS, "witness")         /* text has to be gone, and thread is one of it */               \
    X(OF_PROCESS, "of-process")   /* they are text, which all of the process shares */             \
    X(ENDED_WITH_LIBRARY, "ended-with-library") /* text */                                         \
    X(KEPT_BY_LIBRARY, "kept-by-library")       /* text, whose shutdown nobody saw */              \
    X(UNJOINED, "unjoined")                     /* they ended, and nobody joined them */           \
    X(WAIT, "wait")                     /* value: enum sl_wait_kind; object, other; text: words */ \
    X(WAIT_TOO, "wait-too")             /* the same of others of the group */                      \
    X(WAIT_ELSEWHERE, "wait-elsewhere") /* so many more do something else */                       \
    X(IDLE, "idle")                     /* they did not run */                                     \
    X(SWITCHES, "switches")             /* value: context switches together */                     \
    X(CPU, "cpu")                       /* value: nanoseconds of CPU time together */              \
    X(LOOKED_AT, "looked-at")           /* they were made to run to be looked at; not in it */     \
    X(SPAN, "span")                     /* value: nanoseconds between the looks that tell this */  \
    X(NOT_MEASURED, "not-measured")     /* how much they ran is not known; text: why */            \
    X(BORN, "born")                     /* they started after the first of the two looks */        \
    X(NO_STACK, "no-stack")             /* text: why */                                            \
    X(OUTLIVED_LIBRARY, "outlived-library") /* text, whose shutdown did not end them */            \
    X(NONE_ENDED, "none-ended")             /* of so many threads at peak */                       \
    X(REPLACED, "replaced")                 /* text, whose shutdown made others in their place */  \
    X(HOLDER, "holder") /* other holds the object that they wait for; text: who that is */         \
    X(JOINED, "joined") /* they wait for other to end; text: who that is */                        \
    X(OTHERS_HOLD, "others-hold") /* further threads hold, or are, what so many wait for */        \
    X(CIRCLE, "circle") /* they wait in circles; value: threads of one, whose waits follow */      \
    X(CIRCLE_WAIT, "circle-wait") /* thread waits at object for other; value, text: as WAIT */     \
    X(CIRCLE_WAIT_TOO, "circle-wait-too") /* a further wait of that circle */                      \
    X(CIRCLE_GOES_ON, "circle-goes-on")   /* so many more waits are in it */                       \
    X(AS_BEFORE, "as-before") /* of so many threads at peak none has ended, a witness neither */   \
    X(QUEUE, "queue")         /* they wait for room in text */                                     \
    X(LEAST_CPU, "least-cpu") /* value: as CPU, or more */                                         \
    X(ENDED_HOLDER, "ended-holder") /* other took the object that they wait for, and is gone */    \
    X(CANDIDATES, "candidates")     /* object keeps no owner; value: threads that may have it, of  \
                                       which other is the first; text: words */

enum sl_fact_kind {
#define X(name, text) SL_FACT_##name,
    SL_FACT_MAP(X)
#undef X
};

/* "wait-too" */
SL_API const char *sl_fact_kind_text(enum sl_fact_kind kind);
SL_API enum sl_fact_kind sl_fact_kind(const struct sl_fact *fact);
SL_API uint32_t sl_fact_count(const struct sl_fact *fact);  /* threads that it is true of */
SL_API uint64_t sl_fact_thread(const struct sl_fact *fact); /* id of one of them; 0: not known */
SL_API uint64_t sl_fact_object(const struct sl_fact *fact); /* address of what it waits for, or 0 */
SL_API uint64_t sl_fact_other(const struct sl_fact *fact);  /* id of whom it waits for, or 0 */
SL_API uint64_t sl_fact_value(const struct sl_fact *fact);
SL_API const char *sl_fact_text(const struct sl_fact *fact);

/* Threads that ended while they were waited for. */
SL_API size_t sl_leak_report_n_late(const struct sl_leak_report *report);
SL_API const struct sl_late_thread *
sl_leak_report_late(const struct sl_leak_report *report, size_t index);
SL_API uint64_t sl_late_thread_id(const struct sl_late_thread *thread);
SL_API const char *sl_late_thread_name(const struct sl_late_thread *thread);
/* From when the work was over to the first look that missed it. */
SL_API uint64_t sl_late_thread_delay_ns(const struct sl_late_thread *thread);

#ifdef __cplusplus
}
#endif
#endif
