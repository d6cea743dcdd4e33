/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes that grow; without memory the program ends. */
#ifndef HOSTILE_BYTES_H
#define HOSTILE_BYTES_H

#include <stddef.h>
#include <stdint.h>

struct bytes {
    uint8_t *data;
    size_t size, capacity;
};

void bytes_release(struct bytes *bytes);
void bytes_put(struct bytes *bytes, const void *data, size_t size);
void bytes_fill(struct bytes *bytes, uint8_t value, size_t size);
void bytes_align(struct bytes *bytes, size_t alignment); /* with zeros */
void bytes_u8(struct bytes *bytes, uint64_t value);
void bytes_u16(struct bytes *bytes, uint64_t value);
void bytes_u32(struct bytes *bytes, uint64_t value);
void bytes_u64(struct bytes *bytes, uint64_t value);
void bytes_uleb(struct bytes *bytes, uint64_t value);
void bytes_sleb(struct bytes *bytes, int64_t value);
void bytes_text(struct bytes *bytes, const char *text); /* and its zero */
/* Write over what is there: the length of a unit, known at its end. */
void bytes_u32_at(struct bytes *bytes, size_t at, uint64_t value);

#endif
