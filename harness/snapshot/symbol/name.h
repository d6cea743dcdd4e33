/* SPDX-License-Identifier: Apache-2.0 */
/* Names of symbols as people write them. */
#ifndef SL_SNAPSHOT_SYMBOL_NAME_H
#define SL_SNAPSHOT_SYMBOL_NAME_H

#include <stdbool.h>

#include "base/arena.h"

/* Has it to be spelt out by a demangler? */
bool sl_symbol_is_mangled(const char *raw);

/* Copy without what is appended, as it is otherwise up to 4 KiB: safe for any name. */
const char *sl_symbol_plain_name(struct sl_arena *arena, const char *raw);

/*
 * Copy without what linkers and compilers append (symbol versions, ".constprop.0", hashes of
 * Rust), C++ and Rust demangled.  Names that are spelt out longer than 64 KiB, or are mangled ones
 * of more than 16 KiB, stay mangled; of what is longer than 4 KiB the start and a hash are kept.
 *
 * @return in the arena; NULL when memory is short
 */
const char *sl_symbol_name(struct sl_arena *arena, const char *raw);

#endif
