/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an unwind may read of one thread: its registers, and its stack from a copy
 * that was made with many others.
 */
#ifndef SL_SNAPSHOT_UNWIND_VIEW_H
#define SL_SNAPSHOT_UNWIND_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/snapshot/target/reader.h"

/* DWARF register numbers of x86-64. */
enum sl_register {
    SL_REG_RDX = 1,
    SL_REG_RBX = 3,
    SL_REG_RSI = 4,
    SL_REG_RDI = 5,
    SL_REG_RBP = 6,
    SL_REG_RSP = 7,
    SL_REG_R8 = 8,
    SL_REG_R9 = 9,
    SL_REG_R10 = 10,
    SL_REG_R12 = 12,
    SL_REG_R13 = 13,
    SL_REG_R14 = 14,
    SL_REG_R15 = 15,
    SL_REG_RIP = 16
};
#define SL_N_REGISTERS 17

struct sl_registers {
    uint64_t value[SL_N_REGISTERS];
    uint32_t known; /* bit n: value[n] is that of the thread */
};

static inline bool sl_registers_know(const struct sl_registers *registers, unsigned number)
{
    return number < SL_N_REGISTERS && (registers->known >> number & 1);
}

static inline void sl_registers_set(struct sl_registers *registers, unsigned number, uint64_t value)
{
    registers->value[number] = value;
    registers->known |= UINT32_C(1) << number;
}

#define SL_WINDOW_SIZE ((size_t) 16 * 1024)

struct sl_view {
    const struct sl_registers *registers;
    uint64_t sp, stack_end; /* of the mapping that sp is in; both equal when there is none */
    const uint8_t *copy;    /* bytes from sp on */
    size_t copied;
    struct sl_reader *reader;
    bool read_elsewhere; /* outside [sp, stack_end) */
    size_t deepest;      /* bytes behind sp that were needed */
    uint8_t *window;     /* SL_WINDOW_SIZE bytes of the owner's, for what the copy lacks */
    uint64_t window_address;
    size_t window_size;
};

/* Eight bytes of the target.  @return false when they can not be read */
bool sl_view_word(struct sl_view *view, uint64_t address, uint64_t *ret_value);

#endif
