/* SPDX-License-Identifier: Apache-2.0 */
/* What people call a place in memory. */
#ifndef SL_PROOF_NAME_H
#define SL_PROOF_NAME_H

#include "base/arena.h"
#include "harness/proof/space.h"
#include "harness/snapshot/module/module.h"

/* All borrowed but the last three, which are the symbols that were asked for last. */
struct proof_namer {
    struct sl_arena *arena;
    struct sl_modules *modules;
    const struct proof_space *space;
    const struct proof_threads *threads;
    const struct sl_module *module;
    uint8_t *symbols, *names;
    size_t symbols_size, names_size;
};

/* "g_bus+0x18 (data of app)", "stack of thread 71 'worker'", "heap block of 96 bytes"; NULL:
 * memory is short. */
const char *name_place(struct proof_namer *namer, uint64_t address);

/* "thread 71 'worker'", "main". */
const char *name_thread(struct proof_namer *namer, size_t thread);

/* "register rbx of thread 71 'worker'". */
const char *name_register(struct proof_namer *namer, size_t thread, unsigned number);

void name_release(struct proof_namer *namer);

#endif
