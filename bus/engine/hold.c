/* SPDX-License-Identifier: Apache-2.0 */
#include "bus/engine/hold.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/grow.h"
#include "base/macros.h"

/* Soonest retry first. */
struct held_key {
    struct held_key *next;
    uint64_t retry_ns;
    uint32_t n_failures;         /* of the first delivery */
    struct delivery *deliveries; /* [first, n) are left */
    size_t first, n, capacity;
};

uint64_t hold_delay_ns(uint32_t n_failures)
{
    uint32_t doublings = SL_MIN(n_failures - 1, 7u);
    return SL_MIN((10 * SL_NS_PER_MS) << doublings, SL_NS_PER_S);
}

static void insert(struct hold *hold, struct held_key *key)
{
    struct held_key **place = &hold->keys;
    while (*place && (*place)->retry_ns <= key->retry_ns)
        place = &(*place)->next;
    key->next = *place;
    *place = key;
}

static void free_key(struct held_key *key)
{
    free(key->deliveries);
    free(key);
}

static bool append(struct hold *hold, struct held_key *key, const struct delivery *delivery)
{
    if (!sl_grow(&key->deliveries, &key->capacity, key->n + 1))
        return false;
    key->deliveries[key->n++] = *delivery;
    hold->n_deliveries++;
    return true;
}

bool hold_add(struct hold *hold, const struct delivery *failed, uint64_t now_ns)
{
    struct held_key *key = calloc(1, sizeof *key);
    if (!key)
        return false;
    if (!append(hold, key, failed)) {
        free_key(key);
        return false;
    }
    key->deliveries[0].message.deliveries++; /* the one to come */
    key->n_failures = 1;
    key->retry_ns = now_ns + hold_delay_ns(1);
    insert(hold, key);
    return true;
}

static bool is_of_key(const struct held_key *key, const struct delivery *delivery)
{
    const struct delivery *first = &key->deliveries[key->first];
    return first->message.key && delivery->message.key && first->topic == delivery->topic &&
           first->hash == delivery->hash && strcmp(first->message.key, delivery->message.key) == 0;
}

bool hold_keep(struct hold *hold, const struct delivery *delivery, bool *ret_kept)
{
    *ret_kept = false;
    for (struct held_key *key = hold->keys; key; key = key->next) {
        if (!is_of_key(key, delivery))
            continue;
        *ret_kept = true;
        return append(hold, key, delivery);
    }
    return true;
}

struct delivery *hold_due(struct hold *hold, uint64_t now_ns)
{
    struct held_key *key = hold->keys;
    if (!key || key->retry_ns > now_ns)
        return NULL;
    return &key->deliveries[key->first];
}

/* Take the first delivery of the first key out; the key goes with its last one. */
static void drop_first(struct hold *hold)
{
    struct held_key *key = hold->keys;
    hold->n_deliveries--;
    if (++key->first < key->n)
        return;
    hold->keys = key->next;
    free_key(key);
}

/* The next message of the key has waited long enough already: its retry time is the past one. */
void hold_leave(struct hold *hold)
{
    hold->keys->n_failures = 0;
    drop_first(hold);
}

void hold_failed(struct hold *hold, uint64_t now_ns)
{
    struct held_key *key = hold->keys;
    hold->keys = key->next;
    key->n_failures++;
    key->deliveries[key->first].message.deliveries++;
    key->retry_ns = now_ns + hold_delay_ns(key->n_failures);
    insert(hold, key);
}

uint64_t hold_next_ns(const struct hold *hold)
{
    return hold->keys ? hold->keys->retry_ns : UINT64_MAX;
}

bool hold_remove(struct hold *hold, struct delivery *ret_delivery)
{
    if (!hold->keys)
        return false;
    *ret_delivery = hold->keys->deliveries[hold->keys->first];
    drop_first(hold);
    return true;
}
