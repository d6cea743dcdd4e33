/* SPDX-License-Identifier: Apache-2.0 */
/* Which memory of the target is read without waiting for anybody, as the kernel's page table has
 * it. */
#ifndef SL_SNAPSHOT_TARGET_PRESENT_H
#define SL_SNAPSHOT_TARGET_PRESENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/snapshot/target/copy.h"

/*
 * Set `present` of each copy: how many of its bytes, from the first on, are there.
 *
 * @param table  /proc/PID/pagemap; -1: nothing is known to be there
 */
void sl_present_find(int table, struct sl_copy *copies, size_t n_copies);

/* Bytes of [start, end) that are in memory.  @return false when the table does not tell */
bool sl_present_count(int table, uint64_t start, uint64_t end, uint64_t *ret_bytes);

#endif
