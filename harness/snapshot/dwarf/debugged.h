/* SPDX-License-Identifier: Apache-2.0 */
/* The object that debug information describes, as far as its files do not say. */
#ifndef SL_SNAPSHOT_DWARF_DEBUGGED_H
#define SL_SNAPSHOT_DWARF_DEBUGGED_H

#include <stddef.h>

#include "harness/snapshot/dwarf/range.h"

struct sl_debugged {
    const char *path;            /* as the target has it; NULL: not known */
    const struct sl_range *code; /* where it has code, by virtual address of its file */
    size_t n_code;
    /* A file that another one names, as the target sees it; -1: not to be had. */
    int (*open)(void *context, const char *path);
    void *context;
    uint64_t max_bytes; /* held of the debug information of one file */
};

#endif
