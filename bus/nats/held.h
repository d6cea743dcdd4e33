/* SPDX-License-Identifier: Apache-2.0 */
/* What was fetched and not answered. */
#ifndef BUS_NATS_HELD_H
#define BUS_NATS_HELD_H

#include "bus/nats/internal.h"

void jetstream_held_init(struct jetstream_subscription *subscription);
void jetstream_held_release(struct jetstream_subscription *subscription);
/* By the fetcher: a node for one more message.  @return NULL when memory is short */
struct jetstream_held *jetstream_held_new(struct jetstream_subscription *subscription);
/* By the fetcher, or with no thread left: destroy the messages that were answered meanwhile. */
void jetstream_held_recycle(struct jetstream_subscription *subscription);
/*
 * By the fetcher: from now on the deliveries, whose handles are such nodes, are held.  Those
 * that are in hand already, or were acknowledged before, are dropped.
 *
 * @return how many are left, in their order
 */
size_t jetstream_held_admit(struct jetstream_subscription *subscription,
                            struct delivery *deliveries, size_t n);
void jetstream_ack(struct subscription *subscription, const struct delivery *deliveries, size_t n);
void jetstream_terminate(struct subscription *subscription, const struct delivery *deliveries,
                         size_t n);
void jetstream_give_back(struct subscription *subscription, const struct delivery *deliveries,
                         size_t n, uint64_t delay_ns);
/* Tell the server about everything held that was not touched for so long: "+WPI" or "-NAK". */
void jetstream_tell_held(struct jetstream_subscription *subscription, const char *verb,
                         uint64_t age_ns);
/* Destroy the messages of everything held. */
void jetstream_drop_held(struct jetstream_subscription *subscription);

#endif
