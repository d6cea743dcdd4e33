/* SPDX-License-Identifier: Apache-2.0 */
/*
 * NATS JetStream transport: what its files share, structs only.
 *
 * One stream and one durable pull consumer per topic, one connection for all.  The
 * client library is used for its connection, its subscriptions and the management
 * of streams; pull requests and publish acknowledgements are the transport's own,
 * because the packaged library (3.4.1) loses time in Fetch and never settles a
 * publish whose answer was lost in a reconnect.  No callback of the library is used,
 * so that none runs after its connection is gone.
 */
#ifndef BUS_NATS_INTERNAL_H
#define BUS_NATS_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "bus/engine/transport.h"
#include "bus/nats/track.h"
#include "nats/library.h"

/* A message of up to so many bytes, with its key and its reply subject, is copied. */
#define JETSTREAM_TEXT_SIZE 944

/*
 * A fetched message, in the list of what its subscription holds.
 *
 * Short ones are copied, so that the library's message is freed at once, while it is in the
 * processor's cache, and many in one go, instead of one by one when they were handled.
 */
struct jetstream_held {
    struct jetstream_held *next, *previous;
    natsMsg *message;    /* NULL when it was copied */
    const char *reply;   /* of the message or in text */
    uint64_t touched_ns; /* when its redelivery time began */
    uint64_t sequence;   /* in its stream */
    uint64_t stored_ns;  /* when the stream took it */
    uint32_t era;        /* of the track */
    enum track_verdict verdict;
    char *text; /* for a copy: reply subject, key and payload, a NUL after each; NULL: no room */
};

/* Nodes are made in blocks and freed with the subscription. */
struct jetstream_block {
    struct jetstream_block *next;
    struct jetstream_held nodes[64];
    char texts[][JETSTREAM_TEXT_SIZE]; /* of all nodes or of none */
};

/* A pull request that the server still answers. */
struct jetstream_pull {
    uint64_t id;
    uint32_t left; /* messages it may still bring */
};

#define JETSTREAM_MAX_PULLS 8u

struct jetstream_subscription {
    struct subscription base;
    struct jetstream_subscription *next; /* of the transport's list */
    natsSubscription *inbox;
    char *inbox_name;      /* a pull request's reply subject is this, a dot, its id */
    char *request_subject; /* where pull requests go */

    const char *stream; /* of the transport's; also the consumer's name */

    pthread_mutex_t mutex; /* guards what follows up to `waiting`; taken alone */
    struct track track;
    struct jetstream_held held;      /* head of a ring, oldest first */
    struct jetstream_held *free;     /* singly linked */
    struct jetstream_held *answered; /* likewise; their messages are still to be destroyed */
    uint64_t n_held;
    bool stopped, waiting; /* waiting: the fetcher is in the library, waiting for a message */

    /* The rest is the fetcher's own. */
    struct jetstream_block *blocks;
    uint32_t n_blocks;
    struct jetstream_held *spare; /* nodes for what comes next */
    struct jetstream_pull pulls[JETSTREAM_MAX_PULLS];
    uint32_t n_pulls, outstanding; /* outstanding: sum of left */
    uint64_t next_pull;
    uint64_t refused_until_ns; /* no request is sent before */
    uint64_t heard_ns;         /* when the server said something last */
    uint64_t reconnects;       /* of the connection, when the pulls were sent */
    struct delivery *ready;    /* collected, not fetched: [ready_first, n_ready) */
    size_t ready_first, n_ready, ready_capacity;
    struct delivery *parked; /* behind a gap, by sequence */
    size_t n_parked, parked_capacity;
    uint64_t gap;             /* first missing sequence, TRACK_NONE without one */
    uint64_t gap_ns;          /* since when it is the first one */
    uint64_t ask_ns;          /* when the missing ones are asked for next */
    uint64_t consumer_number; /* of a delivery that is not acknowledged */
};

/* A publish that waits for its answer.  The reply subject carries index and generation. */
struct jetstream_slot {
    struct ticket ticket;
    uint64_t sent_ns;
    uint32_t topic;
    uint32_t generation; /* so that a late answer does not settle a later publish */
    uint32_t next_free;
    bool busy;
};

#define JETSTREAM_MAX_SENT 64u

struct jetstream_window {
    pthread_mutex_t mutex; /* guards everything below; taken alone */
    pthread_cond_t freed;
    pthread_cond_t settled;
    struct jetstream_slot *slots;
    uint32_t n_slots, first_free, n_busy;
    uint32_t n_unsettled; /* busy, or its outcome is being told */
    uint64_t n_sent;
    uint64_t *stalled_ns;              /* per topic: nothing is published before */
    natsMsg *sent[JETSTREAM_MAX_SENT]; /* to be destroyed */
    uint32_t n_in_sent;
    size_t sent_size;
    bool interrupted;
};

struct jetstream_transport {
    struct transport base;
    struct transport_config config; /* strings are borrowed from the bus */
    natsConnection *connection;
    jsCtx *jetstream;
    char **subjects; /* per topic */
    char **streams;  /* per topic */

    pthread_mutex_t mutex; /* guards subscriptions; taken alone */
    struct jetstream_subscription *subscriptions;

    struct jetstream_window window;
    natsSubscription *answers; /* of the server to publishes */
    char *answers_name;
    struct thread answers_thread;
    atomic_bool ending;
};

/* Faults with which two fetchers share a durable, each as if it was alone. */
#define JETSTREAM_FAULTS_OF_SHARING                                                                \
    (FAULT_BIT(FAULT_SHARED_DURABLE) | FAULT_BIT(FAULT_FETCHERS_SURVIVE_RECONNECT))

#endif
