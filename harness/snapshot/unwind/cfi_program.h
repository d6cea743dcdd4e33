/* SPDX-License-Identifier: Apache-2.0 */
/* The instructions of call frame information: checked one by one, copied, followed up to a PC. */
#ifndef SL_SNAPSHOT_UNWIND_CFI_PROGRAM_H
#define SL_SNAPSHOT_UNWIND_CFI_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/snapshot/module/bytes.h"

/* Registers are DWARF numbers: 0 to 15 general, 16 the return address. */
#define SL_CFI_N_REGISTERS 17

#define SL_CFI_MAX_REMEMBERED 32

/* What is said of the return address. */
enum sl_cfi_return {
    SL_CFI_RETURN_OTHER, /* nothing, or it is computed or in a register */
    SL_CFI_RETURN_IN_MEMORY,
    SL_CFI_RETURN_UNDEFINED
};

struct sl_cfi_program {
    uint64_t return_column;
    uint64_t code_align;
    uint64_t pc;                /* instructions for addresses behind it are left out */
    uint64_t location;          /* address that the next instruction applies to */
    enum sl_cfi_return returns; /* so far */
    enum sl_cfi_return returns_initially;
    bool relocatable; /* so far, see struct sl_cfi */
    enum sl_cfi_return remembered[SL_CFI_MAX_REMEMBERED];
    size_t n_remembered;
};

/* The instructions of the CIE are done: what they said is the initial state of the FDE's. */
void sl_cfi_program_begin_fde(struct sl_cfi_program *program);

/*
 * Follow instructions until they are used up or pass pc, copying those that
 * apply.  Rules for registers that no unwinder keeps are dropped.
 *
 * @return false for unknown or dangerous instructions, bad operands, no room
 */
bool sl_cfi_program_run(struct sl_cfi_program *program, struct sl_bytes instructions, uint8_t *out,
                        size_t capacity, size_t *ret_used);

#endif
