/* SPDX-License-Identifier: Apache-2.0 */
#include "sl_test.h"

#include <string.h>

#include "base/fail.h"
#include "base/macros.h"
#include "base/pack.h"
#include "sl_alloc.h"

static const uint64_t numbers[] = {
    0, 1, 127, 128, 16383, 16384, UINT32_MAX, INT64_MAX, UINT64_MAX, 1ull << 63, (1ull << 63) + 1};

SL_TEST(pack, what_is_packed_comes_back_in_order)
{
    SL_CLEANUP(sl_packer_release) struct sl_packer packer = {0};
    char text[16];

    for (size_t i = 0; i < SL_COUNT_OF(numbers); i++)
        sl_pack_number(&packer, numbers[i]);
    sl_pack_text(&packer, "caf\xc3\xa9");
    sl_pack_bytes(&packer, "\0\1", 2);
    cr_assert_not(packer.failed);

    struct sl_unpacker unpacker = {.at = packer.data, .left = packer.size};
    for (size_t i = 0; i < SL_COUNT_OF(numbers); i++)
        cr_assert_eq(sl_unpack_number(&unpacker, 0, UINT64_MAX), numbers[i]);
    sl_unpack_text(&unpacker, text, sizeof text);
    cr_assert_str_eq(text, "caf\xc3\xa9");
    cr_assert_not(sl_unpack_ends(&unpacker), "two bytes are left");
    cr_assert_eq(memcmp(sl_unpack_bytes(&unpacker, 2), "\0\1", 2), 0);
    cr_assert(sl_unpack_ends(&unpacker));
}

static enum sl_status attempt_to_pack(void *user, struct sl_error *err)
{
    SL_CLEANUP(sl_packer_release) struct sl_packer packer = {0};

    (void) user;
    for (uint64_t i = 0; i < 100; i++)
        sl_pack_number(&packer, i);
    sl_pack_text(&packer, "");
    if (packer.failed)
        return sl_fail(err, SL_ENOMEM, "out of memory");
    cr_assert_eq(packer.size, 101);
    return SL_OK;
}

SL_TEST(pack, memory_that_was_short_once_is_not_forgotten)
{
    cr_assert_gt(sl_alloc_fail_each(SL_ALLOC_ONE, attempt_to_pack, NULL), 1);
}

static bool reads_number(const char *bytes, size_t size)
{
    struct sl_unpacker unpacker = {.at = (const unsigned char *) bytes, .left = size};
    (void) sl_unpack_number(&unpacker, 0, UINT64_MAX);
    return !unpacker.failed;
}

SL_TEST(pack, a_number_has_one_form_only_and_no_more_than_64_bits)
{
    cr_assert(reads_number("\x7f", 1));
    cr_assert(reads_number("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10));
    cr_assert_not(reads_number("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 10), "65 bits");
    cr_assert_not(reads_number("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", 11));
    cr_assert_not(reads_number("\x81\x00", 2), "1 with a zero at its end");
    cr_assert_not(reads_number("\x81", 1), "it goes on");
    cr_assert_not(reads_number("", 0));
}

SL_TEST(pack, what_is_out_of_its_range_fails_and_failure_sticks)
{
    const unsigned char bytes[] = {5, 3, 'a', 'b'};
    struct sl_unpacker unpacker = {.at = bytes, .left = sizeof bytes};
    char text[8] = "before";

    cr_assert_eq(sl_unpack_number(&unpacker, 6, 9), 6);
    cr_assert(unpacker.failed);
    sl_unpack_text(&unpacker, text, sizeof text);
    cr_assert_str_eq(text, "");
    cr_assert_null(sl_unpack_bytes(&unpacker, 0));

    struct sl_unpacker cut = {.at = bytes + 1, .left = 3};
    sl_unpack_text(&cut, text, sizeof text);
    cr_assert(cut.failed, "a text of 3 bytes of which 2 are there");
    struct sl_unpacker few = {.at = bytes, .left = 2};
    cr_assert_null(sl_unpack_bytes(&few, 3));
    cr_assert(few.failed);
    struct sl_unpacker nul = {.at = (const unsigned char *) "\2a", .left = 3};
    sl_unpack_text(&nul, text, sizeof text);
    cr_assert(nul.failed, "a NUL within a text");
    struct sl_unpacker filled = {.at = (const unsigned char *) "\2ab", .left = 3};
    sl_unpack_text(&filled, text, 3);
    cr_assert(sl_unpack_ends(&filled));
    cr_assert_str_eq(text, "ab");
    struct sl_unpacker lowest = {.at = (const unsigned char *) "\6\11", .left = 2};
    cr_assert_eq(sl_unpack_number(&lowest, 6, 9), 6);
    cr_assert_eq(sl_unpack_number(&lowest, 6, 9), 9);
    cr_assert(sl_unpack_ends(&lowest));
    struct sl_unpacker wide = {.at = (const unsigned char *) "\2ab", .left = 3};
    sl_unpack_text(&wide, text, 2);
    cr_assert(wide.failed, "no room for its end");
}
