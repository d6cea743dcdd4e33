/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plain data: which threads of a process wait for which.
 *
 * A thread waits for one other at most, so what hangs together is a tree whose root waits for
 * nobody, or a circle with trees that lead into it.  Only what is proven makes an edge:
 * sl_wait.owner and sl_wait.ended_owner.
 */
#ifndef SL_MODEL_WAIT_TREE_H
#define SL_MODEL_WAIT_TREE_H

#include "harness/model/group.h"

#define SL_WAIT_NOBODY UINT32_MAX

/* One thread of a snapshot. */
struct sl_wait_link {
    uint32_t next;   /* index of the thread that it waits for, or SL_WAIT_NOBODY */
    uint32_t root;   /* index of the one at the end of that; of a circle the lowest */
    uint32_t depth;  /* waits from it to the root, or to the circle; 0: it is one of those */
    uint32_t circle; /* threads of the circle that it is in; 0: it is in none */
    bool ends;       /* one of that circle wakes by itself, for its wait has a time-out */
    uint32_t behind; /* threads outside the circle that wait for it, directly or through others */
};

struct sl_wait_graph {
    struct sl_wait_link *links; /* by the index of the thread */
    size_t n_links;
};

/* Threads of one group that wait in one way for the threads of one other line; or a root. */
struct sl_wait_node {
    int32_t waits_for; /* index of that line; its own: for itself; -1: for no thread */
    uint32_t depth;    /* 0: a root, or in the circle */
    uint32_t count;    /* threads; 0: the root is no thread of the process any more */
    uint32_t behind;   /* threads that wait for these, directly or through others */
    uint64_t ids[SL_GROUP_SAMPLE];
    uint32_t n_ids;
    const char *name;     /* of the first thread; NULL: it is gone */
    const char *function; /* the frame that people recognise it by; NULL: it is gone */
    char fingerprint[17]; /* of its group; empty: it is gone */
    struct sl_wait wait;  /* of the first */
    uint32_t n_objects;   /* primitives that they wait at */
};

/* What hangs together. */
struct sl_wait_root {
    uint32_t count;  /* threads of all lines */
    uint32_t circle; /* so many lines at the beginning wait each for the next, the last one for the
                        first; 0: the first line is the root */
    bool ends;       /* a time-out ends that circle; false: it is a deadlock */
    const struct sl_wait_node *nodes; /* whom a line waits for stands before it */
    size_t n_nodes;
};

/* A thread that may have what others wait for, and may as well not. */
struct sl_wait_candidate {
    uint64_t id;
    const char *name;
    const char *function; /* the frame that people recognise it by */
};

/*
 * What threads wait at, where no thread is known to be the one that they wait for: a lock that
 * keeps no owner, or one end of a pipe or connection whose other end the process has itself.
 */
struct sl_wait_place {
    const char *what; /* "Mutex of Rust", "pipe:[81]" */
    uint64_t object;  /* address of the lock; 0: it is an end */
    const char *call; /* that they wait in; NULL: it is a lock */
    uint32_t count;   /* threads that wait there */
    uint64_t ids[SL_GROUP_SAMPLE];
    uint32_t n_ids;
    const char *name;                           /* of the first */
    const char *function;                       /* the frame that people recognise it by */
    const struct sl_wait_candidate *candidates; /* of a lock */
    size_t n_candidates;
    bool searched;               /* see struct sl_lock */
    const uint64_t *descriptors; /* the other end */
    size_t n_descriptors;
};

/* Lives in a caller's arena. */
struct sl_wait_tree {
    uint32_t waiting;                 /* threads that wait for another, also for one that is gone */
    uint32_t deadlocks;               /* circles that no time-out ends */
    const struct sl_wait_root *roots; /* deadlocks first, then by threads */
    size_t n_roots;
    const struct sl_wait_place *places; /* locks first, then by threads */
    size_t n_places;
};

#endif
