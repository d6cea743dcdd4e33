/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/snapshot/unwind/frame_pointer.h"

#include "sl_test.h"

#define BYTES(...)                                                                                 \
    (const uint8_t[]){__VA_ARGS__}, sizeof(const uint8_t[])                                        \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }

SL_TEST(frame_pointer, every_form_of_a_call_is_one)
{
    cr_assert(sl_ends_with_call(BYTES(0xe8, 1, 2, 3, 4)));             /* call rel32 */
    cr_assert(sl_ends_with_call(BYTES(0xff, 0xd0)));                   /* call *%rax */
    cr_assert(sl_ends_with_call(BYTES(0x41, 0xff, 0xd3)));             /* call *%r11 */
    cr_assert(sl_ends_with_call(BYTES(0xff, 0x10)));                   /* call *(%rax) */
    cr_assert(sl_ends_with_call(BYTES(0xff, 0x50, 8)));                /* call *8(%rax) */
    cr_assert(sl_ends_with_call(BYTES(0xff, 0x54, 0x24, 8)));          /* call *8(%rsp) */
    cr_assert(sl_ends_with_call(BYTES(0xff, 0x14, 0xc8)));             /* call *(%rax,%rcx,8) */
    cr_assert(sl_ends_with_call(BYTES(0xff, 0x15, 1, 2, 3, 4)));       /* call *1(%rip) */
    cr_assert(sl_ends_with_call(BYTES(0xff, 0x90, 1, 2, 3, 4)));       /* call *1(%rax) */
    cr_assert(sl_ends_with_call(BYTES(0xff, 0x94, 0xc8, 1, 2, 3, 4))); /* call *1(%rax,%rcx,8) */
    cr_assert(sl_ends_with_call(BYTES(0xff, 0x14, 0x25, 1, 2, 3, 4))); /* call *1 */
}

SL_TEST(frame_pointer, what_is_no_call_is_none)
{
    cr_assert_not(sl_ends_with_call(BYTES(0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90)));
    cr_assert_not(sl_ends_with_call(BYTES(0xff, 0xe0)));                   /* jmp *%rax */
    cr_assert_not(sl_ends_with_call(BYTES(0xff, 0x30)));                   /* push (%rax) */
    cr_assert_not(sl_ends_with_call(BYTES(0xe9, 1, 2, 3, 4)));             /* jmp rel32 */
    cr_assert_not(sl_ends_with_call(BYTES(0xff, 0x15, 1, 2, 3)));          /* cut off */
    cr_assert_not(sl_ends_with_call(BYTES(0xe8, 1, 2, 3)));                /* cut off */
    cr_assert_not(sl_ends_with_call(BYTES(0xe8, 1, 2, 3, 4, 0x90, 0x90))); /* ended before */
    cr_assert_not(sl_ends_with_call(BYTES(0xff)));
    cr_assert_not(sl_ends_with_call(NULL, 0));
}

SL_TEST(frame_pointer, it_lies_in_what_is_left_of_the_stack)
{
    cr_assert(sl_may_be_frame_pointer(0x1000, 0x1000, 0x2000));
    cr_assert(sl_may_be_frame_pointer(0x1ff0, 0x1000, 0x2000));
    cr_assert_not(sl_may_be_frame_pointer(0x1ff8, 0x1000, 0x2000)); /* no room for two words */
    cr_assert_not(sl_may_be_frame_pointer(0xff8, 0x1000, 0x2000));
    cr_assert_not(sl_may_be_frame_pointer(0x2000, 0x1000, 0x2000));
    cr_assert_not(sl_may_be_frame_pointer(0x1004, 0x1000, 0x2000));
    cr_assert_not(sl_may_be_frame_pointer(0, 0x1000, 0x2000));
    cr_assert_not(sl_may_be_frame_pointer(UINT64_MAX - 7, 0, UINT64_MAX));
}
