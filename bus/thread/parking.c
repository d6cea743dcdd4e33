/* SPDX-License-Identifier: Apache-2.0 */
#include "bus/thread/parking.h"

#include <sys/prctl.h>

/* From <linux/prctl.h> of Linux 6.16, which is newer than many systems' headers. */
#define FUTEX_HASH           78
#define FUTEX_HASH_SET_SLOTS 1
#define FUTEX_HASH_GET_SLOTS 2

/* The default is large enough for fewer threads. */
#define MANY 128u

/* Threads per list. */
#define LIST_LENGTH 4u

/* An older kernel refuses; it has one large table for all processes. */
void parking_prepare(uint32_t n)
{
    unsigned long slots = 16;

    if (n < MANY)
        return;
    while (slots * LIST_LENGTH < n)
        slots *= 2;
    int now = prctl(FUTEX_HASH, FUTEX_HASH_GET_SLOTS, 0ul, 0ul, 0ul);
    if (now > 0 && (unsigned long) now < slots)
        (void) prctl(FUTEX_HASH, FUTEX_HASH_SET_SLOTS, slots, 0ul, 0ul);
}
