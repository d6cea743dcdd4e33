/* SPDX-License-Identifier: Apache-2.0 */
/* Gaps in what comes from a stream; all by the fetcher. */
#ifndef BUS_NATS_ORDER_H
#define BUS_NATS_ORDER_H

#include "bus/nats/internal.h"

/*
 * What an earlier consumer left unacknowledged comes before anything newer.
 *
 * @param info  of the consumer, before the first pull request
 * @return false when memory is short
 */
bool jetstream_order_begin(struct jetstream_subscription *subscription, const jsConsumerInfo *info);
/*
 * Deliveries behind a gap wait; those that waited for what came now become ready.
 *
 * @return how many of the deliveries go on at once: all or none
 */
size_t jetstream_order_pass(struct jetstream_subscription *subscription,
                            const struct delivery *deliveries, size_t n);
/* Ask for what is missing, from time to time, and find out what will never come. */
void jetstream_order_ask(struct jetstream_subscription *subscription);
/* The connection was replaced, so that nothing that was asked for may come. */
void jetstream_order_ask_again(struct jetstream_subscription *subscription);

#endif
