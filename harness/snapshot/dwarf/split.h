/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The other part of a split unit: in a .dwo file, or in a package of them beside the program.
 *
 * libdw would open what the program names, as seen from here and whatever it is, and reads
 * no packages.
 */
#ifndef SL_SNAPSHOT_DWARF_SPLIT_H
#define SL_SNAPSHOT_DWARF_SPLIT_H

#include <stdbool.h>

#include <elfutils/libdw.h>

#include "harness/snapshot/dwarf/debugged.h"

struct sl_split_files; /* those of one module; NULL at first */

/* @return false when it can not be had */
bool sl_split_find(struct sl_split_files **files, const struct sl_debugged *debugged,
                   Dwarf_Die *skeleton, Dwarf_Die *ret_unit);
void sl_split_files_free(struct sl_split_files *files);

#endif
