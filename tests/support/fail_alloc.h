/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Allocation failure on demand.
 *
 * Programs with fail_alloc_dep have malloc, calloc and realloc of their own
 * objects wrapped by the linker; what shared libraries allocate never fails.
 * Not thread-safe.
 */
#ifndef SL_FAIL_ALLOC_H
#define SL_FAIL_ALLOC_H

#include <stdbool.h>
#include <stddef.h>

/* Let the next n allocations succeed and the one after them fail, once. */
void sl_fail_alloc_after(size_t n);

/* End the failing.  @return whether an allocation failed since sl_fail_alloc_after */
bool sl_fail_alloc_end(void);

#endif
