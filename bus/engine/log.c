/* SPDX-License-Identifier: Apache-2.0 */
#include "bus/engine/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"

#define LINE_SIZE 320u

void log_line(struct logger *logger, enum log_kind kind, const char *format, ...)
{
    struct log_limit *limit = &logger->limits[kind];
    char line[LINE_SIZE];

    if (!logger->callback)
        return;
    uint64_t now_ns = sl_clock_now_ns(), next_ns = atomic_load(&limit->next_ns);
    if (now_ns < next_ns ||
        !atomic_compare_exchange_strong(&limit->next_ns, &next_ns, now_ns + SL_NS_PER_S)) {
        (void) atomic_fetch_add(&limit->n_withheld, 1);
        return;
    }
    va_list args;
    va_start(args, format);
    (void) vsnprintf(line, sizeof line, format, args);
    va_end(args);
    unsigned long long n_withheld = atomic_exchange(&limit->n_withheld, 0);
    size_t used = strlen(line);
    if (n_withheld > 0)
        (void) snprintf(line + used, sizeof line - used, " (%llu more like it were not logged)",
                        n_withheld);
    logger->callback(logger->user, line);
}
