/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/snapshot/dwarf/range.h"

#include <string.h>

#include <dwarf.h>
#include <gelf.h>

#define ADDRESS_SIZE 8

static bool is_named(const char *found, const char *name)
{
    static const char prefix[] = ".debug_", split[] = ".dwo";

    if (strncmp(found, prefix, sizeof prefix - 1) != 0)
        return false;
    found += sizeof prefix - 1;
    size_t length = strlen(name);
    return strncmp(found, name, length) == 0 && (!found[length] || !strcmp(found + length, split));
}

static struct sl_bytes section_of(Dwarf *dwarf, const char *name)
{
    Elf *elf = dwarf_getelf(dwarf);
    size_t names;

    if (!elf || elf_getshdrstrndx(elf, &names))
        return (struct sl_bytes){0};
    for (Elf_Scn *section = NULL; (section = elf_nextscn(elf, section));) {
        GElf_Shdr header;
        const char *found =
            gelf_getshdr(section, &header) ? elf_strptr(elf, names, header.sh_name) : NULL;
        if (!found || header.sh_type == SHT_NOBITS || !is_named(found, name))
            continue;
        const Elf_Data *data = elf_getdata(section, NULL); /* libdw has decompressed it */
        if (data && data->d_buf)
            return (struct sl_bytes){.at = data->d_buf,
                                     .end = (const uint8_t *) data->d_buf + data->d_size};
    }
    return (struct sl_bytes){0};
}

struct sl_range_sections sl_range_sections_of(Dwarf *dwarf)
{
    return (struct sl_range_sections){.info = section_of(dwarf, "info"),
                                      .addresses = section_of(dwarf, "addr"),
                                      .pairs = section_of(dwarf, "ranges"),
                                      .lists = section_of(dwarf, "rnglists")};
}

static struct sl_bytes from(struct sl_bytes bytes, uint64_t offset)
{
    (void) sl_bytes_skip(&bytes, offset);
    return bytes;
}

const uint8_t *sl_unit_end(Dwarf_CU *cu, struct sl_bytes info)
{
    Dwarf_Die die;
    if (!dwarf_cu_die(cu, &die, NULL, NULL, NULL, NULL, NULL, NULL))
        return NULL;
    const uint8_t *start = (const uint8_t *) die.addr - dwarf_cuoffset(&die);
    if (start < info.at || start >= info.end)
        return NULL;
    info.at = start;
    uint64_t length = sl_bytes_unsigned(&info, 4);
    if (length == UINT32_MAX)
        length = sl_bytes_unsigned(&info, 8);
    return info.bad || length > sl_bytes_left(&info) ? info.end : info.at + length;
}

/* The value as it stands in the file. */
static struct sl_bytes
value_of(const struct sl_range_source *source, const Dwarf_Attribute *attribute)
{
    struct sl_bytes bytes = source->info;
    if (attribute->valp >= bytes.at && attribute->valp <= bytes.end)
        bytes.at = attribute->valp;
    else
        bytes.at = bytes.end; /* it is another unit's */
    return bytes;
}

static bool
number(const struct sl_range_source *source, Dwarf_Attribute *attribute, uint64_t *ret_value)
{
    struct sl_bytes bytes = value_of(source, attribute);
    Dwarf_Word word;

    switch (attribute->form) {
    case DW_FORM_sec_offset:
        *ret_value = sl_bytes_unsigned(&bytes, source->offset_size);
        break;
    case DW_FORM_data4: /* of DWARF 3, where libdw takes them for pointers */
        *ret_value = sl_bytes_unsigned(&bytes, 4);
        break;
    case DW_FORM_data8:
        *ret_value = sl_bytes_unsigned(&bytes, 8);
        break;
    case DW_FORM_rnglistx:
        *ret_value = sl_bytes_uleb(&bytes);
        break;
    default:
        if (dwarf_formudata(attribute, &word))
            return false;
        *ret_value = word;
    }
    return !bytes.bad;
}

bool sl_die_number(const struct sl_range_source *source, Dwarf_Die *die, unsigned name,
                   uint64_t *ret_value)
{
    Dwarf_Attribute attribute;
    return dwarf_attr(die, name, &attribute) && number(source, &attribute, ret_value);
}

static bool
indexed_address(const struct sl_range_source *source, uint64_t index, uint64_t *ret_address)
{
    struct sl_bytes bytes = source->addresses;
    if (index >= sl_bytes_left(&bytes) / ADDRESS_SIZE)
        return false;
    (void) sl_bytes_skip(&bytes, index * ADDRESS_SIZE);
    *ret_address = sl_bytes_unsigned(&bytes, ADDRESS_SIZE);
    return true;
}

/* @return false when it is no address */
static bool
address_of(const struct sl_range_source *source, Dwarf_Attribute *attribute, uint64_t *ret_address)
{
    struct sl_bytes bytes = value_of(source, attribute);
    Dwarf_Addr address;

    switch (attribute->form) {
    case DW_FORM_addrx:
    case DW_FORM_GNU_addr_index:
        return indexed_address(source, sl_bytes_uleb(&bytes), ret_address) && !bytes.bad;
    case DW_FORM_addrx1:
        return indexed_address(source, sl_bytes_unsigned(&bytes, 1), ret_address);
    case DW_FORM_addrx2:
        return indexed_address(source, sl_bytes_unsigned(&bytes, 2), ret_address);
    case DW_FORM_addrx3:
        return indexed_address(source, sl_bytes_unsigned(&bytes, 4) & 0xffffff, ret_address);
    case DW_FORM_addrx4:
        return indexed_address(source, sl_bytes_unsigned(&bytes, 4), ret_address);
    case DW_FORM_addr:
        if (dwarf_formaddr(attribute, &address))
            return false;
        *ret_address = address;
        return true;
    default:
        return false;
    }
}

static bool die_address(const struct sl_range_source *source, Dwarf_Die *die, unsigned name,
                        uint64_t *ret_address)
{
    Dwarf_Attribute attribute;
    return dwarf_attr(die, name, &attribute) && address_of(source, &attribute, ret_address);
}

/* Bytes of the header of .debug_rnglists, after which its indices count. */
static uint64_t lists_header(uint8_t offset_size)
{
    return offset_size == 8 ? 20 : 12;
}

struct sl_range_source
sl_range_source_of(const struct sl_range_sections *sections, Dwarf_Die *unit, uint64_t *budget)
{
    struct sl_range_source source = {.budget = budget, .info = sections->info};
    Dwarf_Half version = 0;
    uint64_t offset;

    (void) dwarf_cu_info(unit->cu, &version, NULL, NULL, NULL, NULL, NULL, &source.offset_size);
    source.version = version;
    if (sl_die_number(&source, unit, version < 5 ? DW_AT_GNU_addr_base : DW_AT_addr_base, &offset))
        source.addresses = from(sections->addresses, offset);
    source.lists = version < 5 ? sections->pairs : sections->lists;
    if (version >= 5 && !sl_die_number(&source, unit, DW_AT_rnglists_base, &source.lists_base))
        source.lists_base = lists_header(source.offset_size);
    if (!die_address(&source, unit, DW_AT_low_pc, &source.base))
        (void) die_address(&source, unit, DW_AT_entry_pc, &source.base);
    return source;
}

void sl_range_source_split(struct sl_range_source *source, Dwarf_Die *skeleton, Dwarf_Die *split)
{
    const struct sl_range_sections sections = sl_range_sections_of(dwarf_cu_getdwarf(split->cu));

    if (source->version < 5) { /* the lists stay with the skeleton */
        (void) sl_die_number(source, skeleton, DW_AT_GNU_ranges_base, &source->lists_base);
    } else {
        source->lists = sections.lists;
        (void) dwarf_cu_info(split->cu, NULL, NULL, NULL, NULL, NULL, NULL, &source->offset_size);
        source->lists_base = lists_header(source->offset_size);
    }
    source->info = sections.info;
}

static struct sl_bytes list_of(const struct sl_range_source *source, Dwarf_Attribute *attribute)
{
    uint64_t offset, base = source->version < 5 ? source->lists_base : 0;

    if (!number(source, attribute, &offset))
        return (struct sl_bytes){0};
    if (attribute->form == DW_FORM_rnglistx) {
        struct sl_bytes index = from(source->lists, source->lists_base);
        if (offset > sl_bytes_left(&index) / source->offset_size)
            return (struct sl_bytes){0};
        (void) sl_bytes_skip(&index, offset * source->offset_size);
        offset = sl_bytes_unsigned(&index, source->offset_size);
        base = source->lists_base;
    }
    struct sl_bytes list = from(source->lists, base);
    return from(list, offset);
}

struct sl_range_walk sl_ranges_of(const struct sl_range_source *source, Dwarf_Die *die)
{
    struct sl_range_walk walk = {.source = source, .base = source->base};
    Dwarf_Attribute attribute;
    uint64_t low, high;

    if (dwarf_attr(die, DW_AT_high_pc, &attribute) &&
        die_address(source, die, DW_AT_low_pc, &low)) {
        if (address_of(source, &attribute, &high))
            walk.single = (struct sl_range){low, high};
        else if (number(source, &attribute, &high))
            walk.single = (struct sl_range){low, low + high};
    } else if (dwarf_attr(die, DW_AT_ranges, &attribute)) {
        walk.list = list_of(source, &attribute);
    }
    return walk;
}

/* DWARF 4 and before.  @return false at the end of the list */
static bool next_pair(struct sl_range_walk *walk, struct sl_range *ret_range)
{
    for (;;) {
        uint64_t start = sl_bytes_unsigned(&walk->list, ADDRESS_SIZE);
        uint64_t end = sl_bytes_unsigned(&walk->list, ADDRESS_SIZE);
        if (walk->list.bad || (!start && !end))
            return false;
        if (start != UINT64_MAX) {
            *ret_range = (struct sl_range){walk->base + start, walk->base + end};
            return true;
        }
        walk->base = end;
    }
}

/* An entry of DWARF 5.  @return false at the end of the list; an empty range when it has none */
static bool next_entry(struct sl_range_walk *walk, struct sl_range *ret_range)
{
    struct sl_bytes *list = &walk->list;
    uint64_t start = 0, end = start; /* none, unless the entry says so */
    bool known = true;

    switch (sl_bytes_unsigned(list, 1)) {
    case DW_RLE_base_addressx:
        known = indexed_address(walk->source, sl_bytes_uleb(list), &walk->base);
        break;
    case DW_RLE_startx_endx:
        known = indexed_address(walk->source, sl_bytes_uleb(list), &start);
        known &= indexed_address(walk->source, sl_bytes_uleb(list), &end);
        break;
    case DW_RLE_startx_length:
        known = indexed_address(walk->source, sl_bytes_uleb(list), &start);
        end = start + sl_bytes_uleb(list);
        break;
    case DW_RLE_offset_pair:
        start = walk->base + sl_bytes_uleb(list);
        end = walk->base + sl_bytes_uleb(list);
        break;
    case DW_RLE_base_address:
        walk->base = sl_bytes_unsigned(list, ADDRESS_SIZE);
        break;
    case DW_RLE_start_end:
        start = sl_bytes_unsigned(list, ADDRESS_SIZE);
        end = sl_bytes_unsigned(list, ADDRESS_SIZE);
        break;
    case DW_RLE_start_length:
        start = sl_bytes_unsigned(list, ADDRESS_SIZE);
        end = start + sl_bytes_uleb(list);
        break;
    default: /* the end, or nothing that is known */
        return false;
    }
    *ret_range = known ? (struct sl_range){start, end} : (struct sl_range){0, 0};
    return !list->bad;
}

bool sl_ranges_next(struct sl_range_walk *walk, struct sl_range *ret_range)
{
    struct sl_range range = walk->single;

    walk->single = (struct sl_range){0, 0};
    while (range.start >= range.end) {
        if (!*walk->source->budget)
            return false;
        --*walk->source->budget;
        if (!(walk->source->version < 5 ? next_pair : next_entry)(walk, &range))
            return false;
    }
    *ret_range = range;
    return true;
}

uint64_t sl_ranges_cover(const struct sl_range_source *source, Dwarf_Die *die, uint64_t address)
{
    struct sl_range_walk walk = sl_ranges_of(source, die);
    struct sl_range range;

    while (sl_ranges_next(&walk, &range))
        if (address >= range.start && address < range.end)
            return range.end - range.start;
    return 0;
}
