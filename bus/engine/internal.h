/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bus's own state: structs only.
 *
 * Lock order: none is ever held while another of these is taken, nor over a join,
 * a callback, a network call or a wait for anything but its own condition:
 *   bus.mutex, topic.mutex, queue.mutex, ledger.mutex, gate.mutex, and a
 *   transport's own.
 * Some faults break this on purpose.
 */
#ifndef BUS_ENGINE_INTERNAL_H
#define BUS_ENGINE_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <strandline/bus.h>
#include <strandline/bus_metrics.h>

#include "bus/engine/hold.h"
#include "bus/engine/hooks.h"
#include "bus/engine/log.h"
#include "bus/engine/queue.h"
#include "bus/engine/transport.h"
#include "bus/thread/gate.h"
#include "bus/thread/ledger.h"
#include "bus/thread/results.h"
#include "bus/thread/stacks.h"

/* Deliveries a fetcher takes at once. */
#define FETCH_BATCH 1024u

struct worker {
    struct queue queue;
    struct hold hold; /* the worker's own thread only */
    struct pool *pool;
    struct thread thread;
};

struct pool {
    struct bus *bus;
    struct worker *workers;
    uint32_t n_workers;
    struct stacks stacks;     /* of the workers */
    atomic_uint round;        /* next worker for a message without a key */
    atomic_bool aborted;      /* workers leave after the message they handle */
    atomic_uint next_to_wake; /* of an ended pool: index of a worker */
};

/* Work space of one submitting thread. */
struct pool_router {
    uint16_t *first;   /* per worker: its first delivery of the batch; NO_DELIVERY between calls */
    uint16_t *next;    /* per delivery: the next one of the same worker */
    uint32_t *touched; /* workers that get something */
    bool *pushed;      /* per delivery */
    const struct delivery **gathered;
};

/* Of a topic, for the faults. */
struct topic_fault {
    bool is_twin;                    /* see bus/fault/open.h */
    uint64_t n_fetched, n_completed; /* n_completed: guarded by the topic's mutex */
    uint64_t n_refetched;            /* of the transport's reconnects */
};

struct topic {
    struct bus *bus;
    const char *name;
    size_t index;
    struct topic *dead; /* for its dead letters, or NULL */
    bool is_dead;       /* it is one for dead letters */
    sl_message_handler handler;
    void *user;
    atomic_bool subscribed; /* claimed by a subscribe; everything below is then set up */
    bool running;           /* the fetcher was started; guarded by the bus's subscribe gate */
    struct subscription *subscription;
    struct pool *pool; /* keyed: its own; unified: the bus's; direct: NULL */
    struct thread fetcher;
    struct delivery *batch; /* FETCH_BATCH of them, the fetcher's */
    struct pool_router router;
    uint64_t gather_ns;            /* the fetcher's: how long to wait for more */
    size_t n_gathered;             /* likewise: what the last wait has brought so far */
    atomic_uint_fast64_t n_behind; /* the subscription's, for the metrics */

    pthread_mutex_t mutex; /* guards stopping */
    pthread_cond_t stop;
    bool stopping;         /* fetch no more; dispatch what is in hand */
    atomic_bool abandoned; /* give back what is in hand */
    struct topic_fault fault;
};

/* Fields of struct bus_metrics, but for the first of these. */
struct counters {
    atomic_uint_fast64_t given_back_closing; /* given_back while closing */
    atomic_uint_fast64_t fetched, delivered, redelivered, acked, handler_errors, given_back;
    atomic_uint_fast64_t queue_full, given_up;
};

/* Apart from the others, because other threads write them. */
struct publish_counters {
    atomic_uint_fast64_t published, errors;
    atomic_uint_fast64_t outcomes[SL_PUBLISH_UNKNOWN + 1];
    atomic_uint_fast64_t results_waits, results_dropped;
};

static inline void count(atomic_uint_fast64_t *counter, uint64_t n)
{
    (void) atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

static inline uint64_t read_counter(const atomic_uint_fast64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

struct bus {
    struct bus_config config; /* pointers in it are NULL; defaults filled in */
    fault_set faults;
    const struct fault_hooks *hooks; /* both NULL without faults */
    struct fault_state *fault_state;
    char *prefix, *servers;
    struct topic *topics; /* in the order of the configuration */
    const char **topic_names;
    size_t n_topics;
    struct ledger ledger;
    struct transport *transport;
    struct pool *unified; /* NULL in the other modes */
    struct counters counters;

    struct thread monitor;
    pthread_cond_t monitor_stop; /* with mutex */
    bool monitor_stopping;       /* guarded by mutex */

    struct gate subscribers;            /* callers in bus_subscribe */
    struct gate callers;                /* callers in bus_publish and bus_flush */
    struct publish_counters publishing; /* also owner of the scope in which outcomes are told */
    struct results results;
    struct logger logger;
    struct gate users; /* threads in the transport: fetchers, workers, the monitor */

    pthread_mutex_t mutex; /* guards state and what close found */
    pthread_cond_t closed;
    atomic_int state;      /* enum bus_state; changed with the mutex held */
    bool kept;             /* somebody was left behind: memory stays */
    struct bus *next_kept; /* see bus_free */
    enum sl_status close_status;
    struct sl_driver_close_report close_report;
};

#endif
