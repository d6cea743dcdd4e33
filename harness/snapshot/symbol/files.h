/* SPDX-License-Identifier: Apache-2.0 */
/* The files that names of a module are read from. */
#ifndef SL_SNAPSHOT_SYMBOL_FILES_H
#define SL_SNAPSHOT_SYMBOL_FILES_H

#include <stdbool.h>

#include "harness/snapshot/module/module.h"

struct sl_symbol_files {
    int file;      /* as mapped; -1: none, as the others */
    int debug;     /* the separate one */
    int alternate; /* what the one with debug information shares with others */
};

struct sl_symbol_files sl_symbol_files_open(struct sl_modules *modules, struct sl_module *module);
void sl_symbol_files_close(struct sl_symbol_files *files);

/* Is there one, and are all that there are to be trusted (trust.h)? */
bool sl_symbol_files_trusted(const struct sl_symbol_files *files, const struct sl_target *target);

/* Are they all of root or of this user (trust.h)? */
bool sl_symbol_files_owned(const struct sl_symbol_files *files, const struct sl_target *target);

#endif
