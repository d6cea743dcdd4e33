/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/proof/ahead.h"

#include <stdlib.h>

#define PAGE ((uint64_t) 4096)

bool ahead_open(struct ahead *ahead, struct sl_reader *reader, const struct resident *resident)
{
    *ahead = (struct ahead){
        .reader = reader, .resident = resident, .bytes = malloc(AHEAD_WINDOW * AHEAD_WINDOWS)};
    return ahead->bytes;
}

void ahead_close(struct ahead *ahead)
{
    free(ahead->bytes);
    ahead->bytes = NULL;
}

static size_t index_of(uint64_t address)
{
    return (size_t) (address / AHEAD_WINDOW % AHEAD_WINDOWS);
}

static bool has_part(const struct ahead *ahead, uint64_t base)
{
    const struct ahead_window *window = &ahead->windows[index_of(base)];
    return window->end && window->start / AHEAD_WINDOW == base / AHEAD_WINDOW;
}

/* Was something in this window, or in one beside it, asked for not long ago? */
static bool goes_on(const struct ahead *ahead, uint64_t start)
{
    return has_part(ahead, start) || has_part(ahead, start - AHEAD_WINDOW) ||
           has_part(ahead, start + AHEAD_WINDOW);
}

static bool read_window(struct ahead *ahead, uint64_t start, uint64_t end, bool near)
{
    const struct resident *resident = ahead->resident;
    struct ahead_window *window = &ahead->windows[index_of(start)];
    const uint64_t base = start & ~(AHEAD_WINDOW - 1);
    const size_t at = resident_index(resident, start);

    if (at == resident->n_ranges || resident->ranges[at].start > start ||
        resident->ranges[at].end < end)
        return false;
    uint64_t from = near ? base : start & ~(PAGE - 1);
    uint64_t to = near ? base + AHEAD_WINDOW : (end + PAGE - 1) & ~(PAGE - 1);
    from = SL_MAX(from, resident->ranges[at].start);
    to = SL_MIN(to, resident->ranges[at].end);
    unsigned char *bytes = ahead->bytes + index_of(start) * AHEAD_WINDOW + (from - base);
    size_t got = sl_reader_read(ahead->reader, from, bytes, (size_t) (to - from));
    *window = (struct ahead_window){from, from + got};
    return window->end >= end;
}

const unsigned char *ahead_find(struct ahead *ahead, uint64_t start, uint64_t end, bool alone)
{
    const struct ahead_window *window = &ahead->windows[index_of(start)];

    if (!ahead->bytes || start / AHEAD_WINDOW != (end - 1) / AHEAD_WINDOW ||
        end - start > AHEAD_MAX)
        return NULL;
    if (start < window->start || end > window->end) {
        const bool near = goes_on(ahead, start);
        if ((!near && !alone) || !read_window(ahead, start, end, near))
            return NULL;
    }
    return ahead->bytes + index_of(start) * AHEAD_WINDOW + start % AHEAD_WINDOW;
}
