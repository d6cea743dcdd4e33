/* SPDX-License-Identifier: Apache-2.0 */
#include "base/nearest.h"

#include <string.h>

#include "base/macros.h"

#define MAX_LENGTH 63

/* Letters to insert, remove or replace until `left` is `right`; neighbours that changed places
   count as one. */
static size_t distance(const char *left, size_t n_left, const char *right, size_t n_right)
{
    size_t rows[3][MAX_LENGTH + 1];
    size_t *before = rows[0], *above = rows[1], *row = rows[2];

    for (size_t j = 0; j <= n_right; j++)
        above[j] = j;
    for (size_t i = 1; i <= n_left; i++) {
        row[0] = i;
        for (size_t j = 1; j <= n_right; j++) {
            size_t replaced = above[j - 1] + (left[i - 1] != right[j - 1]);
            row[j] = SL_MIN(replaced, SL_MIN(above[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1])
                row[j] = SL_MIN(row[j], before[j - 2] + 1);
        }
        size_t *free_row = before;
        before = above;
        above = row;
        row = free_row;
    }
    return above[n_right];
}

const char *sl_nearest(const char *word, const char *const *words, size_t n_words)
{
    size_t length = strlen(word), best = SL_MAX(length / 3, 1) + 1;
    const char *nearest = NULL;

    for (size_t i = 0; length <= MAX_LENGTH && i < n_words; i++) {
        size_t n = strlen(words[i]);
        size_t away = n <= MAX_LENGTH ? distance(word, length, words[i], n) : best;
        if (away == best)
            nearest = NULL; /* two are equally near */
        if (away < best) {
            best = away;
            nearest = words[i];
        }
    }
    return nearest;
}
