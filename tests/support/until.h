/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting for a condition: no test waits for time to pass. */
#ifndef UNTIL_H
#define UNTIL_H

#include <stdbool.h>

#include "base/clock.h"

/*
 * Wait until a condition holds, which is looked at every half millisecond and may do something
 * besides.  @return false when it did not within so many nanoseconds
 */
#define sl_test_until(condition, ns)                                                               \
    __extension__({                                                                                \
        const uint64_t sl_until_ = sl_clock_now_ns() + (ns);                                       \
        bool sl_holds_;                                                                            \
        while (!(sl_holds_ = (condition)) && sl_clock_now_ns() < sl_until_)                        \
            sl_clock_sleep_ns(SL_NS_PER_MS / 2);                                                   \
        sl_holds_;                                                                                 \
    })

#endif
