/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handler: the receiving end of a load, called on threads of the bus.
 *
 * A message is identified, checked, and costs what the scenario says.  One that can
 * not be identified is a breach, kept by the checker; it is acknowledged all
 * the same, since delivering it again would not make it ours.
 */
#ifndef SL_LOAD_HANDLER_H
#define SL_LOAD_HANDLER_H

#include <stdatomic.h>

#include <strandline/driver.h>

#include "harness/load/checker.h"
#include "harness/load/histogram.h"

struct sl_handler {
    const struct sl_load_plan *plan;
    struct sl_checker *checker;
    struct sl_histogram *end_to_end; /* intended send to handler entry, first calls only */
    uint64_t trial;                  /* as in struct sl_payload */
    int64_t clock_offset_ns;         /* as in struct sl_load_share */
    enum sl_handler_kind kind;
    uint64_t cost_ns;
    uint64_t slow_key_ns; /* slept over each message of the plan's first key, beyond the cost */
    atomic_bool hangs;    /* SL_HANDLER_HANG: the call that never returns has begun */
};

/* An sl_message_handler; user is a struct sl_handler. */
enum sl_status sl_handler_handle(void *user, const struct sl_message *message);

#endif
