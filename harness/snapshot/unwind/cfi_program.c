/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/snapshot/unwind/cfi_program.h"

enum {
    CFA_ADVANCE = 0x40, /* with the operand in the low six bits */
    CFA_OFFSET = 0x80,
    CFA_RESTORE = 0xc0,
    CFA_NOP = 0x00,
    CFA_SET_LOC = 0x01,
    CFA_ADVANCE1 = 0x02,
    CFA_ADVANCE2 = 0x03,
    CFA_ADVANCE4 = 0x04,
    CFA_OFFSET_EXTENDED = 0x05,
    CFA_RESTORE_EXTENDED = 0x06,
    CFA_UNDEFINED = 0x07,
    CFA_SAME_VALUE = 0x08,
    CFA_REGISTER = 0x09,
    CFA_REMEMBER_STATE = 0x0a,
    CFA_RESTORE_STATE = 0x0b,
    CFA_DEF_CFA = 0x0c,
    CFA_DEF_CFA_REGISTER = 0x0d,
    CFA_DEF_CFA_OFFSET = 0x0e,
    CFA_DEF_CFA_EXPRESSION = 0x0f,
    CFA_EXPRESSION = 0x10,
    CFA_OFFSET_EXTENDED_SF = 0x11,
    CFA_DEF_CFA_SF = 0x12,
    CFA_DEF_CFA_OFFSET_SF = 0x13,
    CFA_VAL_OFFSET = 0x14,
    CFA_VAL_OFFSET_SF = 0x15,
    CFA_VAL_EXPRESSION = 0x16,
    CFA_GNU_ARGS_SIZE = 0x2e
};

enum {
    OP_DEREF = 0x06,
    OP_CONST1U = 0x08,
    OP_CONST8S = 0x0f,
    OP_CONSTU = 0x10,
    OP_CONSTS = 0x11,
    OP_DUP = 0x12,
    OP_DROP = 0x13,
    OP_OVER = 0x14,
    OP_SWAP = 0x16,
    OP_ROT = 0x17,
    OP_ABS = 0x19,
    OP_AND = 0x1a,
    OP_MINUS = 0x1c,
    OP_MUL = 0x1e,
    OP_NEG = 0x1f,
    OP_NOT = 0x20,
    OP_OR = 0x21,
    OP_PLUS = 0x22,
    OP_PLUS_UCONST = 0x23,
    OP_SHL = 0x24,
    OP_XOR = 0x27,
    OP_EQ = 0x29,
    OP_NE = 0x2e,
    OP_LIT0 = 0x30,
    OP_LIT31 = 0x4f,
    OP_BREG0 = 0x70,
    OP_BREG31 = 0x8f,
    OP_NOP = 0x96
};

/* Its number as a register: what it holds does not move with the stack. */
#define PROGRAM_COUNTER 16

/* What following one instruction found. */
enum step { STEP_KEEP, STEP_DROP, STEP_PASSED, STEP_BAD };

void sl_cfi_program_begin_fde(struct sl_cfi_program *program)
{
    program->returns_initially = program->returns;
    program->n_remembered = 0;
}

/*
 * Check one operation.  Jumps may loop and division may trap, so neither is let
 * through.  Only adding one constant and following pointers moves with the stack, and
 * not from the program counter, which does not move with it.
 */
static bool check_operation(struct sl_bytes *bytes, bool *relocatable)
{
    uint64_t op = sl_bytes_unsigned(bytes, 1);

    if (op >= OP_BREG0 && op <= OP_BREG31) {
        (void) sl_bytes_sleb(bytes);
        *relocatable = *relocatable && op - OP_BREG0 != PROGRAM_COUNTER;
        return op - OP_BREG0 < SL_CFI_N_REGISTERS;
    }
    if (op == OP_DEREF || op == OP_NOP)
        return true;

    *relocatable = false;
    if (op >= OP_CONST1U && op <= OP_CONST8S) {
        (void) sl_bytes_skip(bytes, UINT64_C(1) << (op - OP_CONST1U) / 2);
        return true;
    }
    if (op == OP_CONSTU || op == OP_CONSTS || op == OP_PLUS_UCONST) {
        (void) sl_bytes_uleb(bytes);
        return true;
    }
    return (op >= OP_DUP && op <= OP_OVER) || op == OP_SWAP || op == OP_ROT || op == OP_ABS ||
           op == OP_AND || op == OP_MINUS || (op >= OP_MUL && op <= OP_PLUS) ||
           (op >= OP_SHL && op <= OP_XOR) || (op >= OP_EQ && op <= OP_NE) ||
           (op >= OP_LIT0 && op <= OP_LIT31);
}

static bool check_expression(struct sl_bytes *bytes, bool *relocatable)
{
    uint64_t size = sl_bytes_uleb(bytes);
    struct sl_bytes expression = {.at = bytes->at};

    (void) sl_bytes_skip(bytes, size);
    expression.end = bytes->at;
    if (bytes->bad || !size)
        return false;
    while (sl_bytes_left(&expression))
        if (!check_operation(&expression, relocatable) || expression.bad)
            return false;
    return true;
}

static enum step advance(struct sl_cfi_program *program, uint64_t delta)
{
    uint64_t distance;
    if (__builtin_mul_overflow(delta, program->code_align, &distance) ||
        __builtin_add_overflow(program->location, distance, &program->location))
        return STEP_BAD;
    return program->location > program->pc ? STEP_PASSED : STEP_KEEP;
}

/* A rule for one register was met; `returns` is what it means for the return address. */
static enum step
set_rule(struct sl_cfi_program *program, uint64_t column, enum sl_cfi_return returns)
{
    if (column == program->return_column)
        program->returns = returns;
    return column < SL_CFI_N_REGISTERS ? STEP_KEEP : STEP_DROP;
}

static enum step remember(struct sl_cfi_program *program)
{
    if (program->n_remembered == SL_CFI_MAX_REMEMBERED)
        return STEP_BAD;
    program->remembered[program->n_remembered++] = program->returns;
    return STEP_KEEP;
}

static enum step restore_state(struct sl_cfi_program *program)
{
    if (!program->n_remembered)
        return STEP_BAD;
    program->returns = program->remembered[--program->n_remembered];
    return STEP_KEEP;
}

static enum step
follow_rule(struct sl_cfi_program *program, uint64_t opcode, struct sl_bytes *bytes)
{
    uint64_t column = sl_bytes_uleb(bytes), other;

    switch (opcode) {
    case CFA_OFFSET_EXTENDED:
        (void) sl_bytes_uleb(bytes);
        return set_rule(program, column, SL_CFI_RETURN_IN_MEMORY);
    case CFA_OFFSET_EXTENDED_SF:
        (void) sl_bytes_sleb(bytes);
        return set_rule(program, column, SL_CFI_RETURN_IN_MEMORY);
    case CFA_VAL_OFFSET:
        (void) sl_bytes_uleb(bytes);
        return set_rule(program, column, SL_CFI_RETURN_OTHER);
    case CFA_VAL_OFFSET_SF:
        (void) sl_bytes_sleb(bytes);
        return set_rule(program, column, SL_CFI_RETURN_OTHER);
    case CFA_RESTORE_EXTENDED:
        return set_rule(program, column, program->returns_initially);
    case CFA_UNDEFINED:
        return set_rule(program, column, SL_CFI_RETURN_UNDEFINED);
    case CFA_SAME_VALUE:
        return set_rule(program, column, SL_CFI_RETURN_OTHER);
    case CFA_REGISTER:
        other = sl_bytes_uleb(bytes);
        if (column < SL_CFI_N_REGISTERS && other >= SL_CFI_N_REGISTERS)
            return STEP_BAD;
        program->relocatable = program->relocatable && other != PROGRAM_COUNTER;
        return set_rule(program, column, SL_CFI_RETURN_OTHER);
    case CFA_EXPRESSION:
    case CFA_VAL_EXPRESSION:
        if (!check_expression(bytes, &program->relocatable))
            return STEP_BAD;
        return set_rule(program, column,
                        opcode == CFA_EXPRESSION ? SL_CFI_RETURN_IN_MEMORY : SL_CFI_RETURN_OTHER);
    default:
        return STEP_BAD;
    }
}

/* The CFA counts from this register. */
static enum step set_base(struct sl_cfi_program *program, uint64_t column)
{
    program->relocatable = program->relocatable && column != PROGRAM_COUNTER;
    return column < SL_CFI_N_REGISTERS ? STEP_KEEP : STEP_BAD;
}

static enum step
follow_extended(struct sl_cfi_program *program, uint64_t opcode, struct sl_bytes *bytes)
{
    uint64_t column;

    switch (opcode) {
    case CFA_NOP:
        return STEP_DROP;
    case CFA_ADVANCE1:
        return advance(program, sl_bytes_unsigned(bytes, 1));
    case CFA_ADVANCE2:
        return advance(program, sl_bytes_unsigned(bytes, 2));
    case CFA_ADVANCE4:
        return advance(program, sl_bytes_unsigned(bytes, 4));
    case CFA_REMEMBER_STATE:
        return remember(program);
    case CFA_RESTORE_STATE:
        return restore_state(program);
    case CFA_DEF_CFA:
        column = sl_bytes_uleb(bytes);
        (void) sl_bytes_uleb(bytes);
        return set_base(program, column);
    case CFA_DEF_CFA_SF:
        column = sl_bytes_uleb(bytes);
        (void) sl_bytes_sleb(bytes);
        return set_base(program, column);
    case CFA_DEF_CFA_REGISTER:
        return set_base(program, sl_bytes_uleb(bytes));
    case CFA_DEF_CFA_OFFSET:
        (void) sl_bytes_uleb(bytes);
        return STEP_KEEP;
    case CFA_DEF_CFA_OFFSET_SF:
        (void) sl_bytes_sleb(bytes);
        return STEP_KEEP;
    case CFA_GNU_ARGS_SIZE: /* for raising exceptions only */
        (void) sl_bytes_uleb(bytes);
        return STEP_DROP;
    case CFA_DEF_CFA_EXPRESSION:
        return check_expression(bytes, &program->relocatable) ? STEP_KEEP : STEP_BAD;
    case CFA_SET_LOC: /* its operand is encoded like a pointer; no compiler of x86-64 emits it */
        return STEP_BAD;
    default:
        return follow_rule(program, opcode, bytes);
    }
}

static enum step follow(struct sl_cfi_program *program, struct sl_bytes *bytes)
{
    uint64_t opcode = sl_bytes_unsigned(bytes, 1), operand = opcode & 0x3f;

    switch (opcode & 0xc0) {
    case CFA_ADVANCE:
        return advance(program, operand);
    case CFA_OFFSET:
        (void) sl_bytes_uleb(bytes);
        return set_rule(program, operand, SL_CFI_RETURN_IN_MEMORY);
    case CFA_RESTORE:
        return set_rule(program, operand, program->returns_initially);
    default:
        return follow_extended(program, opcode, bytes);
    }
}

bool sl_cfi_program_run(struct sl_cfi_program *program, struct sl_bytes instructions, uint8_t *out,
                        size_t capacity, size_t *ret_used)
{
    size_t used = 0;

    while (sl_bytes_left(&instructions)) {
        const uint8_t *start = instructions.at;
        enum step step = follow(program, &instructions);
        if (instructions.bad || step == STEP_BAD)
            return false;
        if (step == STEP_PASSED)
            break;
        size_t size = (size_t) (instructions.at - start);
        if (step == STEP_DROP)
            continue;
        if (size > capacity - used)
            return false;
        memcpy(out + used, start, size);
        used += size;
    }
    *ret_used = used;
    return true;
}
