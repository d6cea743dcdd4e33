/* SPDX-License-Identifier: Apache-2.0 */
/* Functions inlined at an address, and where each was called. */
#ifndef SL_SNAPSHOT_DWARF_INLINE_H
#define SL_SNAPSHOT_DWARF_INLINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/snapshot/dwarf/unit.h"

#define SL_MAX_INLINED 128

/* Where in the source. */
struct sl_source_place {
    const char *file; /* NULL: not known */
    uint32_t line;    /* 0: not known */
};

struct sl_source_frame {
    const char *function; /* as the unit says, mangled or not; NULL: not known */
    struct sl_source_place place;
};

struct sl_source_frames {
    struct sl_source_frame frames[SL_MAX_INLINED + 1]; /* innermost first, the function last */
    size_t n;                                          /* at least one */
};

/* What the debug information says of an address in the unit's code. */
void sl_source_frames_get(const struct sl_code_place *code, uint64_t address,
                          struct sl_source_frames *ret_frames);

#endif
