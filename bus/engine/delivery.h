/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One message on its way from the broker to its handler.
 *
 * Passed by value through the queues.  What the pointers point to belongs to the
 * transport and stays valid until the delivery is acknowledged or given back.
 */
#ifndef BUS_ENGINE_DELIVERY_H
#define BUS_ENGINE_DELIVERY_H

#include <strandline/driver.h>

struct topic;

struct delivery {
    struct sl_message message;
    struct topic *topic; /* set by the fetcher */
    void *handle;        /* the transport's own */
    uint32_t hash;       /* of the key; 0 without one */
};

#endif
