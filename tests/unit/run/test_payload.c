/* SPDX-License-Identifier: Apache-2.0 */
#include "sl_test.h"

#include <string.h>

#include "base/macros.h"
#include "harness/load/payload.h"
#include "scenarios/scenario.h"

static const struct sl_payload usual = {
    .trial = 77, .intended_ns = 123456789, .index = 41, .topic = 3, .key = 17, .sequence = 5};

SL_TEST(payload, what_was_written_is_read_back)
{
    static const size_t sizes[] = {SL_PAYLOAD_MIN, 65, 71, 256, 4096};
    for (size_t i = 0; i < SL_COUNT_OF(sizes); i++) {
        struct sl_error err = {0};
        struct sl_payload got;
        unsigned char data[4096];
        sl_payload_write(&usual, data, sizes[i]);
        sl_assert_ok(sl_payload_read(77, data, sizes[i], &got, &err), &err);
        cr_assert_eq(memcmp(&got, &usual, sizeof got), 0);
    }
}

SL_TEST(payload, any_changed_bit_is_noticed)
{
    unsigned char data[253]; /* the last bytes are no whole word */
    sl_payload_write(&usual, data, sizeof data);
    for (size_t bit = 0; bit < sizeof data * 8; bit++) {
        struct sl_payload got;
        data[bit / 8] ^= (unsigned char) (1 << bit % 8);
        cr_assert_eq(sl_payload_read(77, data, sizeof data, &got, NULL), SL_EPROTO, "bit %zu", bit);
        data[bit / 8] ^= (unsigned char) (1 << bit % 8);
    }
}

SL_TEST(payload, any_other_size_is_noticed)
{
    unsigned char data[512] = {0};
    sl_payload_write(&usual, data, 256);
    for (size_t size = 0; size < sizeof data; size++) {
        struct sl_payload got;
        enum sl_status s = sl_payload_read(77, data, size, &got, NULL);
        cr_assert_eq(s, size == 256 ? SL_OK : SL_EPROTO, "%zu bytes", size);
    }
}

SL_TEST(payload, messages_of_others_are_foreign)
{
    struct sl_error err = {0}, other_err = {0};
    struct sl_payload got;
    unsigned char data[64] = "hello";
    sl_assert_fails(sl_payload_read(77, data, sizeof data, &got, &err), SL_EPROTO, &err,
                    "foreign message of 64 bytes");
    sl_payload_write(&usual, data, sizeof data);
    sl_assert_fails(sl_payload_read(78, data, sizeof data, &got, &other_err), SL_EPROTO, &other_err,
                    "of another trial");
}
