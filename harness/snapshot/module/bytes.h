/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading bytes that nobody vouches for.  A read past the end gives 0 and sets
 * `bad`, so that a parser checks once, at its end.  Little-endian, as x86-64 is.
 */
#ifndef SL_SNAPSHOT_MODULE_BYTES_H
#define SL_SNAPSHOT_MODULE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct sl_bytes {
    const uint8_t *at, *end;
    bool bad;
};

static inline size_t sl_bytes_left(const struct sl_bytes *bytes)
{
    return (size_t) (bytes->end - bytes->at);
}

static inline const uint8_t *sl_bytes_skip(struct sl_bytes *bytes, uint64_t size)
{
    const uint8_t *start = bytes->at;
    if (size > sl_bytes_left(bytes)) {
        bytes->bad = true;
        bytes->at = bytes->end;
        return start;
    }
    if (size) /* no bytes at all may be at NULL */
        bytes->at += size;
    return start;
}

/* An unsigned number of 1, 2, 4 or 8 bytes. */
static inline uint64_t sl_bytes_unsigned(struct sl_bytes *bytes, size_t size)
{
    uint64_t value = 0;
    if (size > sl_bytes_left(bytes)) {
        bytes->bad = true;
        bytes->at = bytes->end;
        return 0;
    }
    memcpy(&value, bytes->at, size);
    bytes->at += size;
    return value;
}

/* A signed number of 2, 4 or 8 bytes, extended to 64 bits. */
static inline uint64_t sl_bytes_signed(struct sl_bytes *bytes, size_t size)
{
    uint64_t value = sl_bytes_unsigned(bytes, size);
    unsigned unused = (unsigned) (8 - size) * 8;
    return (uint64_t) ((int64_t) (value << unused) >> unused);
}

/* LEB128; more than ten bytes, or bits beyond the 64th, are bad. */
static inline uint64_t sl_bytes_uleb(struct sl_bytes *bytes)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 70; shift += 7) {
        uint64_t byte = sl_bytes_unsigned(bytes, 1);
        if (shift == 63 && byte > 1)
            break;
        value |= (byte & 0x7f) << shift;
        if (!(byte & 0x80))
            return value;
    }
    bytes->bad = true;
    return 0;
}

static inline int64_t sl_bytes_sleb(struct sl_bytes *bytes)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 70; shift += 7) {
        uint64_t byte = sl_bytes_unsigned(bytes, 1);
        if (shift == 63 && byte != 0 && byte != 0x7f)
            break;
        value |= (byte & 0x7f) << shift;
        if (!(byte & 0x80)) {
            if (shift < 57 && (byte & 0x40))
                value |= ~UINT64_C(0) << (shift + 7);
            return (int64_t) value;
        }
    }
    bytes->bad = true;
    return 0;
}

#endif
