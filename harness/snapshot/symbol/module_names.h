/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of one module, from wherever they can be had.
 *
 * Its files are read in this process when they are to be trusted (trust.h) and memory is not
 * limited, else in a sandbox:
 * with debug information, and where that is too much for it without.  A module without files, or
 * whose files nobody could read, has the exported functions that its own memory tells.
 */
#ifndef SL_SNAPSHOT_SYMBOL_MODULE_NAMES_H
#define SL_SNAPSHOT_SYMBOL_MODULE_NAMES_H

#include <stdbool.h>
#include <stdint.h>

#include <strandline/error.h>

#include "base/arena.h"
#include "harness/snapshot/cache/store.h"
#include "harness/snapshot/module/module.h"
#include "harness/snapshot/symbol/names.h"
#include "harness/snapshot/symbol/remote.h"
#include "harness/snapshot/target/identity.h"

struct sl_module_names;

/* Nothing is opened before it is needed.  @return NULL when memory is short */
struct sl_module_names *sl_module_names_new(struct sl_modules *modules, struct sl_module *module);
void sl_module_names_free(struct sl_module_names *names); /* NULL is allowed */

struct sl_module *sl_module_names_module(const struct sl_module_names *names);

/* Of the file that was mapped; NULL when it can not be had. */
const struct sl_file_identity *sl_module_names_identity(struct sl_module_names *names);

/*
 * Recall what earlier looks left of this module, if its files are root's or this user's: from then
 * on it is known (known.h).  Once; NULL: nothing is kept.
 */
void sl_module_names_recall(struct sl_module_names *names, const struct sl_store *store);

/* For known.h: where what was looked up last came from; from then on 0 when once it was 0. */
uint64_t sl_module_names_source(const struct sl_module_names *names);

/* Leave what is known from its files, and from nothing else, to later looks. */
void sl_module_names_keep(struct sl_module_names *names, struct sl_store *store);

/* Read the files, if that may be done in this process: what takes long is done then. */
void sl_module_names_open(struct sl_module_names *names);

/* From now on with these, which have a reader. */
void sl_module_names_move(struct sl_module_names *names, struct sl_modules *modules);

/* What is known of a virtual address of the module's file. */
SL_CHECKED enum sl_status
sl_module_names_look_up(struct sl_module_names *names, struct sl_remote *remote, uint64_t address,
                        struct sl_arena *arena, struct sl_code_names *ret_names);

#endif
