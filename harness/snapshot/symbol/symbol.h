/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Functions, files and lines of addresses, each distinct address looked up once.
 *
 * A function is named only when a symbol's extent covers the address; what no
 * symbol covers stays without a name rather than taking its neighbour's.
 */
#ifndef SL_SNAPSHOT_SYMBOL_H
#define SL_SNAPSHOT_SYMBOL_H

#include <stdbool.h>
#include <stddef.h>

#include <strandline/error.h>

#include "base/arena.h"
#include "base/macros.h"
#include "harness/model/snapshot.h"
#include "harness/snapshot/module/module.h"
#include "harness/snapshot/module/pc.h"
#include "harness/snapshot/symbol/module_names.h"
#include "harness/snapshot/target/maps.h"

struct sl_symbolizer;

/*
 * @param arena   owns frames and strings
 * @param names   false: modules only, no file is opened
 */
SL_CHECKED enum sl_status sl_symbolizer_new(struct sl_modules *modules, struct sl_arena *arena,
                                            bool names, struct sl_symbolizer **ret_symbolizer,
                                            struct sl_error *err);
void sl_symbolizer_free(struct sl_symbolizer *symbolizer);
SL_DEFINE_AUTO(sl_symbolizer, sl_symbolizer_free);

/* Keep names here for later looks, and recall those of earlier ones.  Borrows the store. */
void sl_symbolizer_use(struct sl_symbolizer *symbolizer, struct sl_store *store);
const struct sl_store *sl_symbolizer_store(const struct sl_symbolizer *symbolizer); /* or NULL */

/* Take over what was opened for a module, which is then not opened again.  @return false: no memory
 */
bool sl_symbolizer_adopt(struct sl_symbolizer *symbolizer, struct sl_module_names *names);

/*
 * Frames of one physical frame: the functions inlined at the address, innermost
 * first, then the function itself.  At least one.  @return false when memory is short
 */
bool sl_symbolizer_look_up(struct sl_symbolizer *symbolizer, const struct sl_maps *maps,
                           const struct sl_pc *pc, const struct sl_frame **ret_frames,
                           size_t *ret_n_frames);

#endif
