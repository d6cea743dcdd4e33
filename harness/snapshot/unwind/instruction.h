/* SPDX-License-Identifier: Apache-2.0 */
/* Where instructions of x86-64 end, where they lead, and what they do to the stack pointer. */
#ifndef SL_SNAPSHOT_UNWIND_INSTRUCTION_H
#define SL_SNAPSHOT_UNWIND_INSTRUCTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum sl_stack_effect {
    SL_STACK_NONE, /* the same behind it; of a call, when that has returned */
    SL_STACK_PUSH, /* eight bytes */
    SL_STACK_POP,
    SL_STACK_SET_BASE,  /* mov %rsp,%rbp */
    SL_STACK_SUBTRACT,  /* sub $amount,%rsp */
    SL_STACK_ADD,       /* add $amount,%rsp */
    SL_STACK_LEAVE,     /* leave */
    SL_STACK_FROM_BASE, /* lea amount(%rbp),%rsp */
    SL_STACK_OTHER      /* anything else that may change it */
};

enum sl_flow {
    SL_FLOW_NEXT,
    SL_FLOW_CALL,
    SL_FLOW_SYSCALL,
    SL_FLOW_BRANCH,
    SL_FLOW_JUMP,
    SL_FLOW_RETURN
};

struct sl_instruction {
    size_t length;
    enum sl_stack_effect effect;
    int64_t amount;
    bool of_base; /* pushes or pops rbp */
    enum sl_flow flow;
    bool is_direct;
    int64_t target; /* of a direct one, from the start of the instruction */
};

/* @return false when the bytes are not an instruction that is known here */
bool sl_instruction_decode(const uint8_t *code, size_t size,
                           struct sl_instruction *ret_instruction);

#endif
