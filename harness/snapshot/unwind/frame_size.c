/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/snapshot/unwind/frame_size.h"

#include "harness/snapshot/unwind/instruction.h"

/* Where in a function an instruction stands, read from its start to its end. */
enum place {
    BEFORE,   /* rbp has not been pushed */
    PUSHED,   /* it has, and nothing else */
    PROLOGUE, /* rbp is set; no branch, call or jump since */
    BODY,
    EPILOGUE /* the frame is being taken down */
};

struct reading {
    enum place place;
    uint64_t size;        /* rbp minus rsp in the body */
    size_t prologue_end;  /* behind the last instruction that made it */
    int64_t first_target; /* the lowest that a jump inside the function has */
    bool base_restored;   /* rbp was popped, in the epilogue */
};

/* What the instruction does to the stack pointer.  @return false when that is not understood */
static bool follow_effect(struct reading *reading, const struct sl_instruction *instruction)
{
    enum place place = reading->place;

    switch (instruction->effect) {
    case SL_STACK_NONE:
        return true;
    case SL_STACK_PUSH:
        if (place == BEFORE && instruction->of_base)
            reading->place = PUSHED;
        else if (place == PROLOGUE)
            reading->size += sizeof(uint64_t);
        else
            return false;
        return true;
    case SL_STACK_SET_BASE:
        reading->place = PROLOGUE;
        return place == PUSHED;
    case SL_STACK_SUBTRACT:
        reading->size += (uint64_t) instruction->amount;
        return place == PROLOGUE;
    case SL_STACK_ADD:
    case SL_STACK_FROM_BASE:
        reading->place = EPILOGUE;
        return place == PROLOGUE || place == BODY;
    case SL_STACK_POP:
    case SL_STACK_LEAVE:
        reading->place = EPILOGUE;
        reading->base_restored |= instruction->of_base || instruction->effect == SL_STACK_LEAVE;
        return place >= PROLOGUE;
    case SL_STACK_OTHER:
        break;
    }
    return false;
}

/* Where it leads.  What is left by a jump may change anything and come back. */
static bool
follow_flow(struct reading *reading, const struct sl_instruction *instruction, bool leaves)
{
    enum place place = reading->place;

    switch (instruction->flow) {
    case SL_FLOW_NEXT:
        return true;
    case SL_FLOW_CALL:
    case SL_FLOW_SYSCALL:
    case SL_FLOW_BRANCH:
        if (place == PROLOGUE)
            reading->place = BODY;
        return place != PUSHED && place != EPILOGUE &&
               (instruction->flow == SL_FLOW_CALL || !leaves);
    case SL_FLOW_JUMP:
        if (place == PROLOGUE)
            reading->place = BODY;
        if ((place == PROLOGUE || place == BODY) && leaves)
            return false;
        break;
    case SL_FLOW_RETURN:
        if (place == PROLOGUE || place == BODY)
            return false;
        break;
    }
    if (place != EPILOGUE)
        return place != PUSHED;
    /* Only an epilogue pops rbp; what was none has taken arguments of a call off the stack. */
    bool restored = reading->base_restored;
    reading->place = BODY;
    reading->base_restored = false;
    return restored && (leaves || instruction->flow == SL_FLOW_RETURN || !instruction->is_direct);
}

static bool
follow(struct reading *reading, const struct sl_instruction *instruction, size_t at, size_t size)
{
    int64_t target = (int64_t) at + instruction->target;
    bool is_inside = instruction->is_direct && target >= 0 && target < (int64_t) size;
    bool is_jump = instruction->flow == SL_FLOW_JUMP || instruction->flow == SL_FLOW_BRANCH;

    if (is_jump && is_inside && reading->place > PUSHED && target < reading->first_target)
        reading->first_target = target;
    if (!follow_effect(reading, instruction) ||
        !follow_flow(reading, instruction, instruction->is_direct && !is_inside))
        return false;
    if (reading->place == PROLOGUE && instruction->effect != SL_STACK_NONE)
        reading->prologue_end = at + instruction->length;
    return true;
}

bool sl_frame_size(const uint8_t *code, size_t size, size_t at, uint64_t *ret_size)
{
    struct reading reading = {.first_target = INT64_MAX};
    bool in_body = false;

    for (size_t now = 0; now < size;) {
        struct sl_instruction instruction;
        if (!sl_instruction_decode(code + now, size - now, &instruction) ||
            !follow(&reading, &instruction, now, size))
            return false;
        now += instruction.length;
        in_body = in_body || (now == at && reading.place == BODY);
    }
    /* A loop back into the prologue would make the frame larger each time. */
    if (!in_body || reading.first_target < (int64_t) reading.prologue_end)
        return false;
    *ret_size = reading.size;
    return true;
}
