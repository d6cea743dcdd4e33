/* SPDX-License-Identifier: Apache-2.0 */
#include "sl_test.h"

#include <stdalign.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/arena.h"
#include "base/fail.h"
#include "sl_alloc.h"

SL_TEST(arena, memory_is_zeroed_aligned_and_disjoint)
{
    SL_AUTO(sl_arena) struct sl_arena *arena = sl_arena_new();
    static unsigned char *parts[2000];

    cr_assert_not_null(arena);
    for (size_t i = 0; i < SL_COUNT_OF(parts); i++) {
        size_t size = i % 97;
        parts[i] = sl_arena_alloc(arena, size);
        cr_assert_not_null(parts[i]);
        cr_assert_eq((uintptr_t) parts[i] % alignof(max_align_t), 0);
        for (size_t k = 0; k < size; k++)
            cr_assert_eq(parts[i][k], 0);
        memset(parts[i], (int) (i % 255 + 1), size);
    }
    for (size_t i = 0; i < SL_COUNT_OF(parts); i++) {
        for (size_t k = 0; k < i % 97; k++)
            cr_assert_eq(parts[i][k], i % 255 + 1, "another part was written over this one");
    }
}

SL_TEST(arena, nothing_asked_for_is_still_a_pointer_of_its_own)
{
    SL_AUTO(sl_arena) struct sl_arena *arena = sl_arena_new();
    void *first = sl_arena_alloc(arena, 0);
    void *second = sl_arena_alloc(arena, 0);
    cr_assert_not_null(first);
    cr_assert_not_null(second);
    cr_assert_neq(first, second);
}

SL_TEST(arena, what_is_larger_than_a_block_does_not_end_the_block_being_filled)
{
    SL_AUTO(sl_arena) struct sl_arena *arena = sl_arena_new();
    char *before = sl_arena_alloc(arena, 16);
    char *large = sl_arena_alloc(arena, 1 << 20);
    char *after = sl_arena_alloc(arena, 16);

    cr_assert(before && large && after);
    memset(large, 1, 1 << 20);
    cr_assert_eq(after, before + 16);
}

SL_TEST(arena, sizes_that_overflow_are_refused)
{
    SL_AUTO(sl_arena) struct sl_arena *arena = sl_arena_new();
    cr_assert_null(sl_arena_alloc(arena, SIZE_MAX));
    cr_assert_null(sl_arena_alloc(arena, SIZE_MAX - 20));
    cr_assert_null(sl_arena_array(arena, SIZE_MAX / 2, 3));
    cr_assert_eq(sl_arena_used(arena), 0, "what was refused is not counted");
    cr_assert_not_null(sl_arena_array(arena, 3, 5));
    cr_assert_not_null(sl_arena_array(arena, 7, 0));
}

SL_TEST(arena, strings_are_copied_and_no_string_stays_none)
{
    SL_AUTO(sl_arena) struct sl_arena *arena = sl_arena_new();
    char text[] = "pull loop";
    char *copy = sl_arena_strdup(arena, text);

    text[0] = 'f';
    cr_assert_str_eq(copy, "pull loop");
    cr_assert_null(sl_arena_strdup(arena, NULL));
    cr_assert_str_eq(sl_arena_printf(arena, "%s-%d", "worker", 1023), "worker-1023");
    cr_assert_str_eq(sl_arena_printf(arena, "%s", ""), "");
}

SL_TEST(arena, freeing_no_arena_does_nothing)
{
    sl_arena_free(NULL);
}

static enum sl_status attempt_three_blocks(void *user, struct sl_error *err)
{
    (void) user;
    SL_AUTO(sl_arena) struct sl_arena *arena = sl_arena_new();
    for (size_t i = 0; i < 3; i++) {
        if (!arena || !sl_arena_alloc(arena, 100000))
            return sl_fail(err, SL_ENOMEM, "out of memory");
    }
    cr_assert_geq(sl_arena_used(arena), 300000);
    return SL_OK;
}

SL_TEST(arena, failed_allocations_give_no_memory_and_leak_none)
{
    cr_assert_eq(sl_alloc_fail_each(SL_ALLOC_ONE, attempt_three_blocks, NULL), 4);
}
