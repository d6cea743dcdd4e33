/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/agent/clock.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

void sl_clock_estimate_add(struct sl_clock_estimate *estimate, uint64_t asked_ns,
                           uint64_t answered_ns, uint64_t read_ns)
{
    uint64_t half_ns = (answered_ns - asked_ns + 1) / 2;

    if (answered_ns < asked_ns)
        return;
    if (estimate->n_samples++ && half_ns >= estimate->uncertainty_ns)
        return;
    estimate->uncertainty_ns = half_ns;
    estimate->offset_ns = (int64_t) (asked_ns + half_ns - read_ns);
}

void sl_clock_name(char *ret_text, size_t size)
{
    char boot[64] = "";
    char space[64] = "";

    if (!sl_file_read("/proc/sys/kernel/random/boot_id", boot, sizeof boot))
        boot[0] = '\0';
    boot[strcspn(boot, "\n")] = '\0';
    /* A time namespace shifts the clock; a kernel without them has no such link. */
    ssize_t length = readlink("/proc/self/ns/time", space, sizeof space - 1);
    space[length > 0 ? length : 0] = '\0';
    (void) snprintf(ret_text, size, "%s %s", boot, space);
}
