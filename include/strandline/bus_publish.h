/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Publishing to a bus, and knowing what became of it: by waiting for it, or from a
 * queue of results.  The callback of the configuration is the third way.
 */
#ifndef STRANDLINE_BUS_PUBLISH_H
#define STRANDLINE_BUS_PUBLISH_H

#include <strandline/bus.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Publish and wait until the broker has stored the message.  Neither on_publish nor the
 * result queue is told.
 *
 * @param timeout_ns  for the outcome; handing the message over may block as in bus_publish
 *
 * @return SL_OK        stored
 *         SL_EPROTO    the broker refused it
 *         SL_ETIMEDOUT no answer came: it may be stored, or not
 *         SL_EDEADLK   called from on_publish
 *         else         as bus_publish; it is not stored
 */
SL_API SL_CHECKED enum sl_status bus_publish_sync(struct bus *bus, const struct sl_message *message,
                                                  uint64_t timeout_ns, struct sl_error *err);

/**
 * Publish n messages and wait until the broker has stored all of them, as bus_publish_sync.
 *
 * @param ret_outcomes  n of them, filled unless SL_EINVAL, SL_EDEADLK or SL_ENOMEM of the batch
 *                      itself is returned.  From the first message on that can not be handed
 *                      over all count as rejected
 *
 * @return SL_OK        all are stored
 *         SL_EPROTO    the broker refused some
 *         SL_ETIMEDOUT to some no answer came
 *         SL_EDEADLK   called from on_publish
 *         else         as bus_publish: of the message that can not be handed over
 */
SL_API SL_CHECKED enum sl_status
bus_publish_batch(struct bus *bus, const struct sl_message *messages, size_t n, uint64_t timeout_ns,
                  enum sl_publish_outcome *ret_outcomes, struct sl_error *err);

struct bus_result {
    uint64_t token; /* of bus_publish */
    enum sl_publish_outcome outcome;
};

/**
 * Take outcomes of bus_publish from the result queue, waiting for the first.
 *
 * A full queue holds further outcomes up, and with them bus_publish, for result_wait_ns.
 * After that, and until somebody takes again, what does not fit is dropped: counted as
 * results_dropped in struct bus_metrics, and logged.  Over the transport "memory" the
 * publisher itself is held up, so it can not be the one that takes.  What is queued when
 * the bus closes may be taken until bus_free.
 *
 * @param max    at least 1
 * @param ret_n  1 to max
 *
 * @return SL_OK
 *         SL_ETIMEDOUT no outcome came
 *         SL_ECLOSED   the bus is closed and every outcome was taken
 *         SL_EINVAL    result_capacity is 0
 *         SL_EDEADLK   called from on_publish
 */
SL_API SL_CHECKED enum sl_status bus_results_take(struct bus *bus, struct bus_result *ret_results,
                                                  size_t max, uint64_t timeout_ns, size_t *ret_n,
                                                  struct sl_error *err);

#ifdef __cplusplus
}
#endif
#endif
