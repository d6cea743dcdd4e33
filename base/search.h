/* SPDX-License-Identifier: Apache-2.0 */
/* Binary search in sorted arrays, when what is looked for is a range or a place. */
#ifndef SL_BASE_SEARCH_H
#define SL_BASE_SEARCH_H

#include <stddef.h>

/*
 * How many of n sorted elements come before a place: the index of the first that does not.
 *
 * @param i       name of the index in `before`
 * @param before  expression, true for the elements before the place and false for the rest
 */
#define SL_PARTITION_POINT(n, i, before)                                                           \
    __extension__({                                                                                \
        size_t sl_low_ = 0, sl_high_ = (n);                                                        \
        while (sl_low_ < sl_high_) {                                                               \
            size_t i = sl_low_ + (sl_high_ - sl_low_) / 2;                                         \
            if (before)                                                                            \
                sl_low_ = i + 1;                                                                   \
            else                                                                                   \
                sl_high_ = i;                                                                      \
        }                                                                                          \
        sl_low_;                                                                                   \
    })

#endif
