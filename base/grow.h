/* SPDX-License-Identifier: Apache-2.0 */
/* Growing arrays: a pointer, a count and a capacity of the caller's, doubled when full. */
#ifndef SL_BASE_GROW_H
#define SL_BASE_GROW_H

#include <stdbool.h>
#include <stddef.h>

#include "base/macros.h"

/* Room for `need` elements of `size` bytes.  @return false when memory is short; nothing changed */
bool sl_grow_bytes(void **data, size_t *capacity, size_t need, size_t size);

#define sl_grow(data, capacity, need)                                                              \
    sl_grow_bytes((void **) (data), (capacity), (need), sizeof **(data))

#endif
