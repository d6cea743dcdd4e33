/* SPDX-License-Identifier: Apache-2.0 */
/* One frame, before its code has a name. */
#ifndef SL_SNAPSHOT_MODULE_PC_H
#define SL_SNAPSHOT_MODULE_PC_H

#include <stdbool.h>
#include <stdint.h>

struct sl_pc {
    uint64_t address;      /* as it stood in the register or on the stack */
    bool exact;            /* the instruction itself, not the one behind a call */
    bool by_frame_pointer; /* found without a table */
};

#endif
