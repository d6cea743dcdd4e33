/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of a module say of one address. */
#ifndef SL_SNAPSHOT_SYMBOL_NAMES_H
#define SL_SNAPSHOT_SYMBOL_NAMES_H

#include <stdbool.h>
#include <stdint.h>

#include "harness/snapshot/dwarf/inline.h"

#define SL_MAX_NAME 65536 /* bytes of a function's name, as people write it, with its end */
#define SL_MAX_FILE 4096  /* of a source file's */

struct sl_code_names {
    /* NULL: no symbol covers the address. */
    const char *symbol;
    uint64_t symbol_start;
    bool symbol_unsized; /* whether it really covers it, unwind tables may know */
    bool too_large;      /* some debug information, or packed symbols, is malformed or too much */
    struct sl_source_frames source;
};

#endif
