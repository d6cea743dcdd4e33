/* SPDX-License-Identifier: Apache-2.0 */
/* Which messages of a sandbox are believed. */
#include "sl_test.h"

#include <string.h>

#include "harness/snapshot/symbol/wire.h"

static struct sl_wire_message message;

/* A message with two texts of these sizes, and how long it says that it is. */
static size_t make(uint32_t kind, uint32_t n, size_t first, size_t second)
{
    memset(&message, 0, sizeof message.head);
    message.head =
        (struct sl_wire_head){.kind = kind, .n = n, .sizes = {(uint32_t) first, (uint32_t) second}};
    if (first + second <= sizeof message.text)
        memset(message.text, 'x', first + second);
    return sizeof message.head + first + second;
}

SL_TEST(symbol_wire, answers_have_sizes_that_add_up)
{
    size_t size = make(SL_WIRE_NAMES, 1, 4, 0);

    cr_assert(sl_wire_is_answer(&message, size));
    cr_assert(!sl_wire_is_answer(&message, size - 1));
    cr_assert(!sl_wire_is_answer(&message, size + 1));
    cr_assert(!sl_wire_is_answer(&message, sizeof message.head - 1));
    message.head.sizes[0] = UINT32_MAX - 3;
    message.head.sizes[1] = 8;
    cr_assert(!sl_wire_is_answer(&message, size));
}

SL_TEST(symbol_wire, names_have_frames_and_no_more_than_there_can_be)
{
    cr_assert(!sl_wire_is_answer(&message, make(SL_WIRE_NAMES, 0, 4, 0)));
    cr_assert(sl_wire_is_answer(&message, make(SL_WIRE_NAMES, SL_MAX_INLINED + 1, 4, 0)));
    cr_assert(!sl_wire_is_answer(&message, make(SL_WIRE_NAMES, SL_MAX_INLINED + 2, 4, 0)));
    cr_assert(!sl_wire_is_answer(&message, make(SL_WIRE_NAMES, 1, 4, 1)));
}

SL_TEST(symbol_wire, texts_are_bounded_and_have_no_zeros)
{
    cr_assert(
        sl_wire_is_answer(&message, make(SL_WIRE_FRAME, 0, SL_MAX_NAME - 1, SL_MAX_FILE - 1)));
    cr_assert(!sl_wire_is_answer(&message, make(SL_WIRE_FRAME, 0, SL_MAX_NAME, 1)));
    cr_assert(!sl_wire_is_answer(&message, make(SL_WIRE_FRAME, 0, 1, SL_MAX_FILE)));
    cr_assert(!sl_wire_is_answer(&message, make(SL_WIRE_WANT, 0, SL_MAX_FILE, 0)));
    size_t size = make(SL_WIRE_WANT, 0, 10, 0);
    cr_assert(sl_wire_is_answer(&message, size));
    message.text[9] = '\0';
    cr_assert(!sl_wire_is_answer(&message, size));
}

SL_TEST(symbol_wire, questions_are_no_answers)
{
    static const uint32_t kinds[] = {0, SL_WIRE_OPEN, SL_WIRE_LOOK_UP, SL_WIRE_SPELL, SL_WIRE_FILE,
                                     99};
    for (size_t i = 0; i < SL_COUNT_OF(kinds); i++)
        cr_assert(!sl_wire_is_answer(&message, make(kinds[i], 1, 0, 0)), "%zu", i);
    cr_assert(sl_wire_is_answer(&message, make(SL_WIRE_NO_MEMORY, 0, 0, 0)));
    cr_assert(!sl_wire_is_answer(&message, make(SL_WIRE_NO_MEMORY, 0, 1, 0)));
}

SL_TEST(symbol_wire, what_is_taken_is_what_was_sent)
{
    SL_AUTO(sl_arena) struct sl_arena *arena = sl_arena_new();
    struct sl_code_names names;
    struct sl_source_frame frame;

    (void) make(SL_WIRE_NAMES, 3, 4, 0);
    message.head.address = 0x1234;
    message.head.flags = SL_WIRE_UNSIZED;
    cr_assert(sl_wire_take_names(&message, arena, &names));
    cr_assert_str_eq(names.symbol, "xxxx");
    cr_assert(names.symbol_start == 0x1234 && names.symbol_unsized && !names.too_large);
    cr_assert_eq(names.source.n, 3);
    (void) make(SL_WIRE_FRAME, 42, 2, 3);
    cr_assert(sl_wire_take_frame(&message, arena, &frame));
    cr_assert_str_eq(frame.function, "xx");
    cr_assert_str_eq(frame.place.file, "xxx");
    cr_assert_eq(frame.place.line, 42);
    (void) make(SL_WIRE_FRAME, 0, 0, 0);
    cr_assert(sl_wire_take_frame(&message, arena, &frame));
    cr_assert(!frame.function && !frame.place.file);
}
