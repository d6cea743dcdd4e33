/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/proof/resident.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/grow.h"
#include "base/search.h"

#define PAGE         ((uint64_t) 4096)
#define ADDRESS_END  ((uint64_t) 0x7ffffffff000)
#define MAX_RANGES   ((size_t) 16 * 1024 * 1024)
#define MAX_ENTRIES  4096 /* of the table, that are read at once */
#define MAX_BY_TABLE ((uint64_t) 1 << 38)

/* include/uapi/linux/fs.h since 6.7, which the headers of Debian 12 do not have yet. */
#define PAGE_IS_FILE    (UINT64_C(1) << 2)
#define PAGE_IS_PRESENT (UINT64_C(1) << 3)
#define PAGE_IS_SWAPPED (UINT64_C(1) << 4)
#define PAGE_IS_ZERO    (UINT64_C(1) << 5)

struct region {
    uint64_t start, end, categories;
};

struct scan {
    uint64_t size, flags, start, end, walk_end, vector, n_vector, max_pages;
    uint64_t inverted, all_of, any_of, returned;
};
#define SCAN_PAGES _IOWR('f', 16, struct scan)

/* Documentation/admin-guide/mm/pagemap.rst of the kernel. */
#define ENTRY_PRESENT (UINT64_C(1) << 63)
#define ENTRY_SWAPPED (UINT64_C(1) << 62)
#define ENTRY_OF_FILE (UINT64_C(1) << 61)

static bool add(struct resident *resident, uint64_t start, uint64_t end, bool of_file)
{
    struct resident_range *last =
        resident->n_ranges ? &resident->ranges[resident->n_ranges - 1] : NULL;

    if (last && last->end == start && last->of_file == of_file) {
        last->end = end;
        return true;
    }
    if (resident->n_ranges >= MAX_RANGES ||
        !sl_grow(&resident->ranges, &resident->capacity, resident->n_ranges + 1))
        return false;
    resident->ranges[resident->n_ranges++] = (struct resident_range){start, end, of_file};
    return true;
}

/* All at once.  @return 1: done, 0: this kernel can not, -1: out of memory or time */
static int scan(int fd, const struct sl_target *target, struct resident *resident)
{
    struct region regions[1024];
    struct scan argument = {.size = sizeof argument,
                            .end = ADDRESS_END,
                            .vector = (uintptr_t) regions,
                            .n_vector = SL_COUNT_OF(regions),
                            .any_of = PAGE_IS_PRESENT | PAGE_IS_SWAPPED,
                            .returned =
                                PAGE_IS_PRESENT | PAGE_IS_SWAPPED | PAGE_IS_FILE | PAGE_IS_ZERO};

    for (; argument.start < ADDRESS_END; argument.start = argument.walk_end) {
        int n = ioctl(fd, SCAN_PAGES, &argument);
        if (n < 0)
            return argument.start ? -1 : 0;
        for (int i = 0; i < n; i++)
            if (!(regions[i].categories & PAGE_IS_ZERO) &&
                !add(resident, regions[i].start, regions[i].end,
                     regions[i].categories & PAGE_IS_FILE))
                return -1;
        if (sl_budget_is_over(target->budget) || argument.walk_end <= argument.start)
            return -1;
    }
    return 1;
}

static bool read_table(int fd, const struct sl_target *target, const struct sl_mapping *mapping,
                       struct resident *resident)
{
    uint64_t entries[MAX_ENTRIES];

    for (uint64_t at = mapping->start; at < mapping->end;) {
        size_t n = SL_MIN((mapping->end - at) / PAGE, (uint64_t) MAX_ENTRIES);
        ssize_t got =
            pread(fd, entries, n * sizeof *entries, (off_t) (at / PAGE * sizeof *entries));
        if (got < (ssize_t) sizeof *entries || sl_budget_is_over(target->budget))
            return false;
        for (size_t i = 0; i < (size_t) got / sizeof *entries; i++, at += PAGE)
            if (entries[i] & (ENTRY_PRESENT | ENTRY_SWAPPED) &&
                !add(resident, at, at + PAGE, entries[i] & ENTRY_OF_FILE))
                return false;
    }
    return true;
}

static bool read_tables(int fd, const struct sl_target *target, const struct sl_maps *maps,
                        struct resident *resident)
{
    uint64_t room = MAX_BY_TABLE;

    for (size_t i = 0; i < maps->n_mappings; i++) {
        const struct sl_mapping *mapping = &maps->mappings[i];
        if (!mapping->readable || mapping->start >= ADDRESS_END)
            continue;
        if (mapping->end - mapping->start > room || !read_table(fd, target, mapping, resident))
            return false;
        room -= mapping->end - mapping->start;
    }
    return true;
}

bool resident_find(struct sl_target *target, const struct sl_maps *maps,
                   struct resident *ret_resident)
{
    char path[32];

    (void) snprintf(path, sizeof path, "%ld/pagemap", (long) target->tid);
    SL_AUTO_FD int fd = openat(target->task_fd, path, O_RDONLY | O_CLOEXEC);
    *ret_resident = (struct resident){0};
    if (fd < 0)
        return false;
    int done = scan(fd, target, ret_resident);
    if (done == 1 || (done == 0 && read_tables(fd, target, maps, ret_resident)))
        return true;
    resident_release(ret_resident);
    return false;
}

void resident_release(struct resident *resident)
{
    free(resident->ranges);
    *resident = (struct resident){0};
}

size_t resident_index(const struct resident *resident, uint64_t address)
{
    return SL_PARTITION_POINT(resident->n_ranges, i, resident->ranges[i].end <= address);
}

bool resident_hides(const struct resident *resident, const struct sl_maps *maps)
{
    for (size_t i = 0; i < maps->n_mappings; i++) {
        const struct sl_mapping *mapping = &maps->mappings[i];
        size_t at =
            mapping->readable ? resident->n_ranges : resident_index(resident, mapping->start);
        for (; at < resident->n_ranges && resident->ranges[at].start < mapping->end; at++)
            if (!resident->ranges[at].of_file)
                return true;
    }
    return false;
}
