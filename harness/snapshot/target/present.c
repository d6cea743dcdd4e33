/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/snapshot/target/present.h"

#include <unistd.h>

#include "base/macros.h"

#define PAGE ((uint64_t) 4096)

/* Entries of the table, of one page each. */
#define MAX_ENTRIES 64                  /* read at once */
#define MAX_COUNTED 2048                /* the same where all of a range is counted */
#define IN_MEMORY   (UINT64_C(1) << 63) /* or, the other one, */
#define ON_DISK     (UINT64_C(1) << 62) /* written there by the kernel itself, unless */
#define WRITE_GUARD (UINT64_C(1) << 57) /* it only marks a page that was never there */

static bool is_there(uint64_t entry)
{
    return entry & IN_MEMORY || (entry & ON_DISK && !(entry & WRITE_GUARD));
}

static size_t count(int table, const struct sl_copy *copy)
{
    uint64_t entries[MAX_ENTRIES], first = copy->address / PAGE;
    uint64_t n = (copy->address % PAGE + copy->size + PAGE - 1) / PAGE, i = 0;

    n = SL_MIN(n, (uint64_t) MAX_ENTRIES);
    ssize_t got = pread(table, entries, n * sizeof *entries, (off_t) (first * sizeof *entries));
    n = got > 0 ? (uint64_t) got / sizeof *entries : 0;
    while (i < n && is_there(entries[i]))
        i++;
    return i ? SL_MIN(copy->size, (size_t) (i * PAGE - copy->address % PAGE)) : 0;
}

void sl_present_find(int table, struct sl_copy *copies, size_t n_copies)
{
    for (size_t i = 0; i < n_copies; i++)
        copies[i].present = table < 0 ? 0 : count(table, &copies[i]);
}

bool sl_present_count(int table, uint64_t start, uint64_t end, uint64_t *ret_bytes)
{
    uint64_t entries[MAX_COUNTED], n_pages = 0;

    for (uint64_t page = start / PAGE, last = end / PAGE; page < last;) {
        size_t n = (size_t) SL_MIN(last - page, (uint64_t) MAX_COUNTED);
        ssize_t got = pread(table, entries, n * sizeof *entries, (off_t) (page * sizeof *entries));
        if (got < (ssize_t) sizeof *entries)
            return false;
        n = (size_t) got / sizeof *entries;
        for (size_t i = 0; i < n; i++)
            n_pages += entries[i] >> 63;
        page += n;
    }
    *ret_bytes = n_pages * PAGE;
    return true;
}
