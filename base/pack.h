/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packing: numbers, texts and bytes in a growing buffer, and out of one that may be hostile.
 *
 * A number takes seven bits a byte, lowest first, the eighth set in all but the last, in as
 * few bytes as can be; a text is its length and its bytes.  Failures stick, so that a whole
 * sequence is packed or read before one look at `failed`.
 */
#ifndef SL_BASE_PACK_H
#define SL_BASE_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SL_PACKED_NUMBER_MAX 10 /* bytes: 64 bits at seven a byte */

struct sl_packer {
    unsigned char *data; /* free with sl_packer_release() */
    size_t size, capacity;
    bool failed; /* memory was short */
};

void sl_packer_release(struct sl_packer *packer);
void sl_pack_number(struct sl_packer *packer, uint64_t number);
void sl_pack_bytes(struct sl_packer *packer, const void *data, size_t size);
void sl_pack_text(struct sl_packer *packer, const char *text);

struct sl_unpacker {
    const unsigned char *at; /* borrowed */
    size_t left;
    bool failed; /* the input ended early, or something in it was out of its range */
};

/* A number within [low, high]; `low` after a failure. */
uint64_t sl_unpack_number(struct sl_unpacker *unpacker, uint64_t low, uint64_t high);
/* `size` bytes, valid as long as the input; NULL after a failure. */
const void *sl_unpack_bytes(struct sl_unpacker *unpacker, size_t size);
/* A text without NUL in it that fits; "" after a failure. */
void sl_unpack_text(struct sl_unpacker *unpacker, char *ret_text, size_t size);
/* Was everything well, and nothing is left? */
bool sl_unpack_ends(const struct sl_unpacker *unpacker);

#endif
