/* SPDX-License-Identifier: Apache-2.0 */
/* Publishers: the sending end of a load, one or several threads. */
#ifndef SL_LOAD_PUBLISHER_H
#define SL_LOAD_PUBLISHER_H

#include <strandline/driver.h>

#include "harness/load/checker.h"

struct sl_publishing {
    const struct sl_load_plan *plan;
    uint32_t first, n; /* the publishers of the plan that are played here */
    struct sl_checker *checker;
    int64_t clock_offset_ns; /* as in struct sl_load_share */
    uint64_t trial;          /* as in struct sl_payload */
    uint64_t rate;           /* messages per second over all publishers; 0: as fast as possible */
    size_t payload_size;
    uint64_t deadline_ns;
    uint64_t *intended_ns; /* by event; written before the event is published */

    /* Set by sl_publish_all; 0 and false as long as nothing was tried. */
    uint64_t first_intended_ns;
    uint64_t first_call_ns, last_return_ns; /* of publish */
    bool timed_out;                         /* the deadline passed before everything was tried */
};

/**
 * Publish the plan from the calling thread, or from threads that are joined before this
 * returns when several publishers are played.
 *
 * @return SL_OK everything was tried or the deadline passed; SL_ELIMIT a thread could not be
 *         made; else what publish failed with.  SL_EFULL is no failure: the message counts
 *         as rejected
 */
SL_CHECKED enum sl_status sl_publish_all(struct sl_publishing *publishing,
                                         const struct sl_driver *driver, void *bus,
                                         struct sl_error *err);

#endif
