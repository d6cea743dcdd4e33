/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Debug information opened ahead of its use.
 *
 * That of the C library is compressed, and unpacking it takes longer than a whole pass.
 * Every thread of a program that uses the library begins in it, so the file
 * will be asked for: a thread opens it while the pass is under way.
 */
#ifndef SL_SNAPSHOT_AHEAD_H
#define SL_SNAPSHOT_AHEAD_H

#include <pthread.h>
#include <stdbool.h>

#include "harness/snapshot/module/module.h"
#include "harness/snapshot/symbol/symbol.h"
#include "harness/snapshot/target/maps.h"

struct sl_ahead {
    bool running;
    pthread_t thread;
    struct sl_target target; /* a copy: the pass may let another thread stand for the process */
    struct sl_modules *modules;
    struct sl_module_names *names;
};

/*
 * Begin, unless addresses of the library were looked up before, by this process or, as the store
 * says, by another one.  The module must outlive the end.
 */
void sl_ahead_start(struct sl_ahead *ahead, const struct sl_target *target,
                    struct sl_modules *modules, const struct sl_maps *maps,
                    const struct sl_store *store);

/* Wait for it, and give what it opened to the symbolizer; NULL: to nobody. */
void sl_ahead_end(struct sl_ahead *ahead, struct sl_symbolizer *symbolizer);

#endif
