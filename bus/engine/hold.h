/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hold: keys of one worker that wait for a retry, with what came for them since.
 *
 * A failed message keeps the later ones of its key back and nothing else.  A failed
 * message without a key is held alone.  Used by one thread.
 */
#ifndef BUS_ENGINE_HOLD_H
#define BUS_ENGINE_HOLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bus/engine/delivery.h"

struct held_key;

struct hold {
    struct held_key *keys;
    size_t n_deliveries; /* over all keys */
};

/* Retries wait 10 ms, then twice as long each time, up to 1 s. */
uint64_t hold_delay_ns(uint32_t n_failures);

/*
 * A message failed for the first time.  A failure counts as a delivery of its own:
 * message.deliveries is one more when the message is due again.
 *
 * @return false when memory is short
 */
bool hold_add(struct hold *hold, const struct delivery *failed, uint64_t now_ns);

/*
 * Keep a delivery back when its key is held.
 *
 * @param ret_kept  whether it was
 * @return false when memory is short and it has to be given back
 */
bool hold_keep(struct hold *hold, const struct delivery *delivery, bool *ret_kept);

/* The first delivery of a key whose time has come, or NULL; valid until the next call. */
struct delivery *hold_due(struct hold *hold, uint64_t now_ns);

/* What became of the delivery that hold_due returned last: it is held no longer, or failed again.
 */
void hold_leave(struct hold *hold);
void hold_failed(struct hold *hold, uint64_t now_ns);

/* CLOCK_MONOTONIC of the next retry; UINT64_MAX when nothing is held. */
uint64_t hold_next_ns(const struct hold *hold);

/* Remove any delivery, in the order of its key.  @return false when there is none */
bool hold_remove(struct hold *hold, struct delivery *ret_delivery);

#endif
