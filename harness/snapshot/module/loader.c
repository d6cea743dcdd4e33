/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/snapshot/module/loader.h"

#include <elf.h>
#include <link.h>

#define MAX_NAME_SPACES 64   /* glibc has 16 */
#define MAX_DYNAMIC     1024 /* entries; some thirty are usual */

uint64_t sl_loader_find(struct sl_reader *reader, uint64_t dynamic, uint64_t size)
{
    size_t n = (size_t) SL_MIN(size / sizeof(Elf64_Dyn), (uint64_t) MAX_DYNAMIC);
    Elf64_Dyn entry;

    for (size_t i = 0; i < n; i++) {
        if (!sl_reader_read_cached(reader, dynamic + i * sizeof entry, &entry, sizeof entry) ||
            entry.d_tag == DT_NULL)
            return 0;
        if (entry.d_tag == DT_DEBUG)
            return entry.d_un.d_ptr;
    }
    return 0;
}

/* The capacity ends a list that closes in a circle. */
static size_t list_name_space(struct sl_reader *reader, const struct r_debug *debug,
                              struct sl_loaded *loaded, size_t capacity)
{
    struct link_map entry;
    size_t n = 0;

    for (uint64_t at = (uintptr_t) debug->r_map; at && n < capacity;
         at = (uintptr_t) entry.l_next) {
        if (!sl_reader_read_all(reader, at, &entry, sizeof entry))
            break;
        loaded[n++] = (struct sl_loaded){.bias = entry.l_addr,
                                         .name = (uintptr_t) entry.l_name,
                                         .dynamic = (uintptr_t) entry.l_ld};
    }
    return n;
}

size_t
sl_loader_list(struct sl_reader *reader, uint64_t debug, struct sl_loaded *loaded, size_t capacity)
{
    size_t n = 0;

    for (int i = 0; debug && i < MAX_NAME_SPACES && n < capacity; i++) {
        struct r_debug_extended space = {0};
        if (!sl_reader_read_all(reader, debug, &space.base, sizeof space.base))
            break;
        n += list_name_space(reader, &space.base, loaded + n, capacity - n);
        /* From version 2 on there is a link to the next name space behind it. */
        if (space.base.r_version < 2 || !sl_reader_read_all(reader, debug, &space, sizeof space))
            break;
        debug = (uintptr_t) space.r_next;
    }
    return n;
}
