/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tally: what became of a load, as far as one process of it knows; and of all of them,
 * merged.
 *
 * Processes that share a load know different things of a message: who published it, whether it
 * was accepted; who consumed it, whether it was handled.  Merged by message, these give
 * the counts of the whole load exactly.  Histograms are merged by bucket, so that a
 * percentile of the whole is one of all samples.
 */
#ifndef SL_LOAD_TALLY_H
#define SL_LOAD_TALLY_H

#include "base/pack.h"
#include "harness/load/checker.h"
#include "harness/load/histogram.h"

struct sl_tally {
    uint32_t n_events;
    unsigned char *states; /* SL_MESSAGE_... by event */
    uint64_t repeated;     /* handler calls past the first of a message */
    uint64_t redelivered, order_violations;
    char first_violation[160]; /* "" none */
    bool timed_out;
    /* CLOCK_MONOTONIC of the observer; 0: nothing was published, or handled */
    uint64_t first_intended_ns, first_call_ns, last_return_ns;
    uint64_t first_handled_ns, last_handled_ns;
    struct sl_histogram *publish_latency, *end_to_end;
};

/* @return NULL when memory is short */
struct sl_tally *sl_tally_new(uint32_t n_events);
void sl_tally_free(struct sl_tally *tally);
SL_DEFINE_AUTO(sl_tally, sl_tally_free);

/*
 * Layout: the states as below, the numbers in the order of the struct, the text, the two
 * histograms.
 */
void sl_tally_pack(const struct sl_tally *tally, struct sl_packer *packer);

/**
 * Read a packed tally of a load of n_events, all of `data`.
 *
 * @return SL_EPROTO it is none; SL_ENOMEM
 */
SL_CHECKED enum sl_status sl_tally_unpack(const void *data, size_t size, uint32_t n_events,
                                          struct sl_tally **ret_tally, struct sl_error *err);

/* Runs of messages with one state: length and state, until there is one for each event. */
void sl_tally_pack_states(const unsigned char *states, uint32_t n_events, unsigned mask,
                          struct sl_packer *packer);
/* @return false when they are malformed; then states hold no more than parts of them */
bool sl_tally_unpack_states(struct sl_unpacker *unpacker, unsigned char *states, uint32_t n_events);

/* No packed tally, and no packed states, of so many events is larger. */
size_t sl_tally_size_max(uint32_t n_events);

/**
 * Add what another process knows.
 *
 * @return SL_EPROTO both say that they published the same message; nothing was added
 */
SL_CHECKED enum sl_status
sl_tally_merge(struct sl_tally *into, const struct sl_tally *from, struct sl_error *err);

void sl_tally_count(const struct sl_tally *tally, struct sl_load_counts *ret_counts);

/* Put counts, times and latencies of a tally into a record. */
void sl_tally_record(const struct sl_tally *tally, struct sl_load_record *record);

#endif
