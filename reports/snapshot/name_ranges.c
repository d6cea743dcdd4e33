/* SPDX-License-Identifier: Apache-2.0 */
#include "reports/snapshot/name_ranges.h"

#include <stdlib.h>
#include <string.h>

#include "reports/format.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static const char *skip_digits(const char *text)
{
    while (is_digit(*text))
        text++;
    return text;
}

/* Order of two names with every number read as the same. */
static int compare_patterns(const char *a, const char *b)
{
    while (*a && *b) {
        if (is_digit(*a) && is_digit(*b)) {
            a = skip_digits(a);
            b = skip_digits(b);
            continue;
        }
        if (is_digit(*a) != is_digit(*b))
            return is_digit(*a) ? -1 : 1;
        if (*a != *b)
            break;
        a++;
        b++;
    }
    return (unsigned char) *a - (unsigned char) *b;
}

/* Order of two numbers of any length, by value. */
static int compare_numbers(const char *a, const char *b)
{
    a += strspn(a, "0");
    b += strspn(b, "0");
    size_t size_a = (size_t) (skip_digits(a) - a), size_b = (size_t) (skip_digits(b) - b);
    if (size_a != size_b)
        return size_a < size_b ? -1 : 1;
    return memcmp(a, b, size_a);
}

/* Names of one pattern lie together, ordered by their numbers from left to right. */
static int compare_names(const void *left, const void *right)
{
    const char *a = *(const char *const *) left, *b = *(const char *const *) right;
    int order = compare_patterns(a, b);

    for (const char *at_a = a, *at_b = b; !order && *at_a && *at_b;) {
        if (!is_digit(*at_a)) {
            at_a++;
            at_b++;
            continue;
        }
        order = compare_numbers(at_a, at_b);
        at_a = skip_digits(at_a);
        at_b = skip_digits(at_b);
    }
    return order ? order : strcmp(a, b);
}

static const char *say_range(struct sl_arena *arena, const char *const *names, size_t n)
{
    const char *first = sl_format_printable(arena, names[0]);
    const char *last = sl_format_printable(arena, names[n - 1]);
    if (!first || !last || n == 1)
        return first;
    if (strcmp(names[0], names[n - 1]) == 0)
        return sl_arena_printf(arena, "%s (%zu)", first, n);
    return sl_arena_printf(arena, "%s ... %s (%zu)", first, last, n);
}

/* How many of the names, from the first on, have one pattern. */
static size_t count_alike(const char *const *names, size_t n)
{
    size_t alike = 1;
    while (alike < n && compare_patterns(names[0], names[alike]) == 0)
        alike++;
    return alike;
}

/* As those of a pool that names none of its threads: there is nothing to sort. */
static bool are_equal(const char *const *names, size_t n)
{
    for (size_t i = 1; i < n; i++)
        if (strcmp(names[0], names[i]) != 0)
            return false;
    return true;
}

bool sl_name_ranges(struct sl_arena *arena, const char **names, size_t n,
                    const char *const **ret_ranges, size_t *ret_n_ranges)
{
    size_t n_ranges = 0;

    if (!are_equal(names, n))
        qsort(names, n, sizeof *names, compare_names);
    for (size_t i = 0; i < n; i += count_alike(names + i, n - i))
        n_ranges++;
    const char **ranges = sl_arena_array(arena, n_ranges, sizeof *ranges);
    if (!ranges)
        return false;
    for (size_t i = 0, r = 0; i < n; r++) {
        size_t alike = count_alike(names + i, n - i);
        ranges[r] = say_range(arena, names + i, alike);
        if (!ranges[r])
            return false;
        i += alike;
    }
    *ret_ranges = ranges;
    *ret_n_ranges = n_ranges;
    return true;
}
