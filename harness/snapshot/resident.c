/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/snapshot/resident.h"

#include <stdlib.h>

#include "base/fail.h"
#include "harness/snapshot/target/present.h"

#define MAX_STACK                                                                                  \
    (UINT64_C(1) << 30) /* of one thread; larger ones are no stack, or a hostile one */

struct area {
    const struct sl_mapping *mapping;
    struct sl_value *bytes;
};

static int compare_areas(const void *a, const void *b)
{
    uintptr_t left = (uintptr_t) ((const struct area *) a)->mapping;
    uintptr_t right = (uintptr_t) ((const struct area *) b)->mapping;
    return (left > right) - (left < right);
}

/* @return whether it has a mapping to be measured */
static bool begin(const struct sl_code *code, uint64_t address, struct area *area)
{
    area->mapping = address ? sl_maps_find(code->maps, address) : NULL;
    if (!area->mapping)
        *area->bytes = SL_MISSING_VALUE("it is not known where the stack lies");
    else if (area->mapping->end - area->mapping->start > MAX_STACK)
        *area->bytes = SL_MISSING_VALUE("the mapping of the stack is too large to be one");
    else
        return true;
    return false;
}

static struct sl_value measure(struct sl_code *code, int table, const struct area *area)
{
    uint64_t bytes;

    if (sl_budget_is_over(code->target->budget))
        return SL_MISSING_VALUE(sl_budget_text(SL_BUDGET_TIME));
    return sl_present_count(table, area->mapping->start, area->mapping->end, &bytes)
               ? SL_VALUE(bytes)
               : SL_MISSING_VALUE("the page table of the process could not be read");
}

enum sl_status sl_resident_measure(struct sl_code *code, struct sl_thread *threads,
                                   size_t n_threads, struct sl_unjoined *unjoined,
                                   size_t n_unjoined, struct sl_error *err)
{
    SL_AUTO_FREE struct area *areas = calloc(n_threads + n_unjoined + 1, sizeof *areas);
    SL_AUTO_FD int table = sl_reader_open_page_table(code->reader);
    size_t n = 0;

    if (!areas)
        return sl_fail(err, SL_ENOMEM, "out of memory for %zu stacks", n_threads + n_unjoined);
    for (size_t i = 0; i < n_threads; i++) {
        areas[n].bytes = &threads[i].stack_bytes;
        n += begin(code, threads[i].sp, &areas[n]);
    }
    for (size_t i = 0; i < n_unjoined; i++) {
        areas[n].bytes = &unjoined[i].stack_bytes;
        n += begin(code, unjoined[i].pthread, &areas[n]);
    }
    qsort(areas, n, sizeof *areas, compare_areas);
    for (size_t i = 0; i < n; i++) {
        bool shared = (i && areas[i - 1].mapping == areas[i].mapping) ||
                      (i + 1 < n && areas[i + 1].mapping == areas[i].mapping);
        *areas[i].bytes = shared ? SL_MISSING_VALUE("stacks of several threads are one mapping")
                                 : measure(code, table, &areas[i]);
    }
    return SL_OK;
}
