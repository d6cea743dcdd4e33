/* SPDX-License-Identifier: Apache-2.0 */
/* Which functions tell by their code where their frame pointer points, and which do not. */
#include "sl_test.h"

#include "base/macros.h"
#include "harness/snapshot/unwind/frame_size.h"
#include "harness/snapshot/unwind/instruction.h"

#define PUSH_RBP 0x55
#define SET_BASE 0x48, 0x89, 0xe5
#define PUSH_RBX 0x53
#define SUB_24   0x48, 0x83, 0xec, 0x18
#define PROLOGUE PUSH_RBP, SET_BASE, PUSH_RBX, SUB_24 /* 9 bytes, a frame of 32 */
#define CALL     0xe8, 0, 0x10, 0, 0                  /* 5 bytes */
#define LEAVE    0xc9
#define RET      0xc3

/* The code, and the offset behind its call; 0 when nothing is to be known of it. */
struct function {
    const char *what;
    uint8_t code[32];
    size_t size, at;
};

#define FUNCTION(what_, at_, ...)                                                                  \
    {                                                                                              \
        .what = (what_), .code = {__VA_ARGS__}, .size = sizeof((uint8_t[]){__VA_ARGS__}),          \
        .at = (at_)                                                                                \
    }

static const struct function known[] = {
    FUNCTION("one call", 14, PROLOGUE, CALL, LEAVE, RET),
    FUNCTION("a call that never returns", 14, PROLOGUE, CALL),
    FUNCTION("the other way to set rbp", 14, PUSH_RBP, 0x48, 0x8b, 0xec, PUSH_RBX, SUB_24, CALL,
             LEAVE, RET),
    FUNCTION("registers popped one by one", 14, PROLOGUE, CALL, 0x48, 0x83, 0xc4, 0x18, 0x5b, 0x5d,
             RET),
    FUNCTION("rsp set from rbp", 14, PROLOGUE, CALL, 0x48, 0x8d, 0x65, 0xf8, 0x5b, 0x5d, RET),
    FUNCTION("a return before the frame is made", 20, 0x85, 0xff, 0x75, 1, RET, PROLOGUE, 0x90,
             0xe8, 0, 0, 0, 0, LEAVE, RET),
    FUNCTION("two returns", 19, PROLOGUE, 0x85, 0xff, 0x75, 2, LEAVE, RET, 0x0f, 5, 0x66, 0x90,
             LEAVE, RET),
    FUNCTION("a jump to another function at the end", 14, PROLOGUE, CALL, LEAVE, 0xe9, 0, 1, 0, 0),
    FUNCTION("a loop in the body", 14, PROLOGUE, CALL, 0x75, 0xf9, LEAVE, RET),
};

static const struct function unknown[] = {
    FUNCTION("no frame pointer", 8, PUSH_RBX, 0x31, 0xc0, CALL, 0x5b, RET),
    FUNCTION("rbp set before it was pushed", 13, SET_BASE, PUSH_RBP, SUB_24, CALL, LEAVE, RET),
    FUNCTION("room of a size found out later", 17, PROLOGUE, 0x48, 0x29, 0xc4, CALL, LEAVE, RET),
    FUNCTION("a frame aligned anew", 18, PROLOGUE, 0x48, 0x83, 0xe4, 0xc0, CALL, LEAVE, RET),
    FUNCTION("room made behind a branch", 20, PROLOGUE, 0x75, 4, SUB_24, 0x90, CALL, LEAVE, RET),
    FUNCTION("an argument pushed behind a call", 20, PROLOGUE, CALL, 0x57, CALL, LEAVE, RET),
    FUNCTION("arguments taken off the stack", 14, PROLOGUE, CALL, 0x48, 0x83, 0xc4, 8, RET),
    FUNCTION("a branch out of the function", 16, PROLOGUE, 0x75, 0x7f, CALL, LEAVE, RET),
    FUNCTION("a jump out of the body", 14, PROLOGUE, CALL, 0xe9, 0, 1, 0, 0),
    FUNCTION("a loop that makes room each time", 16, PROLOGUE, 0x75, 0xfa, CALL, LEAVE, RET),
    FUNCTION("the place is in the epilogue", 15, PROLOGUE, CALL, LEAVE, RET),
    FUNCTION("the place is in an instruction", 12, PROLOGUE, CALL, LEAVE, RET),
    FUNCTION("a return with the frame in place", 14, PROLOGUE, CALL, RET),
    FUNCTION("bytes that are no instruction", 14, PROLOGUE, CALL, 0x06, LEAVE, RET),
    FUNCTION("an instruction cut off", 14, PROLOGUE, CALL, 0xe8, 0, 0),
};

SL_TEST(frame_size, straight_code_tells_it)
{
    for (size_t i = 0; i < SL_COUNT_OF(known); i++) {
        const struct function *function = &known[i];
        uint64_t size = 0;
        cr_assert(sl_frame_size(function->code, function->size, function->at, &size), "%s",
                  function->what);
        cr_assert_eq(size, 32, "%s", function->what);
    }
}

SL_TEST(frame_size, it_is_not_known_where_the_stack_pointer_may_have_moved)
{
    for (size_t i = 0; i < SL_COUNT_OF(unknown); i++) {
        const struct function *function = &unknown[i];
        uint64_t size;
        cr_assert_not(sl_frame_size(function->code, function->size, function->at, &size), "%s",
                      function->what);
    }
}

SL_TEST(frame_size, instructions_have_their_length)
{
    static const struct {
        size_t length;
        uint8_t code[15];
    } cases[] = {
        {1, {0x90}},
        {7, {0x48, 0x8b, 0x05, 1, 2, 3, 4}},        /* relative to the PC */
        {8, {0x48, 0x8b, 0x84, 0x24, 1, 2, 3, 4}},  /* SIB and displacement */
        {8, {0x48, 0x8b, 0x04, 0x25, 1, 2, 3, 4}},  /* SIB without a base */
        {10, {0x48, 0xb8, 1, 2, 3, 4, 5, 6, 7, 8}}, /* eight bytes */
        {5, {0x66, 0xc7, 0x00, 1, 2}},              /* two bytes */
        {3, {0xf6, 0xc1, 1}},                       /* test has one more */
        {2, {0xf6, 0xd1}},                          /* than not */
        {8, {0x66, 0x66, 0x48, 0xe8, 1, 2, 3, 4}},  /* prefixes without effect */
        {5, {0xc4, 0xe2, 0x69, 0xf7, 0xc1}},        /* VEX */
        {3, {0xc5, 0xf8, 0x77}},
        {7, {0x62, 0xf1, 0x7c, 0x48, 0x10, 0x47, 1}}, /* EVEX */
        {6, {0x66, 0x0f, 0x3a, 0x16, 0xc0, 1}},       /* three bytes of opcode */
        {9, {0x66, 0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0}}, /* nop */
        {15, {0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x2e, 0x0f, 0x1f, 0x84, 0, 1, 2, 3, 4}},
    };
    for (size_t i = 0; i < SL_COUNT_OF(cases); i++) {
        struct sl_instruction instruction;
        size_t expected = cases[i].length;
        cr_assert(sl_instruction_decode(cases[i].code, sizeof cases[i].code, &instruction), "%zu",
                  i);
        cr_assert_eq(instruction.length, expected, "%zu: %zu", i, instruction.length);
        for (size_t size = 0; size < expected; size++) /* cut off it is none */
            cr_assert_not(sl_instruction_decode(cases[i].code, size, &instruction), "%zu", i);
    }
}
