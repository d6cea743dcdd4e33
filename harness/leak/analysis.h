/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Steps of the leak analysis, in the order in which sl_leak_analyse takes them:
 * candidates, fingerprints, was Close effective, who is resident, clusters, causes.
 */
#ifndef SL_LEAK_ANALYSIS_H
#define SL_LEAK_ANALYSIS_H

#include "harness/leak/leak.h"

/* A thread that stayed, with what the other snapshots know about it. */
struct sl_leak_candidate {
    const struct sl_thread *thread; /* in `settled` */
    const struct sl_thread *before; /* the same thread in an earlier look after Close, or NULL */
    const struct sl_unjoined *unjoined; /* it has ended, and this is what is left; NULL: it lives */
    uint64_t fingerprint;
    const char *library; /* file name of the library that its entry lies in, or NULL */
    const char *process; /* what it is, when it is the process's and not the bus's; or NULL */
    bool resident;       /* ends only with that library or the process, so that it is no leak */
};

/* Candidates with one fingerprint and one fate. */
struct sl_leak_cluster {
    const struct sl_leak_candidate *members; /* ascending id */
    size_t n_members;                        /* at least 1 */
    uint32_t count;                          /* threads: the sum over the members */
};

/* Clusters and their members; the two arrays come from malloc. */
struct sl_leak_clusters {
    struct sl_leak_candidate *members;
    struct sl_leak_cluster *clusters;
    size_t n_clusters;
};

/* What a candidate did between the two looks, without what being looked at made it do. */
struct sl_leak_activity {
    bool known;
    uint64_t switches, cpu_ns;
};

/* What every rule for a cause may look at. */
struct sl_leak_case {
    const struct sl_leak_input *input; /* NULL: threads are only described */
    struct sl_leak_words words;        /* complete, but for `strict` */
    const char *not_closed;            /* why Close had no effect, or NULL */
    uint32_t survivors;     /* threads at peak beyond `start`, when none has ended; else 0 */
    uint64_t observed_ns;   /* between the two looks after Close; 0: there was one */
    bool counts_differ;     /* the two looks counted different things */
    struct sl_arena *arena; /* for the evidence */
};

/* As sl_leak_fingerprint; threads without a stack are told apart by reason and name. */
uint64_t sl_leak_fingerprint_thread(const struct sl_thread *thread);

/* diff.c */

/* Same id is not enough: the kernel reuses them.  NULL when the thread is not in the snapshot. */
const struct sl_thread *
sl_leak_find_same(const struct sl_snapshot *snapshot, const struct sl_thread *thread);

/* Not known when there was one look, or one look stopped the thread and did not see it go back. */
struct sl_leak_activity
sl_leak_activity(const struct sl_leak_case *the_case, const struct sl_leak_candidate *candidate);

/* Between `closed` and `settled`; 0 when these are not two looks. */
uint64_t sl_leak_observed_ns(const struct sl_leak_input *input);

/*
 * Threads of `settled` that are not in `start`.
 *
 * @param ret_candidates  from malloc, ascending id
 */
SL_CHECKED enum sl_status sl_leak_diff(const struct sl_leak_input *input,
                                       struct sl_leak_candidate **ret_candidates,
                                       size_t *ret_n_candidates, struct sl_error *err);

/* All threads of a snapshot, as candidates about which nothing else is known. */
SL_CHECKED enum sl_status sl_leak_all(const struct sl_snapshot *snapshot,
                                      struct sl_leak_candidate **ret_candidates,
                                      struct sl_error *err);

/* unjoined.c */

/* Is what is left of a thread that ended still there?  false, too, where that is not known. */
bool sl_leak_has_unjoined(const struct sl_snapshot *snapshot, const struct sl_unjoined *unjoined);

/*
 * Append the threads that ended after `start` and that nobody joined to candidates from malloc,
 * which may move.
 */
SL_CHECKED enum sl_status sl_leak_add_unjoined(const struct sl_leak_input *input,
                                               struct sl_arena *arena,
                                               struct sl_leak_candidate **candidates,
                                               size_t *n_candidates, struct sl_error *err);

/* closing.c */

/* Judge whether Close took effect; fills not_closed and survivors. */
SL_CHECKED enum sl_status sl_leak_judge_close(struct sl_leak_case *the_case,
                                              const struct sl_leak_candidate *candidates,
                                              size_t n_candidates, struct sl_error *err);

/* cluster.c */

/* Fill the fingerprint of every candidate; once per distinct stack, however many share it. */
SL_CHECKED enum sl_status sl_leak_fingerprint_all(struct sl_leak_candidate *candidates,
                                                  size_t n_candidates, struct sl_error *err);

/* O(n).  The order of clusters is that of their first members. */
SL_CHECKED enum sl_status
sl_leak_clusters_new(const struct sl_leak_candidate *candidates, size_t n_candidates,
                     struct sl_leak_clusters *ret_clusters, struct sl_error *err);
void sl_leak_clusters_release(struct sl_leak_clusters *clusters);

/* cause.c */

/* First rule that applies.  Evidence lives in the case's arena. */
SL_CHECKED enum sl_status
sl_leak_explain(const struct sl_leak_case *the_case, const struct sl_leak_cluster *cluster,
                enum sl_cause *ret_cause, const char **ret_evidence, struct sl_error *err);

/* evidence.c */

/* The words, and neutral ones in place of those that are not given. */
struct sl_leak_words sl_leak_complete_words(const struct sl_leak_words *given);

/* Parts of sentences, in the case's arena.  All return NULL when memory is short. */

/* "1 thread", "2 threads" */
const char *sl_leak_say_threads(const struct sl_leak_case *the_case, uint32_t n);

/* "5120 threads wait on a condition without a time-out, 1 is runnable" */
const char *
sl_leak_say_waits(const struct sl_leak_case *the_case, const struct sl_leak_cluster *cluster);

/* "2s", as people read it: whole milliseconds, except below one. */
const char *sl_leak_say_duration(const struct sl_leak_case *the_case, uint64_t duration_ns);

/*
 * How much the members ran between the two looks: "; 3 context switches in the 2s
 * between Close and the last look".  "" when there was one look only.  What being looked at
 * made them do is not in it.
 */
const char *
sl_leak_say_activity(const struct sl_leak_case *the_case, const struct sl_leak_cluster *cluster);

/* What else is known: why there is no stack, that a library's shutdown changed nothing, and
   that Close ended nobody.  Starts with "; " unless it is "". */
const char *sl_leak_say_circumstances(const struct sl_leak_case *the_case,
                                      const struct sl_leak_cluster *cluster);

#endif
