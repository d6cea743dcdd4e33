/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/snapshot/target/present.h"

#include <stdbool.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/macros.h"
#include "base/search.h"

#define PAGE ((uint64_t) 4096)

/* Entries of the table, of one page each. */
#define MAX_ENTRIES 64                  /* read at once */
#define IN_MEMORY   (UINT64_C(1) << 63) /* or, the other one, */
#define ON_DISK     (UINT64_C(1) << 62) /* written there by the kernel itself, unless */
#define WRITE_GUARD (UINT64_C(1) << 57) /* it only marks a page that was never there */

/* The same of a whole range with one call, since Linux 6.7; headers may be older. */
#define MAX_REGIONS      256
#define REGION_UNGUARDED (UINT64_C(1) << 1)
#define REGION_IN_MEMORY (UINT64_C(1) << 3)
#define REGION_ON_DISK   (UINT64_C(1) << 4)
#define SCAN             _IOWR('f', 16, struct scan)

#define NEAR (UINT64_C(16) * 1024 * 1024) /* two stacks of the usual size, with what is between */

struct region {
    uint64_t start, end, categories;
};

struct scan {
    uint64_t size, flags, start, end, walk_end, regions, n_regions, max_pages;
    uint64_t inverted, all_of, any_of, returned;
};

struct range {
    uint64_t start, end; /* of pages */
};

static bool is_there(uint64_t entry)
{
    return entry & IN_MEMORY || (entry & ON_DISK && !(entry & WRITE_GUARD));
}

static size_t count_one(int table, const struct sl_copy *copy)
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

static bool is_region_there(const struct region *region)
{
    return region->categories & (REGION_IN_MEMORY | REGION_UNGUARDED);
}

static size_t count_in_regions(const struct region *regions, size_t n, const struct sl_copy *copy)
{
    uint64_t end = copy->address;

    size_t i = SL_PARTITION_POINT(n, k, regions[k].end <= copy->address);
    for (; i < n && regions[i].start <= end && is_region_there(&regions[i]); i++)
        end = regions[i].end;
    return SL_MIN(copy->size, (size_t) (end - copy->address));
}

/* @return false when this kernel can not tell, of these */
static bool scan_range(int table, struct range range, struct sl_copy *copies, size_t n_copies)
{
    struct region regions[MAX_REGIONS];
    struct scan scan = {.size = sizeof scan,
                        .end = range.end,
                        .walk_end = range.start,
                        .regions = (uintptr_t) regions,
                        .n_regions = SL_COUNT_OF(regions),
                        .any_of = REGION_IN_MEMORY | REGION_ON_DISK,
                        .returned = REGION_IN_MEMORY | REGION_UNGUARDED};

    while (scan.walk_end < range.end) {
        scan.start = scan.walk_end;
        int n = ioctl(table, SCAN, &scan);
        if (n < 0 || scan.walk_end <= scan.start)
            return false;
        /* It ends between two regions, when there is no room for more. */
        for (size_t i = 0; i < n_copies; i++)
            if (copies[i].address >= scan.start && copies[i].address < scan.walk_end)
                copies[i].present = count_in_regions(regions, (size_t) n, &copies[i]);
    }
    return true;
}

static struct range range_of(const struct sl_copy *copy)
{
    uint64_t start = copy->address / PAGE * PAGE;
    return (struct range){start,
                          start + (copy->address % PAGE + copy->size + PAGE - 1) / PAGE * PAGE};
}

/* @return how many of the copies, from the first on, lie near the ones before */
static size_t find_run(const struct sl_copy *copies, size_t n_copies, struct range *ret_range)
{
    struct range range = range_of(copies);
    size_t n = 1;

    for (; n < n_copies; n++) {
        struct range next = range_of(&copies[n]);
        struct range both = {SL_MIN(range.start, next.start), SL_MAX(range.end, next.end)};
        if (next.end < next.start || both.end - both.start > range.end - range.start + NEAR)
            break;
        range = both;
    }
    *ret_range = range;
    return n;
}

void sl_present_find(int table, struct sl_copy *copies, size_t n_copies)
{
    struct range range;

    for (size_t done = 0, n; done < n_copies; done += n) {
        n = find_run(copies + done, n_copies - done, &range);
        if (n > 1 && scan_range(table, range, copies + done, n))
            continue;
        for (size_t i = done; i < done + n; i++)
            copies[i].present = count_one(table, &copies[i]);
    }
}
