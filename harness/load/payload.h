/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Payload of the messages of a load: what the handler needs to tell which message
 * it holds, and to notice one that is foreign or was changed on its way.
 */
#ifndef SL_LOAD_PAYLOAD_H
#define SL_LOAD_PAYLOAD_H

#include <stddef.h>
#include <stdint.h>

#include <strandline/error.h>

struct sl_payload {
    uint64_t trial;       /* tells the messages of one trial from those of another */
    uint64_t intended_ns; /* CLOCK_MONOTONIC: when it should have been sent */
    uint32_t index;       /* of the event in the plan */
    uint32_t topic, key;  /* numbers in the plan */
    uint32_t sequence;    /* within the key, from 1 */
};

/* Fill `size` bytes, at least SL_PAYLOAD_MIN: header, checksum, then a pattern. */
void sl_payload_write(const struct sl_payload *payload, void *data, size_t size);

/**
 * Read back what sl_payload_write wrote.
 *
 * @return SL_EPROTO and a text when a single byte is not as it was written, the
 *         size included, or when the message is of another trial
 */
SL_CHECKED enum sl_status sl_payload_read(uint64_t trial, const void *data, size_t size,
                                          struct sl_payload *ret_payload, struct sl_error *err);

#endif
