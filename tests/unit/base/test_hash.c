/* SPDX-License-Identifier: Apache-2.0 */
#include "sl_test.h"

#include "base/hash.h"

SL_TEST(hash, the_published_vectors_of_fnv_1a_hold)
{
    cr_assert_eq(sl_fnv32(SL_FNV32_BASIS, "", 0), 0x811c9dc5);
    cr_assert_eq(sl_fnv32(SL_FNV32_BASIS, "a", 1), 0xe40c292c);
    cr_assert_eq(sl_fnv32(SL_FNV32_BASIS, "foobar", 6), 0xbf9cf968);
    cr_assert_eq(sl_fnv64(SL_FNV64_BASIS, "", 0), 0xcbf29ce484222325);
    cr_assert_eq(sl_fnv64(SL_FNV64_BASIS, "a", 1), 0xaf63dc4c8601ec8c);
    cr_assert_eq(sl_fnv64(SL_FNV64_BASIS, "foobar", 6), 0x85944171f73967e8);
}

SL_TEST(hash, parts_one_after_the_other_give_the_hash_of_the_whole)
{
    cr_assert_eq(sl_fnv32(sl_fnv32(SL_FNV32_BASIS, "foo", 3), "bar", 3), 0xbf9cf968);
    cr_assert_eq(sl_fnv64(sl_fnv64(SL_FNV64_BASIS, "foo", 3), "bar", 3), 0x85944171f73967e8);
}
