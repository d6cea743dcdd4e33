/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/snapshot/dwarf/die.h"

#include "harness/snapshot/dwarf/range.h"

bool sl_die_walk_begin(struct sl_die_walk *walk, Dwarf_Die *root, struct sl_bytes info)
{
    *walk = (struct sl_die_walk){.depth = 1, .end = sl_unit_end(root->cu, info)};
    return walk->end && dwarf_child(root, &walk->die) == 0;
}

bool sl_die_walk_next(struct sl_die_walk *walk, bool enter)
{
    Dwarf_Die next = {0};

    if (enter && dwarf_child(&walk->die, &next) == 0) {
        walk->depth++;
        walk->die = next;
        return true;
    }
    switch (dwarf_siblingof(&walk->die, &next)) {
    case 0:
        walk->die = next;
        return true;
    case 1: { /* `next` is the zero that ends the list; others may follow it */
        const uint8_t *at = next.addr;
        for (; walk->depth && at && at < walk->end && !*at; at++)
            walk->depth--;
        if (!walk->depth || !at || at >= walk->end)
            return false;
        walk->die = (Dwarf_Die){.addr = (void *) at, .cu = walk->die.cu};
        return true;
    }
    default:
        return false;
    }
}
