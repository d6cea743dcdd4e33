/* SPDX-License-Identifier: Apache-2.0 */
/* Threads that have ended and were never joined: gone for the kernel, kept by the C library. */
#ifndef SL_SNAPSHOT_UNJOINED_H
#define SL_SNAPSHOT_UNJOINED_H

#include "harness/snapshot/code.h"

/* What the C library has of them. */
struct sl_unjoined_list {
    bool walked;
    const char *missing; /* why that could not be found out; NULL: these are all */
    struct sl_unjoined_node {
        uint64_t descriptor; /* pthread_t */
        uint64_t start;      /* address of its start routine */
    } * nodes;
    size_t n, capacity;
};

/*
 * Follow the lists of the C library.  Uses memory and modules of the code, but neither its names
 * nor the arena.  Fails only when memory is short.
 *
 * @param list  of zeros; free its nodes
 */
SL_CHECKED enum sl_status
sl_unjoined_walk(struct sl_code *code, struct sl_unjoined_list *list, struct sl_error *err);

/*
 * Fill the snapshot from a list that was walked.  Fails only when memory is short.
 *
 * @param ret_threads  the snapshot's, to be completed; NULL when they are not known
 */
SL_CHECKED enum sl_status sl_unjoined_name(struct sl_code *code,
                                           const struct sl_unjoined_list *list,
                                           struct sl_unjoined **ret_threads, struct sl_error *err);

#endif
