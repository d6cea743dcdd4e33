/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages of protocol buffers, read where they are.  Nothing is copied or allocated, so what a
 * file claims costs no more than what it has.
 */
#ifndef SL_GOROUTINE_DUMP_WIRE_H
#define SL_GOROUTINE_DUMP_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is left of a message, or of a list of numbers. */
struct dump_wire {
    const unsigned char *at, *end;
};

/* A field of a message. */
struct dump_field {
    uint32_t tag;           /* its number in the message */
    bool is_number;         /* else it has bytes */
    uint64_t number;        /* 0 of bytes */
    struct dump_wire bytes; /* empty of a number */
};

/* The next field.  @return false at the end, where all was used; or where it is malformed */
bool wire_next(struct dump_wire *wire, struct dump_field *ret_field);

/* The next number of a field that may repeat, packed or one by one.  @return false: no more */
bool wire_number(struct dump_field *field, uint64_t *ret_number);

static inline bool wire_ended(const struct dump_wire *wire)
{
    return wire->at == wire->end;
}

static inline size_t wire_size(const struct dump_wire *wire)
{
    return (size_t) (wire->end - wire->at);
}

#endif
