/* SPDX-License-Identifier: Apache-2.0 */
/* Packages of split units (.dwp), of DWARF 5 and of the GNU extension to DWARF 4. */
#ifndef SL_SNAPSHOT_DWARF_PACKAGE_H
#define SL_SNAPSHOT_DWARF_PACKAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "harness/snapshot/dwarf/file.h"

struct sl_package;

/* Takes the descriptor.  NULL: it is no package, or memory is short. */
struct sl_package *sl_package_new(int fd);
void sl_package_free(struct sl_package *package);

/*
 * The unit with this id as a file of its own, whose contents are the package's.
 * @return false when there is none
 */
bool sl_package_find(struct sl_package *package, uint64_t id, struct sl_debug_file *ret_file);

#endif
