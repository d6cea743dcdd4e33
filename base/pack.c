/* SPDX-License-Identifier: Apache-2.0 */
#include "base/pack.h"

#include <stdlib.h>
#include <string.h>

#include "base/grow.h"

#define NUMBER_BYTES SL_PACKED_NUMBER_MAX

void sl_packer_release(struct sl_packer *packer)
{
    free(packer->data);
    *packer = (struct sl_packer){0};
}

void sl_pack_bytes(struct sl_packer *packer, const void *data, size_t size)
{
    if (packer->failed || size == 0)
        return;
    if (!sl_grow(&packer->data, &packer->capacity, packer->size + size)) {
        packer->failed = true;
        return;
    }
    memcpy(packer->data + packer->size, data, size);
    packer->size += size;
}

void sl_pack_number(struct sl_packer *packer, uint64_t number)
{
    unsigned char bytes[NUMBER_BYTES];
    size_t n = 0;

    for (; number >= 0x80; number >>= 7)
        bytes[n++] = (unsigned char) (number | 0x80);
    bytes[n++] = (unsigned char) number;
    sl_pack_bytes(packer, bytes, n);
}

void sl_pack_text(struct sl_packer *packer, const char *text)
{
    size_t length = strlen(text);

    sl_pack_number(packer, length);
    sl_pack_bytes(packer, text, length);
}

const void *sl_unpack_bytes(struct sl_unpacker *unpacker, size_t size)
{
    const void *bytes = unpacker->at;

    if (unpacker->failed || size > unpacker->left) {
        unpacker->failed = true;
        return NULL;
    }
    unpacker->at += size;
    unpacker->left -= size;
    return bytes;
}

/* @return false when there is none, or one of more than 64 bits, or one with zeros at its end */
static bool take_number(struct sl_unpacker *unpacker, uint64_t *ret_number)
{
    uint64_t number = 0;

    for (unsigned i = 0;; i++) {
        const unsigned char *byte = sl_unpack_bytes(unpacker, 1);
        if (!byte || (i == NUMBER_BYTES - 1 && *byte > 1) || (i > 0 && *byte == 0))
            return false;
        number |= (uint64_t) (*byte & 0x7f) << (7 * i);
        if (!(*byte & 0x80)) {
            *ret_number = number;
            return true;
        }
    }
}

uint64_t sl_unpack_number(struct sl_unpacker *unpacker, uint64_t low, uint64_t high)
{
    uint64_t number;

    if (take_number(unpacker, &number) && number >= low && number <= high)
        return number;
    unpacker->failed = true;
    return low;
}

void sl_unpack_text(struct sl_unpacker *unpacker, char *ret_text, size_t size)
{
    size_t length = (size_t) sl_unpack_number(unpacker, 0, size - 1);
    const void *text = sl_unpack_bytes(unpacker, length);

    ret_text[0] = '\0';
    if (!text || memchr(text, '\0', length)) {
        unpacker->failed = true;
        return;
    }
    memcpy(ret_text, text, length);
    ret_text[length] = '\0';
}

bool sl_unpack_ends(const struct sl_unpacker *unpacker)
{
    return !unpacker->failed && unpacker->left == 0;
}
