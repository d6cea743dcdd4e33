/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/snapshot/unwind/frame_pointer.h"

/* Length of "FF /2" (call r/m64) with these bytes behind the opcode; 0: another instruction. */
static size_t indirect_call_size(const uint8_t *operand, size_t size)
{
    if (size < 1 || (operand[0] >> 3 & 7) != 2)
        return 0;
    unsigned mode = operand[0] >> 6, base = operand[0] & 7;
    bool scaled = mode != 3 && base == 4;
    if (scaled && size < 2)
        return 0;
    size_t displacement = mode == 1 ? 1 : mode == 2 ? 4 : 0;
    if (mode == 0 && (scaled ? operand[1] & 7 : base) == 5)
        displacement = 4;
    return 2 + scaled + displacement;
}

bool sl_ends_with_call(const uint8_t *code, size_t size)
{
    if (size >= 5 && code[size - 5] == 0xe8)
        return true;
    for (size_t length = 2; length <= SL_CALL_MAX && length <= size; length++) {
        const uint8_t *call = code + size - length;
        if (call[0] == 0xff && indirect_call_size(call + 1, length - 1) == length)
            return true;
    }
    return false;
}

bool sl_may_be_frame_pointer(uint64_t rbp, uint64_t sp, uint64_t stack_end)
{
    return rbp % sizeof rbp == 0 && rbp >= sp && rbp < stack_end &&
           stack_end - rbp >= 2 * sizeof rbp;
}
