/* SPDX-License-Identifier: Apache-2.0 */
/* Many names that differ in their numbers, said in few words. */
#ifndef SL_REPORTS_SNAPSHOT_NAME_RANGES_H
#define SL_REPORTS_SNAPSHOT_NAME_RANGES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"

/**
 * Sum up names: "main", "pool (64)" for a name that many have, and "k0-w0 ... k4-w1023 (5120)" for
 * those that are alike but for their numbers: the first, the last, and how many there are.  It does
 * not say that there is no gap between.  O(n log n).
 *
 * @param names       reordered
 * @param ret_ranges  printable; in the arena
 * @return false when memory is short
 */
bool sl_name_ranges(struct sl_arena *arena, const char **names, size_t n,
                    const char *const **ret_ranges, size_t *ret_n_ranges);

#endif
