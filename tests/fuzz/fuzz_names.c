/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers of a sandbox that is in the hands of the file it reads: an input is a row of messages,
 * each behind its size in two bytes.  Whatever they say, names and places of source have an end and
 * a bound, and there are as many frames as can be.
 */
#include <stdint.h>
#include <string.h>

#include "base/macros.h"
#include "harness/snapshot/symbol/wire.h"
#include "require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct sl_wire_message message;

static void check(struct sl_arena *arena)
{
    struct sl_code_names names;
    struct sl_source_frame frame;

    if (message.head.kind == SL_WIRE_NAMES) {
        require(sl_wire_take_names(&message, arena, &names), "there is memory");
        require(names.source.n >= 1 && names.source.n <= SL_COUNT_OF(names.source.frames),
                "frames have room");
        require(!names.symbol || (*names.symbol && strlen(names.symbol) < SL_MAX_NAME),
                "a symbol has a bound");
    } else if (message.head.kind == SL_WIRE_FRAME) {
        require(sl_wire_take_frame(&message, arena, &frame), "there is memory");
        require(!frame.function || (*frame.function && strlen(frame.function) < SL_MAX_NAME),
                "a name has a bound");
        require(!frame.place.file || (*frame.place.file && strlen(frame.place.file) < SL_MAX_FILE),
                "a file has a bound");
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    SL_AUTO(sl_arena) struct sl_arena *arena = sl_arena_new();

    require(arena, "there is memory");
    while (size >= 2) {
        size_t length = SL_MIN((size_t) data[0] | (size_t) data[1] << 8, size - 2);
        length = SL_MIN(length, sizeof message);
        memset(&message, 0xaa, sizeof message); /* what is behind it is not zero */
        memcpy(&message, data + 2, length);
        if (sl_wire_is_answer(&message, length))
            check(arena);
        data += 2 + length;
        size -= 2 + length;
    }
    return 0;
}
