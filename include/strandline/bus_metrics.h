/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Metrics of a bus: counters and gauges in one struct, and as OpenMetrics text.
 *
 * Counters count from bus_open and never fall.  What is read while messages flow is
 * not one instant: each number was true at some moment of the call.
 */
#ifndef STRANDLINE_BUS_METRICS_H
#define STRANDLINE_BUS_METRICS_H

#include <stdio.h>

#include <strandline/bus.h>

#ifdef __cplusplus
extern "C" {
#endif

enum bus_state { BUS_RUNNING, BUS_CLOSING, BUS_CLOSED };

struct bus_metrics {
    size_t size; /* set by the caller; no more than this is filled */

    /* Counters: publishing. */
    uint64_t published;      /* messages handed to the transport */
    uint64_t publish_errors; /* of these, publish returned an error: no outcome follows */
    uint64_t accepted;       /* outcomes, by kind */
    uint64_t rejected;
    uint64_t unknown;
    uint64_t results_waits;   /* times a full result queue held an outcome up */
    uint64_t results_dropped; /* outcomes that were not kept because nobody took any */

    /* Counters: delivery. */
    uint64_t fetched;        /* messages taken from the broker */
    uint64_t delivered;      /* handler calls */
    uint64_t redelivered;    /* of these, not the first for their message */
    uint64_t handler_errors; /* of these, the handler did not return SL_OK */
    uint64_t acked;          /* messages acknowledged to the broker */
    uint64_t given_back;     /* messages given back to the broker for redelivery */
    uint64_t queue_full;     /* times a full queue paused a topic */

    uint64_t given_up;   /* messages given up after max_deliver tries */
    uint64_t reconnects; /* counter: times a lost connection was made again */

    /* Gauges. */
    uint64_t publishes_pending; /* published without an outcome yet */
    uint64_t held;    /* fetched, neither acknowledged nor given back: queued, being handled, or
                         waiting for a retry */
    uint64_t behind;  /* lag: messages of the subscribed topics that the broker has left, as it
                         said with the last one that was fetched */
    uint64_t threads; /* made and not joined; client library excluded */
    bool connected;   /* to the broker; at most 100 ms old */
    enum bus_state state;
};

/*
 * Take the metrics; ret_metrics->size is set.  Never blocks; allowed until bus_free.
 * Without a bus nothing is filled.
 */
SL_API void bus_metrics_take(const struct bus *bus, struct bus_metrics *ret_metrics);

/*
 * Write metrics as OpenMetrics 1.0 text
 * (application/openmetrics-text; version=1.0.0; charset=utf-8), with its "# EOF".
 * A failed write shows in ferror(out).
 */
SL_API void bus_metrics_print(const struct bus_metrics *metrics, FILE *out);

#ifdef __cplusplus
}
#endif
#endif
