/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/process/busy.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/macros.h"

/* Below this a tick of the clock is a large part of the time. */
#define LEAST_NS (200 * SL_NS_PER_MS)

static uint64_t time_of(const struct rusage *usage)
{
    uint64_t seconds = (uint64_t) usage->ru_utime.tv_sec + (uint64_t) usage->ru_stime.tv_sec;
    uint64_t micros = (uint64_t) usage->ru_utime.tv_usec + (uint64_t) usage->ru_stime.tv_usec;
    return seconds * SL_NS_PER_S + micros * SL_NS_PER_US;
}

/* The first line: "cpu  USER NICE SYSTEM IDLE IOWAIT IRQ SOFTIRQ STEAL GUEST GUEST_NICE". */
static bool read_machine(uint64_t *ret_used_ns, uint64_t *ret_stolen_ns)
{
    uint64_t user, nice, system, idle, iowait, irq, softirq, steal;
    uint64_t tick_ns = SL_NS_PER_S / (uint64_t) sysconf(_SC_CLK_TCK);
    char text[256]; /* the first line */

    if (!sl_file_read("/proc/stat", text, sizeof text))
        return false;
    int n = sscanf(text,
                   "cpu %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64
                   " %" SCNu64 " %" SCNu64,
                   &user, &nice, &system, &idle, &iowait, &irq, &softirq, &steal);
    if (n != 8)
        return false;
    *ret_used_ns = (user + nice + system + irq + softirq) * tick_ns;
    *ret_stolen_ns = steal * tick_ns;
    return true;
}

struct sl_busy sl_busy_now(void)
{
    struct sl_busy busy = {.at_ns = sl_clock_now_ns()};
    struct rusage self, children;

    if (!read_machine(&busy.used_ns, &busy.stolen_ns) || getrusage(RUSAGE_SELF, &self) ||
        getrusage(RUSAGE_CHILDREN, &children))
        busy.missing = "the kernel did not give the CPU time of the machine";
    else
        busy.own_ns = time_of(&self) + time_of(&children);
    return busy;
}

static const char *why_not(const struct sl_busy *before, const struct sl_busy *after)
{
    if (before->missing || after->missing)
        return before->missing ? before->missing : after->missing;
    return after->at_ns - before->at_ns < LEAST_NS ? "the run was too short to tell" : NULL;
}

/* Counters of the kernel may go back a little. */
static double grown(uint64_t before, uint64_t after)
{
    return after > before ? (double) (after - before) : 0;
}

struct sl_real sl_busy_others(const struct sl_busy *before, const struct sl_busy *after)
{
    const char *missing = why_not(before, after);

    if (missing)
        return SL_MISSING_REAL(missing);
    double others = grown(before->used_ns, after->used_ns) - grown(before->own_ns, after->own_ns);
    return SL_REAL(SL_MAX(others, 0.0) / (double) (after->at_ns - before->at_ns));
}

struct sl_real sl_busy_stolen(const struct sl_busy *before, const struct sl_busy *after)
{
    const char *missing = why_not(before, after);

    if (missing)
        return SL_MISSING_REAL(missing);
    return SL_REAL(grown(before->stolen_ns, after->stolen_ns) /
                   (double) (after->at_ns - before->at_ns));
}
