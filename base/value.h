/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Measured numbers.  One that could not be had says why; it is null in a file,
 * never 0.
 */
#ifndef SL_BASE_VALUE_H
#define SL_BASE_VALUE_H

#include <stdint.h>

struct sl_value {
    uint64_t value;      /* meaningless when missing is set */
    const char *missing; /* reason, or NULL */
};
struct sl_real {
    double value;
    const char *missing;
};

/* Yes, no, or nobody could tell; null in the file. */
enum sl_maybe { SL_MAYBE_UNKNOWN, SL_MAYBE_NO, SL_MAYBE_YES };

#define SL_VALUE(number)    ((struct sl_value){.value = (number)})
#define SL_REAL(number)     ((struct sl_real){.value = (number)})
#define SL_NOT_SAID         ((struct sl_value){.missing = ""}) /* null, and no reason beside it */
#define SL_MISSING_VALUE(r) ((struct sl_value){.missing = (r)})
#define SL_MISSING_REAL(r)  ((struct sl_real){.missing = (r)})

#endif
