/* SPDX-License-Identifier: Apache-2.0 */
/* Plain data: threads that are where others are, too. */
#ifndef SL_MODEL_GROUP_H
#define SL_MODEL_GROUP_H

#include <strandline/leak.h>

#include "harness/model/proof.h"
#include "harness/model/snapshot.h"

#define SL_GROUP_SAMPLE 8

/* Version of what a fingerprint is made of: where it differs, no group is known again. */
#define SL_FINGERPRINTS 1

/* Threads with one fingerprint.  What is of one thread is of the first. */
struct sl_group {
    char fingerprint[17];    /* 16 hex digits */
    uint32_t count;          /* threads: more than members where one record is many */
    const uint32_t *members; /* indices into the snapshot's threads, ascending; NULL: not known */
    size_t n_members;
    const char *function;          /* the frame that people recognise the thread by */
    const struct sl_frame *frames; /* innermost first */
    size_t n_frames;
    bool complete;
    enum sl_grade grade; /* partial also in old reports, whatever `complete` says */
    const char *reason;  /* why the stack is not complete, or NULL */
    struct sl_wait wait;
    char thread_name[16];
    uint64_t ids[SL_GROUP_SAMPLE];
    uint32_t n_ids; /* valid entries of ids */
    struct sl_proof proof;
};

/* All of a snapshot. */
struct sl_groups {
    struct sl_arena *arena; /* owns this, too */
    const struct sl_group *groups;
    size_t n_groups;
    const struct sl_group **of_threads; /* by the index of the thread */
    size_t n_threads;
};

/* One whose number of threads differs between two snapshots. */
struct sl_diff_entry {
    enum sl_diff_kind kind;
    const struct sl_group *group;
    uint32_t before, after;
};

struct sl_diff {
    struct sl_arena *arena; /* owns this, too */
    struct sl_diff_entry *entries;
    size_t n_entries;
};

/* For qsort: large groups first; the fingerprint makes it one order. */
int sl_group_compare(const void *left, const void *right);

#endif
