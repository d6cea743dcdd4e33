/* SPDX-License-Identifier: Apache-2.0 */
/*
 * NATS JetStream transport, shared by its files: transport_nats.c (streams, opening and
 * closing), transport_nats_connect.c, transport_nats_pull.c (fetching), transport_nats_order.c
 * (gaps), transport_nats_held.c (acknowledging), transport_nats_publish.c.
 *
 * One stream and one durable pull consumer per topic, one connection for all.  The
 * client library is used for its connection, its subscriptions and the management
 * of streams; pull requests and publish acknowledgements are the transport's own,
 * because the packaged library (3.4.1) loses time in Fetch and never settles a
 * publish whose answer was lost in a reconnect.  No callback of the library is used,
 * so that none runs after its connection is gone.
 */
#ifndef BUS_NATS_STREAM_H
#define BUS_NATS_STREAM_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <nats/nats.h>

#include <strandline/envelope.h>

#include "bus/engine/transport.h"
#include "bus/nats/track.h"

#define NATS_KEY_HEADER BUS_KEY_HEADER

/* A message of up to so many bytes, with its key and its reply subject, is copied. */
#define NATS_TEXT_SIZE 944

/*
 * A fetched message, in the list of what its subscription holds.
 *
 * Short ones are copied, so that the library's message is freed at once, while it is in the
 * processor's cache, and many in one go, instead of one by one when they were handled.
 */
struct nats_held {
    struct nats_held *next, *previous;
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
struct nats_block {
    struct nats_block *next;
    struct nats_held nodes[64];
    char texts[][NATS_TEXT_SIZE]; /* of all nodes or of none */
};

/* A pull request that the server still answers. */
struct nats_pull {
    uint64_t id;
    uint32_t left; /* messages it may still bring */
};

#define NATS_MAX_PULLS 8u

struct nats_subscription {
    struct subscription base;
    struct nats_subscription *next; /* of the transport's list */
    natsSubscription *inbox;
    char *inbox_name;      /* a pull request's reply subject is this, a dot, its id */
    char *request_subject; /* where pull requests go */

    const char *stream; /* of the transport's; also the consumer's name */

    pthread_mutex_t mutex; /* guards what follows up to `waiting`; taken alone */
    struct track track;
    struct nats_held held;      /* head of a ring, oldest first */
    struct nats_held *free;     /* singly linked */
    struct nats_held *answered; /* likewise; their messages are still to be destroyed */
    uint64_t n_held;
    bool stopped, waiting; /* waiting: the fetcher is in the library, waiting for a message */

    /* The rest is the fetcher's own. */
    struct nats_block *blocks;
    uint32_t n_blocks;
    struct nats_held *spare; /* nodes for what comes next */
    struct nats_pull pulls[NATS_MAX_PULLS];
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
struct nats_slot {
    struct ticket ticket;
    uint64_t sent_ns;
    uint32_t topic;
    uint32_t generation; /* so that a late answer does not settle a later publish */
    uint32_t next_free;
    bool busy;
};

#define NATS_MAX_SENT 64u

struct nats_window {
    pthread_mutex_t mutex; /* guards everything below; taken alone */
    pthread_cond_t freed;
    pthread_cond_t settled;
    struct nats_slot *slots;
    uint32_t n_slots, first_free, n_busy;
    uint32_t n_unsettled; /* busy, or its outcome is being told */
    uint64_t n_sent;
    uint64_t *stalled_ns;         /* per topic: nothing is published before */
    natsMsg *sent[NATS_MAX_SENT]; /* to be destroyed */
    uint32_t n_in_sent;
    size_t sent_size;
    bool interrupted;
};

struct nats_transport {
    struct transport base;
    struct transport_config config; /* strings are borrowed from the bus */
    natsConnection *connection;
    jsCtx *jetstream;
    char **subjects; /* per topic */
    char **streams;  /* per topic */

    pthread_mutex_t mutex; /* guards subscriptions; taken alone */
    struct nats_subscription *subscriptions;

    struct nats_window window;
    natsSubscription *answers; /* of the server to publishes */
    char *answers_name;
    struct thread answers_thread;
    atomic_bool ending;
};

/* transport_nats.c: a failure of the library as ours; `what` says what could not be done. */
enum sl_status nats_fail(struct sl_error *err, natsStatus status, const char *format, ...)
    SL_PRINTF(3, 4);

/*
 * transport_nats_connect.c: with the bus's options, to one of a comma-separated list of servers.
 *
 * @return SL_EINVAL, SL_ENOMEM, SL_ECONNECT
 */
SL_CHECKED enum sl_status
nats_connect(const char *servers, natsConnection **ret_connection, struct sl_error *err);

/* Faults with which two fetchers share a durable, each as if it was alone. */
#define NATS_FAULTS_OF_SHARING                                                                     \
    (FAULT_BIT(FAULT_SHARED_DURABLE) | FAULT_BIT(FAULT_FETCHERS_SURVIVE_RECONNECT))

/* transport_nats_fault.c: silent-downgrade.  Is the topic published without its stream? */
#define NATS_FAULT_SUBJECT 640
bool nats_is_downgraded(const struct nats_transport *transport, size_t topic);
/* What such a stream gets for the subject of its topic. */
const char *nats_fault_subject(const struct nats_transport *transport, size_t topic,
                               char ret_subject[NATS_FAULT_SUBJECT]);
enum sl_status nats_fault_publish(struct nats_transport *transport, size_t topic,
                                  const struct sl_message *message, struct ticket ticket,
                                  struct sl_error *err);

/* transport_nats_publish.c */
SL_CHECKED enum sl_status
nats_publish_start(struct nats_transport *transport, struct sl_error *err);
enum sl_status nats_publish(struct transport *transport, size_t topic,
                            const struct sl_message *message, const char *id, struct ticket ticket,
                            struct sl_error *err);
bool nats_wait_outcomes(struct transport *transport, uint64_t deadline_ns);
void nats_interrupt(struct transport *transport);
/* Settle the rest as unknown and join the thread.  @return how many were unknown */
uint64_t nats_publish_finish(struct nats_transport *transport, uint64_t deadline_ns);
void nats_publish_release(struct nats_transport *transport);

/* transport_nats_pull.c */
uint64_t nats_count_reconnects(natsConnection *connection);
enum sl_status
nats_subscription_new(struct nats_transport *transport, size_t topic, const jsConsumerInfo *info,
                      struct nats_subscription **ret_subscription, struct sl_error *err);
void nats_subscription_free(struct nats_subscription *subscription);
enum sl_status nats_fetch(struct subscription *subscription, struct delivery *ret_deliveries,
                          size_t max, size_t *ret_n);
void nats_collect(struct subscription *subscription);
void nats_stop(struct subscription *subscription);

/* transport_nats_order.c, by the fetcher only */

/*
 * What an earlier consumer left unacknowledged comes before anything newer.
 *
 * @param info  of the consumer, before the first pull request
 * @return false when memory is short
 */
bool nats_order_begin(struct nats_subscription *subscription, const jsConsumerInfo *info);
/*
 * Deliveries behind a gap wait; those that waited for what came now become ready.
 *
 * @return how many of the deliveries go on at once: all or none
 */
size_t nats_order_pass(struct nats_subscription *subscription, const struct delivery *deliveries,
                       size_t n);
/* Ask for what is missing, from time to time, and find out what will never come. */
void nats_order_ask(struct nats_subscription *subscription);
/* The connection was replaced, so that nothing that was asked for may come. */
void nats_order_ask_again(struct nats_subscription *subscription);

/* transport_nats_held.c */
void nats_held_init(struct nats_subscription *subscription);
void nats_held_release(struct nats_subscription *subscription);
/* By the fetcher: a node for one more message.  @return NULL when memory is short */
struct nats_held *nats_held_new(struct nats_subscription *subscription);
/* By the fetcher, or with no thread left: destroy the messages that were answered meanwhile. */
void nats_held_recycle(struct nats_subscription *subscription);
/*
 * By the fetcher: from now on the deliveries, whose handles are such nodes, are held.  Those
 * that are in hand already, or were acknowledged before, are dropped.
 *
 * @return how many are left, in their order
 */
size_t
nats_held_admit(struct nats_subscription *subscription, struct delivery *deliveries, size_t n);
void nats_ack(struct subscription *subscription, const struct delivery *deliveries, size_t n);
void nats_terminate(struct subscription *subscription, const struct delivery *deliveries, size_t n);
void nats_give_back(struct subscription *subscription, const struct delivery *deliveries, size_t n,
                    uint64_t delay_ns);
/* Tell the server about everything held that was not touched for so long: "+WPI" or "-NAK". */
void nats_tell_held(struct nats_subscription *subscription, const char *verb, uint64_t age_ns);
/* Destroy the messages of everything held. */
void nats_drop_held(struct nats_subscription *subscription);

#endif
