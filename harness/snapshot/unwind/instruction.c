/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/snapshot/unwind/instruction.h"

#include <Zydis/Zydis.h>

struct decoded {
    ZydisDecodedInstruction instruction;
    ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT]; /* with those that are implied */
};

static bool is_register(const ZydisDecodedOperand *operand, ZydisRegister number)
{
    return operand->type == ZYDIS_OPERAND_TYPE_REGISTER && operand->reg.value == number;
}

/* rsp, or a part of it. */
static bool writes_rsp(const struct decoded *decoded)
{
    for (size_t i = 0; i < decoded->instruction.operand_count; i++) {
        const ZydisDecodedOperand *operand = &decoded->operands[i];
        if (operand->type == ZYDIS_OPERAND_TYPE_REGISTER &&
            (operand->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE) &&
            ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, operand->reg.value) ==
                ZYDIS_REGISTER_RSP)
            return true;
    }
    return false;
}

/* add and sub with an immediate; a negative one moves the other way. */
static enum sl_stack_effect effect_of_sum(const struct decoded *decoded, int64_t *ret_amount)
{
    const ZydisDecodedOperand *amount = &decoded->operands[1];

    if (amount->type != ZYDIS_OPERAND_TYPE_IMMEDIATE)
        return SL_STACK_OTHER;
    int64_t value = amount->imm.value.s;
    bool down = (decoded->instruction.mnemonic == ZYDIS_MNEMONIC_SUB) == (value >= 0);
    *ret_amount = value < 0 ? -value : value;
    return down ? SL_STACK_SUBTRACT : SL_STACK_ADD;
}

static enum sl_stack_effect effect_of_lea(const struct decoded *decoded, int64_t *ret_amount)
{
    const ZydisDecodedOperandMem *from = &decoded->operands[1].mem;

    *ret_amount = from->disp.value;
    return from->base == ZYDIS_REGISTER_RBP && from->index == ZYDIS_REGISTER_NONE
               ? SL_STACK_FROM_BASE
               : SL_STACK_OTHER;
}

/* Of what writes rsp. */
static enum sl_stack_effect effect_of_write(const struct decoded *decoded, int64_t *ret_amount)
{
    const ZydisDecodedInstruction *instruction = &decoded->instruction;
    bool near = instruction->meta.branch_type == ZYDIS_BRANCH_TYPE_NEAR;

    if (instruction->operand_width != 64)
        return SL_STACK_OTHER;
    switch (instruction->mnemonic) {
    case ZYDIS_MNEMONIC_PUSH:
        return SL_STACK_PUSH;
    case ZYDIS_MNEMONIC_POP:
        return is_register(&decoded->operands[0], ZYDIS_REGISTER_RSP) ? SL_STACK_OTHER
                                                                      : SL_STACK_POP;
    case ZYDIS_MNEMONIC_SUB:
    case ZYDIS_MNEMONIC_ADD:
        return effect_of_sum(decoded, ret_amount);
    case ZYDIS_MNEMONIC_LEA:
        return effect_of_lea(decoded, ret_amount);
    case ZYDIS_MNEMONIC_LEAVE:
        return SL_STACK_LEAVE;
    case ZYDIS_MNEMONIC_CALL:
        return near ? SL_STACK_NONE : SL_STACK_OTHER;
    case ZYDIS_MNEMONIC_RET: /* one that drops arguments has their size as operand */
        return near && !instruction->operand_count_visible ? SL_STACK_NONE : SL_STACK_OTHER;
    default:
        return SL_STACK_OTHER;
    }
}

static enum sl_stack_effect effect_of(const struct decoded *decoded, int64_t *ret_amount)
{
    if (decoded->instruction.mnemonic == ZYDIS_MNEMONIC_MOV &&
        is_register(&decoded->operands[0], ZYDIS_REGISTER_RBP) &&
        is_register(&decoded->operands[1], ZYDIS_REGISTER_RSP))
        return SL_STACK_SET_BASE;
    if (decoded->instruction.meta.category == ZYDIS_CATEGORY_INTERRUPT)
        return SL_STACK_OTHER;
    return writes_rsp(decoded) ? effect_of_write(decoded, ret_amount) : SL_STACK_NONE;
}

static enum sl_flow flow_of(const ZydisDecodedInstruction *instruction)
{
    switch (instruction->meta.category) {
    case ZYDIS_CATEGORY_CALL:
        return SL_FLOW_CALL;
    case ZYDIS_CATEGORY_SYSCALL:
        return SL_FLOW_SYSCALL;
    case ZYDIS_CATEGORY_COND_BR:
        return SL_FLOW_BRANCH;
    case ZYDIS_CATEGORY_UNCOND_BR:
        return SL_FLOW_JUMP;
    case ZYDIS_CATEGORY_RET:
        return SL_FLOW_RETURN;
    default:
        return SL_FLOW_NEXT;
    }
}

bool sl_instruction_decode(const uint8_t *code, size_t size, struct sl_instruction *ret_instruction)
{
    ZydisDecoder decoder;
    struct decoded decoded;
    const ZydisDecodedInstruction *instruction = &decoded.instruction;

    if (ZYAN_FAILED(ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64)) ||
        ZYAN_FAILED(
            ZydisDecoderDecodeFull(&decoder, code, size, &decoded.instruction, decoded.operands)))
        return false;
    bool is_direct = instruction->raw.imm[0].is_relative;
    /* Makers of processors do not agree on its length. */
    if (is_direct && (instruction->attributes & ZYDIS_ATTRIB_HAS_OPERANDSIZE) &&
        !instruction->raw.rex.W)
        return false;
    *ret_instruction = (struct sl_instruction){
        .length = instruction->length,
        .of_base = (instruction->mnemonic == ZYDIS_MNEMONIC_PUSH ||
                    instruction->mnemonic == ZYDIS_MNEMONIC_POP) &&
                   is_register(&decoded.operands[0], ZYDIS_REGISTER_RBP),
        .flow = flow_of(instruction),
        .is_direct = is_direct,
        .target = is_direct ? instruction->length + instruction->raw.imm[0].value.s : 0};
    ret_instruction->effect = effect_of(&decoded, &ret_instruction->amount);
    return true;
}
