/* SPDX-License-Identifier: Apache-2.0 */
/* A snapshot in the shape in which it is printed: what text and JSON share. */
#ifndef SL_REPORTS_SNAPSHOT_DOCUMENT_H
#define SL_REPORTS_SNAPSHOT_DOCUMENT_H

#include "reports/snapshot/listing.h"

struct sl_document_wait {
    uint32_t count;
    const char *text;    /* sl_wait_say() */
    struct sl_wait wait; /* of one of them */
};

struct sl_document_group {
    struct sl_group group;                /* first: the layout counts on it */
    const struct sl_document_wait *waits; /* at least one; what most threads wait for is first */
    size_t n_waits;
    const char *const *names; /* sl_name_ranges() */
    size_t n_names;
    const char *states; /* "S"; "498 S, 2 R" */
};

/* What is told of a goroutine beside what threads have. */
struct sl_document_goroutine {
    uint32_t count;    /* 0: it is none */
    const char *state; /* in words of Go; NULL: not known */
    uint64_t waiting_ns;
    struct sl_goroutine own;
    const struct sl_frame *created_by; /* NULL: not known */
};

struct sl_document_thread {
    struct sl_thread thread;
    struct sl_document_goroutine goroutine;
    struct sl_stack stack; /* of the thread; without one only its reason is set */
    char state[2];
    const char *fingerprint; /* of its group */
    struct sl_proof proof;
};

/* Threads with one start routine that ended and were never joined. */
struct sl_document_unjoined_group {
    uint32_t count;
    struct sl_frame start;
};

struct sl_document_unjoined {
    uint32_t count;     /* of all groups */
    const char *reason; /* why they are not known; NULL: these are all */
    const struct sl_document_unjoined_group *groups; /* largest first */
    size_t n_groups;
};

/* How many threads had their registers from where. */
struct sl_document_sources {
    uint32_t none, proc, bpf, ptrace, dump;
};

/* Threads that were not looked at. */
struct sl_document_left_out {
    uint32_t count;
    const char *reason; /* NULL: there are none */
};

struct sl_document {
    enum sl_snapshot_kind kind;
    const char *runtime; /* of goroutines; NULL: not known */
    struct sl_dump dump; /* without a format: of a process */
    pid_t pid;
    const char *command; /* name of the process */
    uint64_t ticks_per_second;
    struct sl_snapshot_stats stats;
    struct sl_document_sources sources;
    const struct sl_living_witness *witnesses;
    size_t n_witnesses;
    struct sl_wait_tree wait_tree;
    const struct sl_document_group *groups;
    size_t n_groups;
    struct sl_document_unjoined unjoined;
    struct sl_document_left_out left_out;
    const struct sl_snapshot_module *modules;
    size_t n_modules;
    const char *const *proof_assumptions; /* none: nobody asked for proofs */
    size_t n_proof_assumptions;
    /* The rest is only in the JSON form of a full listing, which a snapshot can be read from. */
    uint64_t taken_ns;
    bool counts_arrivals;
    const struct sl_document_thread *threads;
    size_t n_threads;
    const struct sl_unjoined *unjoined_threads;
    size_t n_unjoined_threads;
};

/* Everything but the threads.  O(n log n). */
SL_CHECKED enum sl_status sl_document_build(const struct sl_snapshot_listing *listing,
                                            struct sl_arena *arena,
                                            struct sl_document *ret_document, struct sl_error *err);

/* What one thread of the snapshot, by its index, looks like; its fingerprint is left open. */
struct sl_document_thread
sl_document_thread(const struct sl_snapshot_listing *listing, size_t index);

#endif
