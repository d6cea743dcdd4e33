/* SPDX-License-Identifier: Apache-2.0 */
#include "sl_test.h"

#include "base/fail.h"
#include "harness/model/group_diff.h"
#include "sl_alloc.h"

#define LIST(...)                                                                                  \
    {                                                                                              \
        (const struct sl_group_count[]){__VA_ARGS__},                                              \
            SL_COUNT_OF(((const struct sl_group_count[]){__VA_ARGS__}))                            \
    }
#define NO_LIST                                                                                    \
    {                                                                                              \
        NULL, 0                                                                                    \
    }
#define ABSENT    SL_GROUP_ABSENT
#define LISTS_MAX 4

struct expectation {
    const char *fingerprint;
    enum sl_diff_kind change;
    struct sl_group_point points[LISTS_MAX];
};

static void assert_diff(const struct sl_group_list *lists, size_t n_lists,
                        const struct expectation *expected, size_t n_expected)
{
    SL_AUTO(sl_arena) struct sl_arena *arena = sl_arena_new();
    const struct sl_group_series *series = NULL;
    size_t n = SIZE_MAX;

    cr_assert(arena && sl_group_diff(lists, n_lists, arena, &series, &n));
    cr_assert_eq(n, n_expected, "%zu fingerprints", n);
    for (size_t i = 0; i < n; i++) {
        const char *name = expected[i].fingerprint;
        cr_assert_str_eq(series[i].fingerprint, name);
        cr_assert_eq(series[i].change, expected[i].change, "%s: change %d", name,
                     (int) series[i].change);
        for (size_t j = 0; j < n_lists; j++) {
            cr_assert_eq(series[i].points[j].count, expected[i].points[j].count,
                         "%s: count in list %zu", name, j);
            cr_assert_eq(series[i].points[j].index, expected[i].points[j].index,
                         "%s: index in list %zu", name, j);
        }
    }
}

#define ASSERT_DIFF(lists, expected)                                                               \
    assert_diff(lists, SL_COUNT_OF(lists), expected, SL_COUNT_OF(expected))

static const struct sl_group_list two[] = {
    LIST({"stays", 4}, {"shrinks", 3}, {"goes", 2}, {"grows", 1}),
    LIST({"grows", 9}, {"comes", 5}, {"stays", 4}, {"shrinks", 1}),
};

SL_TEST(group_diff, each_fingerprint_of_two_lists_has_its_change_counts_and_places)
{
    static const struct expectation expected[] = {
        {"comes", SL_DIFF_APPEARED, {{0, ABSENT}, {5, 1}}},
        {"goes", SL_DIFF_GONE, {{2, 2}, {0, ABSENT}}},
        {"grows", SL_DIFF_GREW, {{1, 3}, {9, 0}}},
        {"shrinks", SL_DIFF_SHRANK, {{3, 1}, {1, 3}}},
        {"stays", SL_DIFF_SAME, {{4, 0}, {4, 2}}},
    };
    ASSERT_DIFF(two, expected);
}

SL_TEST(group_diff, a_group_that_grows_in_every_step_has_every_count)
{
    const struct sl_group_list lists[] = {
        LIST({"leaks", 1}, {"pool", 8}),
        LIST({"pool", 9}, {"leaks", 2}),
        LIST({"pool", 8}, {"late", 1}, {"leaks", 3}),
    };
    static const struct expectation expected[] = {
        {"late", SL_DIFF_APPEARED, {{0, ABSENT}, {0, ABSENT}, {1, 1}}},
        {"leaks", SL_DIFF_GREW, {{1, 0}, {2, 1}, {3, 2}}},
        {"pool", SL_DIFF_SAME, {{8, 1}, {9, 0}, {8, 0}}},
    };
    ASSERT_DIFF(lists, expected);
}

SL_TEST(group_diff, what_came_and_went_in_between_is_gone)
{
    const struct sl_group_list lists[] = {LIST({"pauses", 1}), LIST({"visits", 2}),
                                          LIST({"visits", 2}), LIST({"pauses", 2})};
    static const struct expectation expected[] = {
        {"pauses", SL_DIFF_GREW, {{1, 0}, {0, ABSENT}, {0, ABSENT}, {2, 0}}},
        {"visits", SL_DIFF_GONE, {{0, ABSENT}, {2, 0}, {2, 0}, {0, ABSENT}}},
    };
    ASSERT_DIFF(lists, expected);
}

SL_TEST(group_diff, weights_of_one_fingerprint_add_up_at_the_place_of_its_first)
{
    const struct sl_group_list lists[] = {
        LIST({"many", UINT32_MAX}, {"one", 1}, {"many", UINT32_MAX}),
        LIST({"one", 2}, {"many", 1}, {"many", UINT32_MAX}, {"many", 1}),
    };
    const uint64_t most = UINT32_MAX;
    const struct expectation expected[] = {
        {"many", SL_DIFF_SHRANK, {{2 * most, 0}, {most + 2, 1}}},
        {"one", SL_DIFF_GREW, {{1, 1}, {2, 0}}},
    };
    ASSERT_DIFF(lists, expected);
}

SL_TEST(group_diff, a_group_that_is_listed_with_no_thread_is_not_absent)
{
    const struct sl_group_list lists[] = {LIST({"idle", 0}), LIST({"idle", 0})};
    static const struct expectation expected[] = {{"idle", SL_DIFF_SAME, {{0, 0}, {0, 0}}}};
    ASSERT_DIFF(lists, expected);
}

SL_TEST(group_diff, a_list_may_be_empty)
{
    const struct sl_group_list none[] = {NO_LIST, NO_LIST, NO_LIST};
    const struct sl_group_list first[] = {NO_LIST, LIST({"a", 1})};
    const struct sl_group_list last[] = {LIST({"a", 1}), NO_LIST};
    static const struct expectation appeared[] = {{"a", SL_DIFF_APPEARED, {{0, ABSENT}, {1, 0}}}};
    static const struct expectation gone[] = {{"a", SL_DIFF_GONE, {{1, 0}, {0, ABSENT}}}};

    assert_diff(none, SL_COUNT_OF(none), NULL, 0);
    ASSERT_DIFF(first, appeared);
    ASSERT_DIFF(last, gone);
}

static enum sl_status diff_once(void *user, struct sl_error *err)
{
    SL_AUTO(sl_arena) struct sl_arena *arena = sl_arena_new();
    const struct sl_group_series *series = NULL;
    size_t n = 0;

    (void) user;
    return arena && sl_group_diff(two, SL_COUNT_OF(two), arena, &series, &n)
               ? SL_OK
               : sl_fail(err, SL_ENOMEM, "out of memory for a test");
}

SL_TEST(group_diff, memory_that_is_short_is_told)
{
    cr_assert_gt(sl_alloc_fail_each(SL_ALLOC_ONE, diff_once, NULL), 0);
}
