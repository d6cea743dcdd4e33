/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Symbols and debug information of one ELF object, from its files.
 *
 * All that depends on libraries without bounds is here and below: who reads files of strangers
 * does so in a sandbox (remote.h).
 */
#ifndef SL_SNAPSHOT_SYMBOL_OBJECT_H
#define SL_SNAPSHOT_SYMBOL_OBJECT_H

#include <stdbool.h>
#include <stdint.h>

#include <strandline/error.h>

#include "base/arena.h"
#include "harness/snapshot/dwarf/debugged.h"
#include "harness/snapshot/symbol/files.h"
#include "harness/snapshot/symbol/names.h"

struct sl_object;

/*
 * Never fails for want of a file: an object without symbols gives no names.
 *
 * @param files     taken over, also when it fails
 * @param lines     false: symbols only, no debug information
 * @param debugged  borrowed, must outlive the object
 * @return NULL when memory is short
 */
struct sl_object *
sl_object_new(struct sl_symbol_files *files, bool lines, const struct sl_debugged *debugged);
void sl_object_free(struct sl_object *object); /* NULL is allowed */

/*
 * What it says of a virtual address of its file, in the arena, or its own as long as it lives.
 * Names are as people write them.  After SL_ENOMEM the object is of no use.
 */
SL_CHECKED enum sl_status sl_object_look_up(struct sl_object *object, uint64_t address,
                                            struct sl_arena *arena,
                                            struct sl_code_names *ret_names);

#endif
