/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What addresses turned out to be, for the life of this process.
 *
 * Who looks at a process twice, or at two that run the same libraries, should not
 * unpack their debug information twice: it takes longer than all the rest.  A
 * build-id names exact content, so what was found once stays true.
 */
#ifndef SL_SNAPSHOT_SYMBOL_CACHE_H
#define SL_SNAPSHOT_SYMBOL_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/model/snapshot.h"
#include "harness/snapshot/module/module.h"

/*
 * Copy the frames known for a virtual address of the module's file, at most `capacity`.
 * Their strings live as long as the process; address and module are not set.
 * @return how many, 0 when nothing is known
 */
size_t sl_symbol_cache_find(const struct sl_module *module, uint64_t address,
                            struct sl_frame *frames, size_t capacity);

/* Is anything known of the module? */
bool sl_symbol_cache_knows(const struct sl_module *module);

/* Remember them, unless there are too many already. */
void sl_symbol_cache_add(const struct sl_module *module, uint64_t address,
                         const struct sl_frame *frames, size_t n_frames);

#endif
