/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Walk over the DIEs below another, in the order of the file.
 *
 * Each is read once, whatever the depth: nothing recurs, and no limit of depth is needed.
 * What libdw has to go over scopes recurs, and stops at name spaces and classes.
 */
#ifndef SL_SNAPSHOT_DWARF_DIE_H
#define SL_SNAPSHOT_DWARF_DIE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <elfutils/libdw.h>

#include "harness/snapshot/module/bytes.h"

struct sl_die_walk {
    Dwarf_Die die;
    size_t depth; /* 1: child of the root */
    const uint8_t *end;
};

/* @param info  the section that has it.  @return false when there is no child */
bool sl_die_walk_begin(struct sl_die_walk *walk, Dwarf_Die *root, struct sl_bytes info);

/* @param enter  the children of the current DIE too.  @return false at the end */
bool sl_die_walk_next(struct sl_die_walk *walk, bool enter);

#endif
