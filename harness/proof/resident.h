/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which pages of a process there are: what was never touched is zero, and a page that still is
 * that of its file has no pointer of the running program.  So memory that is mapped costs nothing
 * until it is used.
 */
#ifndef SL_PROOF_RESIDENT_H
#define SL_PROOF_RESIDENT_H

#include "base/macros.h"
#include "harness/snapshot/target/maps.h"
#include "harness/snapshot/target/target.h"

struct resident_range {
    uint64_t start, end; /* [start, end) */
    bool of_file;        /* unchanged pages of a file, or memory that is shared */
};

struct resident {
    struct resident_range *ranges; /* ascending, disjoint */
    size_t n_ranges, capacity;
};

/* @return false when the kernel does not tell, or memory or time is short */
bool resident_find(struct sl_target *target, const struct sl_maps *maps,
                   struct resident *ret_resident);
void resident_release(struct resident *resident);

/* The first range that ends behind the address: where n_ranges is the index there is none. */
size_t resident_index(const struct resident *resident, uint64_t address);

/* Is there something in memory that the process may not read now, and may again? */
bool resident_hides(const struct resident *resident, const struct sl_maps *maps);

#endif
