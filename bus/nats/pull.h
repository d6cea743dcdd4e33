/* SPDX-License-Identifier: Apache-2.0 */
/* Fetching from JetStream. */
#ifndef BUS_NATS_PULL_H
#define BUS_NATS_PULL_H

#include "bus/nats/internal.h"

enum sl_status jetstream_subscription_new(struct jetstream_transport *transport, size_t topic,
                                          const jsConsumerInfo *info,
                                          struct jetstream_subscription **ret_subscription,
                                          struct sl_error *err);
void jetstream_subscription_free(struct jetstream_subscription *subscription);
enum sl_status jetstream_fetch(struct subscription *subscription, struct delivery *ret_deliveries,
                               size_t max, size_t *ret_n);
void jetstream_collect(struct subscription *subscription);
void jetstream_stop(struct subscription *subscription);

#endif
