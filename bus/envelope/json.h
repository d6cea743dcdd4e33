/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON format of envelopes. */
#ifndef BUS_ENVELOPE_JSON_H
#define BUS_ENVELOPE_JSON_H

#include <strandline/envelope.h>

/* A valid one. */
SL_CHECKED enum sl_status envelope_encode_json(const struct bus_envelope *envelope, void **ret_data,
                                               size_t *ret_size, struct sl_error *err);
SL_CHECKED enum sl_status envelope_decode_json(const void *data, size_t size,
                                               struct bus_envelope *ret_envelope,
                                               struct sl_error *err);

#endif
