/* SPDX-License-Identifier: Apache-2.0 */
/* What is known of a thread's registers. */
#ifndef SL_SNAPSHOT_TARGET_REGISTERS_H
#define SL_SNAPSHOT_TARGET_REGISTERS_H

#include <stdbool.h>
#include <stdint.h>

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

#endif
