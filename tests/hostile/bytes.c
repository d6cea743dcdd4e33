/* SPDX-License-Identifier: Apache-2.0 */
#include "bytes.h"

#include <stdlib.h>
#include <string.h>

void bytes_release(struct bytes *bytes)
{
    free(bytes->data);
    *bytes = (struct bytes){0};
}

static uint8_t *grow(struct bytes *bytes, size_t size)
{
    size_t at = bytes->size;

    if (bytes->size + size > bytes->capacity) {
        bytes->capacity = (bytes->size + size) * 2 + 64;
        bytes->data = realloc(bytes->data, bytes->capacity);
        if (!bytes->data)
            abort();
    }
    bytes->size += size;
    return bytes->data + at;
}

void bytes_put(struct bytes *bytes, const void *data, size_t size)
{
    if (size)
        memcpy(grow(bytes, size), data, size);
}

void bytes_fill(struct bytes *bytes, uint8_t value, size_t size)
{
    if (size)
        memset(grow(bytes, size), value, size);
}

void bytes_align(struct bytes *bytes, size_t alignment)
{
    bytes_fill(bytes, 0, (alignment - bytes->size % alignment) % alignment);
}

void bytes_u8(struct bytes *bytes, uint64_t value)
{
    bytes_put(bytes, &value, 1);
}

void bytes_u16(struct bytes *bytes, uint64_t value)
{
    bytes_put(bytes, &value, 2);
}

void bytes_u32(struct bytes *bytes, uint64_t value)
{
    bytes_put(bytes, &value, 4);
}

void bytes_u64(struct bytes *bytes, uint64_t value)
{
    bytes_put(bytes, &value, 8);
}

void bytes_uleb(struct bytes *bytes, uint64_t value)
{
    for (; value > 0x7f; value >>= 7)
        bytes_u8(bytes, value | 0x80);
    bytes_u8(bytes, value);
}

void bytes_sleb(struct bytes *bytes, int64_t value)
{
    for (; value < -64 || value > 63; value >>= 7)
        bytes_u8(bytes, (uint64_t) value | 0x80);
    bytes_u8(bytes, (uint64_t) value & 0x7f);
}

void bytes_text(struct bytes *bytes, const char *text)
{
    bytes_put(bytes, text, strlen(text) + 1);
}

void bytes_u32_at(struct bytes *bytes, size_t at, uint64_t value)
{
    if (at + 4 <= bytes->size)
        memcpy(bytes->data + at, &value, 4);
}
