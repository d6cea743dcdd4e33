/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Transport: the broker as the bus sees it.
 *
 * One const struct transport_ops per broker.  A transport embeds struct transport
 * as its first member, likewise struct subscription.
 *
 * Call order: open, then publish, subscribe and the rest in any order and from any
 * thread except as noted, then stop for each subscription, interrupt, finish, close,
 * free.  The bus guards every call from fetch to publish by a gate that is closed
 * and empty before `close`, so a transport need not expect a call during or after it.
 *
 * A delivery that fetch returned is *held* until ack or give_back takes it back.
 */
#ifndef BUS_ENGINE_TRANSPORT_H
#define BUS_ENGINE_TRANSPORT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <strandline/bus.h>

#include "bus/engine/delivery.h"
#include "bus/engine/faults.h"
#include "bus/thread/ledger.h"
#include "bus/thread/waiter.h"

struct transport {
    const struct transport_ops *ops;
    atomic_bool connected; /* as was seen at most 100 ms ago */
    atomic_uint_fast64_t reconnects;
};

struct subscription {
    struct transport *transport;
    uint64_t n_behind; /* messages that the broker had left at the last fetch, if it says so */
    uint32_t window;   /* messages that are asked for in advance; 0: all there are */
};

/* Everything is borrowed and outlives the transport. */
struct transport_config {
    const char *servers;
    const struct sl_credentials *credentials; /* for open and purge only; NULL: none */
    const char *prefix;
    enum bus_storage storage;
    const char *const *topics;
    size_t n_topics;
    uint32_t max_pending;
    uint64_t ack_wait_ns;
    uint32_t replicas;
    struct ledger *ledger;
    fault_set faults;
    const struct fault_rule *fault_rules; /* N_FAULTS; NULL without faults */
    /* Outcome of a publish; called with no lock held, on the thread in publish or another. */
    void (*on_outcome)(void *user, struct ticket ticket, enum sl_publish_outcome outcome);
    void *user;
};

struct transport_ops {
    const char *name;

    /* On failure everything made is undone, threads joined. */
    enum sl_status (*open)(const struct transport_config *config, struct transport **ret_transport,
                           struct sl_error *err);

    /*
     * Ready to fetch; one subscription per topic.  It lives as long as its
     * transport.  After an unsubscribe, or a failure, the topic may be subscribed again.
     */
    enum sl_status (*subscribe)(struct transport *transport, size_t topic,
                                struct subscription **ret_subscription, struct sl_error *err);

    /*
     * Wait for deliveries; fills all of struct delivery but topic and message.topic.
     * One thread per subscription.  SL_OK with *ret_n = 0 now and then is allowed.
     *
     * @return SL_ECLOSED stopped; anything else but SL_OK: try again later
     */
    enum sl_status (*fetch)(struct subscription *subscription, struct delivery *ret_deliveries,
                            size_t max, size_t *ret_n);

    /*
     * Take over what the client library has buffered, so that extend reaches it.
     * By the thread that fetches, while it can not fetch.
     */
    void (*collect)(struct subscription *subscription);

    /* Acknowledge; the deliveries, all of one subscription, are no longer held. */
    void (*ack)(struct subscription *subscription, const struct delivery *deliveries, size_t n);

    /* Ask for redelivery after a delay; the deliveries are no longer held. */
    void (*give_back)(struct subscription *subscription, const struct delivery *deliveries,
                      size_t n, uint64_t delay_ns);

    /* They are never to be delivered again; the deliveries are no longer held. */
    void (*terminate)(struct subscription *subscription, const struct delivery *deliveries,
                      size_t n);

    /* Start the redelivery time of everything held over again. */
    void (*extend)(struct transport *transport);

    /* Make fetch return SL_ECLOSED, now and from now on.  Idempotent. */
    void (*stop)(struct subscription *subscription);

    /*
     * As bus_publish, arguments checked.
     *
     * @param id  of the message, so that a broker that compares ids stores it once; NULL: one
     *            of its own
     */
    enum sl_status (*publish)(struct transport *transport, size_t topic,
                              const struct sl_message *message, const char *id,
                              struct ticket ticket, struct sl_error *err);

    /* Wait until every publish has its outcome.  @return false when deadline_ns passed first */
    bool (*wait_outcomes)(struct transport *transport, uint64_t deadline_ns);

    /* Publishers that wait for a free place fail with SL_ECLOSED, now and from now on. */
    void (*interrupt)(struct transport *transport);

    /* Deliveries held now. */
    uint64_t (*count_held)(struct transport *transport);

    /*
     * Give back what is still held, push what is buffered to the broker, wait for
     * outcomes, report the rest as unknown, join the transport's threads.  No publish
     * at the same time.
     *
     * @return outcomes reported as unknown
     */
    uint64_t (*finish)(struct transport *transport, uint64_t deadline_ns);

    /*
     * Disconnect.
     *
     * @param keep_held  threads were left behind that may still read what is held
     */
    void (*close)(struct transport *transport, bool keep_held);

    /* After close, with no thread left behind. */
    void (*free)(struct transport *transport);

    /* As bus_purge.  NULL: nothing outlives the transport. */
    enum sl_status (*purge)(const struct transport_config *config, struct sl_error *err);

    /* As bus_teardown.  NULL: no library. */
    enum sl_status (*teardown)(struct sl_error *err);
};

#endif
