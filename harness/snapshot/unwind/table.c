/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/snapshot/unwind/table.h"

#include <stdlib.h>
#include <string.h>

#include "base/grow.h"
#include "base/search.h"
#include "harness/snapshot/module/bytes.h"
#include "harness/snapshot/module/section.h"
#include "harness/snapshot/module/separate.h"

#define HEADER_VERSION    1
#define MAX_DEBUG_FRAME   ((uint64_t) 64 * 1024 * 1024)
#define PE_OMIT           0xff
#define PE_DATAREL_SDATA4 0x3b /* the only form in which entries can be searched in place */

struct entry {
    uint64_t start, end, record;
};

/* Records sorted by address, from a scan. */
struct index {
    struct sl_cfi_section section;
    struct entry *entries;
    size_t n_entries;
    bool built, malformed;
    enum sl_table_result failure; /* why it has not all records; else FOUND */
};

struct sl_unwind_table {
    uint64_t header, entries; /* addresses of .eh_frame_hdr and of its sorted table */
    uint64_t n_entries;       /* 0: no table that can be searched */
    bool malformed;           /* .eh_frame_hdr */
    struct index eh_frame, debug_frame;
    uint8_t *debug_frame_data; /* the section, from the file */
};

static bool read_memory(void *context, uint64_t address, void *data, size_t size)
{
    return sl_reader_read_cached(context, address, data, size);
}

/* Sections of files are held whole; addresses are offsets in them, checked by the caller. */
static bool read_buffer(void *context, uint64_t address, void *data, size_t size)
{
    memcpy(data, (const uint8_t *) context + address, size);
    return true;
}

static void set_eh_frame(struct sl_modules *modules, struct sl_unwind_table *table, uint64_t start,
                         uint64_t end)
{
    table->eh_frame.section = (struct sl_cfi_section){
        .read = read_memory, .context = sl_modules_reader(modules), .start = start, .end = end};
}

/* The first address behind the loaded segment that holds this one, or 0. */
static uint64_t segment_end(const struct sl_module *module, uint64_t address)
{
    const Elf64_Phdr *segment = sl_module_segment(module, address);
    return segment ? module->bias + segment->p_vaddr + segment->p_memsz : 0;
}

/*
 * .eh_frame_hdr: version, three encodings, pointer to .eh_frame, number of
 * entries, entries.
 */
static void read_header(struct sl_modules *modules, const struct sl_module *module,
                        struct sl_unwind_table *table)
{
    const Elf64_Phdr *segment = sl_image_segment(&module->image, PT_GNU_EH_FRAME);
    uint8_t data[32];
    uint64_t eh_frame, n_entries;

    if (!segment)
        return;
    uint64_t address = module->bias + segment->p_vaddr, end = segment_end(module, address);
    struct sl_bytes bytes = {.at = data, .end = data + SL_MIN(segment->p_memsz, sizeof data)};
    table->malformed = true;
    if (!end || end - address < (uint64_t) (bytes.end - data) ||
        !sl_reader_read_cached(sl_modules_reader(modules), address, data,
                               (size_t) (bytes.end - data)))
        return;
    uint64_t version = sl_bytes_unsigned(&bytes, 1);
    uint8_t pointer_encoding = (uint8_t) sl_bytes_unsigned(&bytes, 1);
    uint8_t count_encoding = (uint8_t) sl_bytes_unsigned(&bytes, 1);
    uint8_t entry_encoding = (uint8_t) sl_bytes_unsigned(&bytes, 1);
    if (bytes.bad || version != HEADER_VERSION ||
        !sl_cfi_pointer(&bytes, pointer_encoding, address + 4, address, &eh_frame) ||
        !segment_end(module, eh_frame))
        return;
    set_eh_frame(modules, table, eh_frame, segment_end(module, eh_frame));
    table->malformed = false;

    uint64_t at = address + (uint64_t) (bytes.at - data);
    if (count_encoding == PE_OMIT || entry_encoding != PE_DATAREL_SDATA4 ||
        !sl_cfi_pointer(&bytes, count_encoding, at, address, &n_entries))
        return; /* .eh_frame is scanned instead */
    uint64_t entries = address + (uint64_t) (bytes.at - data);
    if (n_entries > (end - entries) / 8) {
        table->malformed = true;
        return;
    }
    table->header = address;
    table->entries = entries;
    table->n_entries = n_entries;
}

/* Without .eh_frame_hdr only the section headers say where .eh_frame is. */
static void find_by_sections(struct sl_modules *modules, struct sl_module *module,
                             struct sl_unwind_table *table)
{
    struct sl_section section;
    SL_AUTO_FD int fd = sl_module_open(modules, module);

    if (fd < 0 || !sl_section_find(fd, ".eh_frame", &section) || !section.address)
        return;
    uint64_t start = module->bias + section.address, end = segment_end(module, start);
    if (end && end - start >= section.size)
        set_eh_frame(modules, table, start, start + section.size);
}

static void table_free(struct sl_unwind_table *table)
{
    free(table->eh_frame.entries);
    free(table->debug_frame.entries);
    free(table->debug_frame_data);
    free(table);
}

static struct sl_unwind_table *open_table(struct sl_modules *modules, struct sl_module *module)
{
    if (module->unwind_table)
        return module->unwind_table;
    struct sl_unwind_table *table = calloc(1, sizeof *table);
    if (!table)
        return NULL;
    read_header(modules, module, table);
    if (!table->eh_frame.section.read)
        find_by_sections(modules, module, table);
    module->unwind_table = table;
    module->free_unwind_table = table_free;
    return table;
}

static int compare_entries(const void *left, const void *right)
{
    const struct entry *a = left, *b = right;
    return (a->start > b->start) - (a->start < b->start);
}

/* What the entries take is the look's for good. */
static bool add_entry(struct index *index, size_t *capacity, const struct entry *entry,
                      struct sl_budget *budget)
{
    if (index->n_entries == *capacity &&
        !sl_budget_take(budget, SL_BUDGET_MEMORY,
                        SL_MAX(2 * *capacity, 16) * sizeof *index->entries))
        return false;
    if (!sl_grow(&index->entries, capacity, index->n_entries + 1))
        return false;
    index->entries[index->n_entries++] = *entry;
    return true;
}

static void build(struct index *index, struct sl_budget *budget)
{
    size_t capacity = 0;
    struct sl_cfi_range range;

    for (uint64_t at = index->section.start; at < index->section.end; at = range.next) {
        enum sl_cfi_kind kind = sl_cfi_scan(&index->section, at, &range);
        if (kind == SL_CFI_MALFORMED)
            index->malformed = true;
        if (kind == SL_CFI_MALFORMED || kind == SL_CFI_TERMINATOR)
            break;
        if (sl_budget_is_over(budget))
            index->failure = SL_TABLE_NO_TIME;
        if (index->failure)
            break;
        if (kind == SL_CFI_CIE || range.start == range.end)
            continue;
        const struct entry entry = {.start = range.start, .end = range.end, .record = at};
        if (!add_entry(index, &capacity, &entry, budget))
            index->failure = SL_TABLE_NO_MEMORY;
    }
    if (index->n_entries)
        qsort(index->entries, index->n_entries, sizeof *index->entries, compare_entries);
    index->built = true;
}

static enum sl_table_result
search_index(struct index *index, struct sl_budget *budget, uint64_t pc, uint64_t *ret_record)
{
    if (!index->section.read)
        return SL_TABLE_NONE;
    if (!index->built)
        build(index, budget);
    size_t at = SL_PARTITION_POINT(index->n_entries, i, index->entries[i].start <= pc);
    if (at && pc < index->entries[at - 1].end) {
        *ret_record = index->entries[at - 1].record;
        return SL_TABLE_FOUND;
    }
    if (index->failure)
        return index->failure;
    return index->malformed ? SL_TABLE_MALFORMED : SL_TABLE_NONE;
}

/* An entry of .eh_frame_hdr: offsets of the code and of its record from the header. */
static bool read_entry(struct sl_modules *modules, const struct sl_unwind_table *table,
                       uint64_t number, uint64_t *ret_start, uint64_t *ret_record)
{
    int32_t offsets[2];
    if (!sl_reader_read_cached(sl_modules_reader(modules), table->entries + number * 8, offsets,
                               sizeof offsets))
        return false;
    *ret_start = table->header + (uint64_t) (int64_t) offsets[0];
    *ret_record = table->header + (uint64_t) (int64_t) offsets[1];
    return true;
}

static enum sl_table_result search_header(struct sl_modules *modules,
                                          const struct sl_unwind_table *table, uint64_t pc,
                                          uint64_t *ret_record)
{
    uint64_t low = 0, high = table->n_entries, start, record;
    struct sl_cfi_range range;

    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (!read_entry(modules, table, middle, &start, &record))
            return SL_TABLE_MALFORMED;
        if (start <= pc)
            low = middle + 1;
        else
            high = middle;
    }
    if (!low)
        return SL_TABLE_NONE;
    if (!read_entry(modules, table, low - 1, &start, &record) ||
        sl_cfi_scan(&table->eh_frame.section, record, &range) != SL_CFI_FDE ||
        range.start == range.end)
        return SL_TABLE_MALFORMED;
    if (pc < range.start || pc >= range.end)
        return SL_TABLE_NONE;
    *ret_record = record;
    return SL_TABLE_FOUND;
}

/* .debug_frame is never loaded: it comes from the file, or from the debug file beside it. */
static void open_debug_frame(struct sl_modules *modules, struct sl_module *module,
                             struct sl_unwind_table *table)
{
    struct index *index = &table->debug_frame;
    size_t size;

    struct sl_budget *budget = sl_modules_target(modules)->budget;
    size_t most = (size_t) SL_MIN(MAX_DEBUG_FRAME, sl_budget_left(budget, SL_BUDGET_MEMORY) / 4);

    index->built = true; /* tried: an absent section is not looked for again */
    SL_AUTO_FD int fd = sl_module_open(modules, module);
    if (fd < 0 || !sl_section_load(fd, ".debug_frame", most, &table->debug_frame_data, &size)) {
        SL_AUTO_FD int debug_fd = sl_separate_open(sl_modules_target(modules), module, fd);
        if (debug_fd < 0 ||
            !sl_section_load(debug_fd, ".debug_frame", most, &table->debug_frame_data, &size))
            return;
    }
    (void) sl_budget_take(budget, SL_BUDGET_MEMORY, size); /* not more than a quarter */
    index->section = (struct sl_cfi_section){.read = read_buffer,
                                             .context = table->debug_frame_data,
                                             .end = size,
                                             .debug_frame = true,
                                             .bias = module->bias};
    index->built = false;
}

enum sl_table_result sl_unwind_table_find(struct sl_modules *modules, struct sl_module *module,
                                          uint64_t pc, const struct sl_cfi_section **ret_section,
                                          uint64_t *ret_record)
{
    struct sl_budget *budget = sl_modules_target(modules)->budget;
    if (sl_budget_is_over(budget))
        return SL_TABLE_NO_TIME;
    struct sl_unwind_table *table = open_table(modules, module);
    if (!table)
        return SL_TABLE_NO_MEMORY;

    enum sl_table_result result = table->n_entries
                                      ? search_header(modules, table, pc, ret_record)
                                      : search_index(&table->eh_frame, budget, pc, ret_record);
    *ret_section = &table->eh_frame.section;
    if (result == SL_TABLE_FOUND || result == SL_TABLE_NO_TIME || result == SL_TABLE_NO_MEMORY)
        return result;

    if (!table->debug_frame.section.read && !table->debug_frame.built)
        open_debug_frame(modules, module, table);
    enum sl_table_result second = search_index(&table->debug_frame, budget, pc, ret_record);
    *ret_section = &table->debug_frame.section;
    if (second != SL_TABLE_NONE)
        return second;
    return table->malformed ? SL_TABLE_MALFORMED : result;
}

uint64_t
sl_unwind_table_start(struct sl_modules *modules, struct sl_module *module, uint64_t address)
{
    const struct sl_cfi_section *section;
    struct sl_cfi_range range;
    uint64_t record;

    if (sl_unwind_table_find(modules, module, address, &section, &record) != SL_TABLE_FOUND ||
        sl_cfi_scan(section, record, &range) != SL_CFI_FDE || range.start > address)
        return 0;
    return range.start - module->bias;
}
