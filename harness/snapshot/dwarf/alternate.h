/* SPDX-License-Identifier: Apache-2.0 */
/* The file into which dwz moved what several files with debug information have in common. */
#ifndef SL_SNAPSHOT_DWARF_ALTERNATE_H
#define SL_SNAPSHOT_DWARF_ALTERNATE_H

#include "harness/snapshot/target/target.h"

/*
 * Descriptor of the file that .gnu_debugaltlink of the file `fd` names, or -1: where it says,
 * or by its build-id, which it has in any case.
 */
int sl_alternate_open(const struct sl_target *target, int fd);

#endif
