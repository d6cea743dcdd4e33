/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/goroutine/dump/wire.h"

enum wire_type { VARINT = 0, FIXED_64 = 1, BYTES = 2, FIXED_32 = 5 };

static bool read_varint(struct dump_wire *wire, uint64_t *ret_number)
{
    uint64_t number = 0;

    for (unsigned shift = 0; shift < 64 && wire->at < wire->end; shift += 7) {
        unsigned char byte = *wire->at++;
        number |= (uint64_t) (byte & 0x7f) << shift;
        if (byte < 0x80) {
            *ret_number = number;
            return true;
        }
    }
    return false;
}

/* So many bytes.  @return false when there are not so many */
static bool take(struct dump_wire *wire, uint64_t size, struct dump_wire *ret_bytes)
{
    if (size > wire_size(wire))
        return false;
    *ret_bytes = (struct dump_wire){wire->at, wire->at + size};
    wire->at += size;
    return true;
}

bool wire_next(struct dump_wire *wire, struct dump_field *ret_field)
{
    struct dump_field field = {0};
    uint64_t key, size;

    if (wire_ended(wire) || !read_varint(wire, &key) || key >> 3 == 0 || key >> 3 > UINT32_MAX)
        return false;
    field.tag = (uint32_t) (key >> 3);
    switch (key & 7) {
    case VARINT:
        field.is_number = true;
        if (!read_varint(wire, &field.number))
            return false;
        break;
    case BYTES:
        if (!read_varint(wire, &size) || !take(wire, size, &field.bytes))
            return false;
        break;
    case FIXED_64: /* none of ours; passed over */
    case FIXED_32:
        if (!take(wire, (key & 7) == FIXED_64 ? 8 : 4, &field.bytes))
            return false;
        break;
    default:
        return false;
    }
    *ret_field = field;
    return true;
}

bool wire_number(struct dump_field *field, uint64_t *ret_number)
{
    if (!field->is_number)
        return read_varint(&field->bytes, ret_number);
    field->is_number = false;
    *ret_number = field->number;
    return true;
}
