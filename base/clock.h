/* SPDX-License-Identifier: Apache-2.0 */
/* Time: nanoseconds of CLOCK_MONOTONIC, one clock for every process of a run. */
#ifndef SL_BASE_CLOCK_H
#define SL_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

#define SL_NS_PER_US UINT64_C(1000)
#define SL_NS_PER_MS UINT64_C(1000000)
#define SL_NS_PER_S  UINT64_C(1000000000)

static inline uint64_t sl_clock_of_timespec(const struct timespec *time)
{
    return (uint64_t) time->tv_sec * SL_NS_PER_S + (uint64_t) time->tv_nsec;
}

static inline uint64_t sl_clock_now_ns(void)
{
    struct timespec now;
    (void) clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail for this clock */
    return sl_clock_of_timespec(&now);
}

static inline struct timespec sl_clock_to_timespec(uint64_t time_ns)
{
    return (struct timespec){.tv_sec = (time_t) (time_ns / SL_NS_PER_S),
                             .tv_nsec = (long) (time_ns % SL_NS_PER_S)};
}

/* Nanoseconds from now until deadline_ns, 0 when it has passed. */
static inline uint64_t sl_clock_left_ns(uint64_t deadline_ns)
{
    uint64_t now = sl_clock_now_ns();
    return deadline_ns > now ? deadline_ns - now : 0;
}

/* Sleep for a duration; returns early only when a signal handler ran. */
static inline void sl_clock_sleep_ns(uint64_t duration_ns)
{
    struct timespec duration = sl_clock_to_timespec(duration_ns);
    (void) clock_nanosleep(CLOCK_MONOTONIC, 0, &duration, NULL);
}

#endif
