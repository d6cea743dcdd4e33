/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/snapshot/unwind/frame_pointer.h"

#include "harness/snapshot/unwind/instruction.h"

bool sl_ends_with_call(const uint8_t *code, size_t size)
{
    for (size_t length = 2; length <= SL_CALL_MAX && length <= size; length++) {
        struct sl_instruction call;
        if (sl_instruction_decode(code + size - length, length, &call) && call.length == length &&
            call.flow == SL_FLOW_CALL && call.effect == SL_STACK_NONE)
            return true;
    }
    return false;
}

bool sl_may_be_frame_pointer(uint64_t rbp, uint64_t sp, uint64_t stack_end)
{
    return rbp % sizeof rbp == 0 && rbp >= sp && rbp < stack_end &&
           stack_end - rbp >= 2 * sizeof rbp;
}
