/* SPDX-License-Identifier: Apache-2.0 */
#include "sl_test.h"

#include <string.h>

#include "base/macros.h"
#include "base/nearest.h"

static const char *const words[] = {"memory", "nats", "pool-not-stopped", "lose", "loss"};

static const char *near(const char *word)
{
    return sl_nearest(word, words, SL_COUNT_OF(words));
}

SL_TEST(nearest, a_letter_more_less_other_or_in_the_other_order_is_near)
{
    cr_assert_str_eq(near("memry"), "memory");
    cr_assert_str_eq(near("memoryy"), "memory");
    cr_assert_str_eq(near("nets"), "nats");
    cr_assert_str_eq(near("nast"), "nats");
    cr_assert_str_eq(near("pool-not-stoped"), "pool-not-stopped");
}

SL_TEST(nearest, what_is_far_or_as_near_to_two_means_nothing)
{
    cr_assert_null(near("kafka"));
    cr_assert_null(near(""));
    cr_assert_null(near("losl"), "lose and loss are one letter away");
    cr_assert_null(sl_nearest("memory", words, 0));
}

SL_TEST(nearest, a_third_of_the_letters_may_be_wrong_and_one_of_a_short_word)
{
    static const char *const one[] = {"abcdef"}, *const tiny[] = {"ab"};

    cr_assert_str_eq(sl_nearest("abcdxy", one, 1), "abcdef");
    cr_assert_null(sl_nearest("abcxyz", one, 1));
    cr_assert_str_eq(sl_nearest("badcef", one, 1), "abcdef", "two pairs that changed places");
    cr_assert_str_eq(sl_nearest("ax", tiny, 1), "ab");
    cr_assert_str_eq(sl_nearest("ba", tiny, 1), "ab");
    cr_assert_null(sl_nearest("xy", tiny, 1));
}

SL_TEST(nearest, words_up_to_63_letters_are_compared)
{
    char word[65], other[65];

    memset(word, 'm', sizeof word);
    word[63] = '\0';
    memcpy(other, word, sizeof word);
    other[62] = 'n';
    const char *const longest[] = {word};
    cr_assert_eq(sl_nearest(other, longest, 1), word);
    word[63] = other[63] = 'm';
    word[64] = other[64] = '\0';
    cr_assert_null(sl_nearest(other, longest, 1));
}

SL_TEST(nearest, a_word_of_any_length_is_looked_at_safely)
{
    char word[300];
    memset(word, 'm', sizeof word - 1);
    word[sizeof word - 1] = '\0';
    cr_assert_null(near(word));
    const char *const longs[] = {word};
    cr_assert_null(sl_nearest("m", longs, 1));
}
