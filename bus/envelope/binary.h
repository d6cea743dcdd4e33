/* SPDX-License-Identifier: Apache-2.0 */
/* The binary format of envelopes. */
#ifndef BUS_ENVELOPE_BINARY_H
#define BUS_ENVELOPE_BINARY_H

#include <strandline/envelope.h>

/* Its first byte; JSON never begins with it. */
#define ENVELOPE_BINARY_FIRST 0x89

/* A valid one. */
SL_CHECKED enum sl_status envelope_encode_binary(const struct bus_envelope *envelope,
                                                 void **ret_data, size_t *ret_size,
                                                 struct sl_error *err);
SL_CHECKED enum sl_status envelope_decode_binary(const void *data, size_t size,
                                                 struct bus_envelope *ret_envelope,
                                                 struct sl_error *err);

#endif
