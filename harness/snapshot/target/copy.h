/* SPDX-License-Identifier: Apache-2.0 */
/* A part of the target's memory that is wanted. */
#ifndef SL_SNAPSHOT_TARGET_COPY_H
#define SL_SNAPSHOT_TARGET_COPY_H

#include <stddef.h>
#include <stdint.h>

struct sl_copy {
    uint64_t address;
    void *data;     /* destination */
    size_t size;    /* bytes wanted */
    size_t present; /* of these, that are in memory for sure, and */
    size_t copied;  /* bytes had, from address on; both set by sl_reader_copy */
};

#endif
