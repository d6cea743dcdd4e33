/* SPDX-License-Identifier: Apache-2.0 */
/* What modules have to know of their files. */
#ifndef SL_SNAPSHOT_MODULE_FILE_H
#define SL_SNAPSHOT_MODULE_FILE_H

#include "harness/snapshot/module/module.h"

/*
 * Program headers of a mapped file, for those that are not loaded themselves.  The file is
 * the one that is mapped.  @return false when it is out of reach or no ELF object
 */
bool sl_module_file_image(struct sl_modules *modules, const struct sl_mapping *mapping,
                          struct sl_arena *arena, struct sl_image *ret_image);

/*
 * Does a page of memory hold what the module's file has there?  A few bytes may differ, as
 * where a debugger stops.  True as well when the file has nothing there, or is out of reach.
 */
bool sl_module_has_code(struct sl_modules *modules, const struct sl_module *module, uint64_t page);

#endif
