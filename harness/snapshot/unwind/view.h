/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an unwind may read of one thread: its registers, and its stack from a copy
 * that was made with many others.
 */
#ifndef SL_SNAPSHOT_UNWIND_VIEW_H
#define SL_SNAPSHOT_UNWIND_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/snapshot/target/reader.h"
#include "harness/snapshot/target/registers.h"

#define SL_WINDOW_SIZE ((size_t) 16 * 1024)

struct sl_view {
    const struct sl_registers *registers;
    uint64_t sp, stack_end; /* of the mapping that sp is in; both equal when there is none */
    const uint8_t *copy;    /* bytes from sp on */
    size_t copied;
    struct sl_reader *reader;
    bool read_elsewhere; /* outside [sp, stack_end) */
    size_t deepest;      /* bytes behind sp that were needed */
    uint8_t *window;     /* SL_WINDOW_SIZE bytes of the owner's, for what the copy lacks */
    uint64_t window_address;
    size_t window_size;
};

/* Eight bytes of the target.  @return false when they can not be read */
bool sl_view_word(struct sl_view *view, uint64_t address, uint64_t *ret_value);

#endif
