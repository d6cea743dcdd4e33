/* SPDX-License-Identifier: Apache-2.0 */
/* Debug information: one unit after another, each a tree of functions and calls inlined there. */
#include <dwarf.h>
#include <stdio.h>
#include <string.h>

#include "module.h"

enum abbreviation {
    UNIT = 1,
    FUNCTION,
    BLOCK,
    BARE_BLOCK,
    INLINED,
    ABSTRACT,
    SPECIFIED,
    NAME_SPACE,
    INLINED_RANGES,
    SIBLING,
    IMPORT,
    INDIRECT,
    N_ABBREVIATIONS
};

static const struct {
    uint16_t tag;
    bool children;
    uint16_t attributes[14]; /* name, form */
} shapes[N_ABBREVIATIONS] = {
    [UNIT] = {DW_TAG_compile_unit,
              true,
              {DW_AT_name, DW_FORM_string, DW_AT_comp_dir, DW_FORM_string, DW_AT_stmt_list,
               DW_FORM_sec_offset, DW_AT_low_pc, DW_FORM_addr, DW_AT_high_pc, DW_FORM_data8,
               DW_AT_ranges, DW_FORM_sec_offset}},
    [FUNCTION] = {DW_TAG_subprogram,
                  true,
                  {DW_AT_name, DW_FORM_string, DW_AT_low_pc, DW_FORM_addr, DW_AT_high_pc,
                   DW_FORM_data4, DW_AT_decl_line, DW_FORM_udata}},
    [BLOCK] = {DW_TAG_lexical_block,
               true,
               {DW_AT_low_pc, DW_FORM_addr, DW_AT_high_pc, DW_FORM_data4}},
    [BARE_BLOCK] = {DW_TAG_lexical_block, true, {0}},
    [INLINED] = {DW_TAG_inlined_subroutine,
                 true,
                 {DW_AT_abstract_origin, DW_FORM_ref4, DW_AT_low_pc, DW_FORM_addr, DW_AT_high_pc,
                  DW_FORM_data4, DW_AT_call_file, DW_FORM_udata, DW_AT_call_line, DW_FORM_udata}},
    [ABSTRACT] = {DW_TAG_subprogram,
                  false,
                  {DW_AT_linkage_name, DW_FORM_string, DW_AT_inline, DW_FORM_data1}},
    [SPECIFIED] = {DW_TAG_subprogram,
                   true,
                   {DW_AT_specification, DW_FORM_ref_udata, DW_AT_low_pc, DW_FORM_addr,
                    DW_AT_high_pc, DW_FORM_data4}},
    [NAME_SPACE] = {DW_TAG_namespace, true, {DW_AT_name, DW_FORM_strp}},
    [INLINED_RANGES] = {DW_TAG_inlined_subroutine,
                        true,
                        {DW_AT_abstract_origin, DW_FORM_ref_addr, DW_AT_ranges,
                         DW_FORM_sec_offset}},
    [SIBLING] = {DW_TAG_lexical_block, true, {DW_AT_sibling, DW_FORM_ref4}},
    [IMPORT] = {DW_TAG_imported_unit, false, {DW_AT_import, DW_FORM_ref_addr}},
    [INDIRECT] = {DW_TAG_subprogram,
                  true,
                  {DW_AT_name, DW_FORM_GNU_strp_alt, DW_AT_abstract_origin, DW_FORM_GNU_ref_alt,
                   DW_AT_GNU_dwo_name, DW_FORM_string}},
};

struct tree {
    const struct module *module;
    struct choice *choice;
    struct bytes *out;
    size_t unit;
    uint64_t left; /* entries */
    bool bomb;
};

static void put_abbreviations(struct choice *choice, struct bytes *out)
{
    for (unsigned code = 1; code < N_ABBREVIATIONS; code++) {
        bytes_uleb(out, one_in(choice, 200) ? choose_evil(choice, code) : code);
        bytes_uleb(out, one_in(choice, 200) ? choose(choice) & 0x7f : shapes[code].tag);
        bytes_u8(out, one_in(choice, 200) ? choose(choice) : shapes[code].children);
        for (const uint16_t *pair = shapes[code].attributes; *pair; pair += 2) {
            bytes_uleb(out, one_in(choice, 400) ? choose(choice) & 0x7f : pair[0]);
            bytes_uleb(out, one_in(choice, 200) ? choose(choice) & 0x2f : pair[1]);
        }
        bytes_u16(out, 0);
    }
    if (!one_in(choice, 20))
        bytes_u8(out, 0);
}

/* Somewhere in the unit, at this entry itself, or anywhere. */
static uint64_t choose_reference(struct tree *tree)
{
    uint64_t size = tree->out->size - tree->unit;
    if (one_in(tree->choice, 3))
        return size;
    return one_in(tree->choice, 20) ? choose_evil(tree->choice, size)
                                    : choose_below(tree->choice, size + 1);
}

static void put_attribute(struct tree *tree, uint16_t form, const struct function *function)
{
    struct choice *choice = tree->choice;

    switch (form) {
    case DW_FORM_string:
        symbols_name(choice, tree->bomb && one_in(choice, 20), tree->out);
        break;
    case DW_FORM_addr:
        bytes_u64(tree->out, one_in(choice, 30) ? choose_evil(choice, function->start)
                                                : function->start + choose_below(choice, 8));
        break;
    case DW_FORM_data8:
        bytes_u64(tree->out, one_in(choice, 30) ? choose_evil(choice, function->size) : 1U << 20);
        break;
    case DW_FORM_data4:
        bytes_u32(tree->out,
                  one_in(choice, 30) ? choose_evil(choice, function->size) : function->size);
        break;
    case DW_FORM_data1:
        bytes_u8(tree->out, 1);
        break;
    case DW_FORM_udata:
        bytes_uleb(tree->out,
                   one_in(choice, 20) ? choose_evil(choice, 1) : choose_below(choice, 300));
        break;
    case DW_FORM_ref_udata:
        bytes_uleb(tree->out, choose_reference(tree));
        break;
    case DW_FORM_sec_offset:
        bytes_u32(tree->out, one_in(choice, 4) ? choose_evil(choice, 0) : 0);
        break;
    default:
        bytes_u32(tree->out, choose_reference(tree));
    }
}

static void put_entry(struct tree *tree, unsigned code)
{
    const struct module *module = tree->module;
    const struct function *function =
        &module->functions[choose_below(tree->choice, module->n_functions)];

    bytes_uleb(tree->out, code);
    for (const uint16_t *pair = shapes[code].attributes; *pair; pair += 2)
        put_attribute(tree, pair[1], function);
}

/* Down and up at random; depth is a counter, so that it may be large. */
static void put_entries(struct tree *tree)
{
    uint64_t depth = 1;

    while (tree->left-- && depth) {
        unsigned code =
            FUNCTION + (unsigned) choose_below(tree->choice, N_ABBREVIATIONS - FUNCTION);
        if (depth > 1 && one_in(tree->choice, 3)) {
            bytes_u8(tree->out, 0);
            depth--;
            continue;
        }
        put_entry(tree, code);
        depth += shapes[code].children;
    }
    if (tree->bomb && one_in(tree->choice, 2)) {
        uint64_t deep = choose_size(tree->choice, 400000);
        bytes_fill(tree->out, BARE_BLOCK, deep);
        depth += one_in(tree->choice, 2) ? deep : 0;
    }
    bytes_fill(tree->out, 0, depth);
}

static void put_unit(struct writer *writer, struct bytes *out, bool bomb)
{
    struct choice *choice = writer->choice;
    struct tree tree = {
        writer->module, choice, out, out->size, choose_size(choice, bomb ? 20000 : 100), bomb};
    uint64_t version = 2 + choose_below(choice, 4);

    bytes_u32(out, 0);
    bytes_u16(out, one_in(choice, 50) ? choose(choice) : version);
    if (version == 5)
        bytes_u16(out, one_in(choice, 50) ? choose(choice) : 0x0801);
    bytes_u32(out, one_in(choice, 50) ? choose_evil(choice, 0) : 0);
    if (version < 5)
        bytes_u8(out, one_in(choice, 50) ? choose(choice) : 8);
    put_entry(&tree, UNIT);
    put_entries(&tree);
    bytes_u32_at(out, tree.unit,
                 one_in(choice, 40) ? choose_evil(choice, out->size) : out->size - tree.unit - 4);
}

static void put_line_files(struct choice *choice, struct bytes *out)
{
    for (uint64_t n = choose_below(choice, 5); n; n--)
        symbols_name(choice, false, out); /* directories */
    bytes_u8(out, 0);
    for (uint64_t n = choose_below(choice, 9); n; n--) {
        symbols_name(choice, false, out);
        bytes_uleb(out, one_in(choice, 10) ? choose_evil(choice, 1) : choose_below(choice, 5));
        bytes_u16(out, 0);
    }
    bytes_u8(out, 0);
}

/* DWARF 5 says how its tables of files are made. */
static void put_line_files_5(struct choice *choice, struct bytes *out)
{
    for (int table = 0; table < 2; table++) {
        uint64_t n_formats = one_in(choice, 20) ? choose(choice) & 0xff : 1;
        uint64_t n = one_in(choice, 20) ? choose_evil(choice, 3) : choose_below(choice, 9);
        bytes_u8(out, n_formats);
        for (uint64_t i = 0; i < n_formats; i++) {
            bytes_uleb(out, 1 + choose_below(choice, 3));
            bytes_uleb(out, one_in(choice, 10) ? choose(choice) & 0x2f : DW_FORM_string);
        }
        bytes_uleb(out, n);
        for (uint64_t i = 0; i < n && i < 9; i++)
            symbols_name(choice, false, out);
    }
}

static void put_line_program(struct writer *writer, struct bytes *out, uint64_t n)
{
    struct choice *choice = writer->choice;

    bytes_put(out, "\0\x09\x02", 3); /* set_address */
    bytes_u64(out, writer->module->functions[0].start);
    while (n--) {
        uint64_t opcode =
            one_in(choice, 4) ? choose(choice) & 0xff : 10 + choose_below(choice, 245);
        bytes_u8(out, opcode);
        if (opcode >= 2 && opcode <= 5)
            bytes_uleb(out, one_in(choice, 10) ? choose_evil(choice, 1) : choose_below(choice, 64));
    }
    bytes_put(out, "\0\x01\x01", 3); /* end_sequence */
}

static void put_lines(struct writer *writer, struct bytes *out, bool bomb)
{
    static const uint8_t lengths[] = {0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1};
    struct choice *choice = writer->choice;
    uint64_t version = 2 + choose_below(choice, 4);

    bytes_u32(out, 0);
    bytes_u16(out, version);
    if (version == 5)
        bytes_u16(out, 8);
    size_t header = out->size;
    bytes_u32(out, 0);
    bytes_u8(out, one_in(choice, 30) ? choose(choice) : 1);
    if (version >= 4)
        bytes_u8(out, one_in(choice, 30) ? choose(choice) : 1);
    bytes_u8(out, 1);
    bytes_u8(out, 0xfb);
    bytes_u8(out, one_in(choice, 20) ? choose_below(choice, 2) : 14); /* 0: a division */
    bytes_u8(out, one_in(choice, 20) ? choose(choice) : 13);
    bytes_put(out, lengths, sizeof lengths);
    if (version == 5)
        put_line_files_5(choice, out);
    else
        put_line_files(choice, out);
    bytes_u32_at(out, header,
                 one_in(choice, 30) ? choose_evil(choice, 40) : out->size - header - 4);
    put_line_program(writer, out, choose_size(choice, bomb ? 2000000 : 200));
    bytes_u32_at(out, 0, one_in(choice, 30) ? choose_evil(choice, out->size) : out->size - 4);
}

static void put_ranges(struct writer *writer, struct bytes *out, uint64_t n)
{
    while (n--) {
        const struct function *function =
            &writer->module->functions[choose_below(writer->choice, writer->module->n_functions)];
        bytes_u64(out, function->start);
        bytes_u64(out, function->start + (one_in(writer->choice, 20)
                                              ? choose_evil(writer->choice, function->size)
                                              : function->size));
    }
    bytes_fill(out, 0, 16);
}

static void put_addresses(struct writer *writer, struct bytes *out)
{
    bytes_u32(out, 0);
    bytes_u16(out, 2);
    bytes_u32(out, 0);
    bytes_u16(out, 8);
    bytes_u32(out, 0);
    put_ranges(writer, out, choose_size(writer->choice, 10));
    bytes_u32_at(out, 0,
                 one_in(writer->choice, 10) ? choose_evil(writer->choice, out->size)
                                            : out->size - 4);
}

/*
 * Bits of deflate's fixed code, from the lowest up: a zero, then "258 more of what was one byte
 * before" again and again.
 */
void packed_zeros(struct bytes *out, uint64_t size)
{
    uint64_t bits = 0x3 | 0xc << 3; /* last block, fixed code; the literal 0 is 00110000 */
    unsigned n_bits = 11;

    bytes_put(out, "\x78\x01", 2);
    for (uint64_t i = 0; i < size / 258; i++) {
        bits |= UINT64_C(0xa3) << n_bits; /* 285 is 11000101, distance 1 is 00000 */
        for (n_bits += 13; n_bits >= 8; n_bits -= 8, bits >>= 8)
            bytes_u8(out, bits);
    }
    bytes_u32(out, bits); /* end of block is seven zeros */
    bytes_u32(out, 0);
}

/* As it is, or with a header that says how much it would be when unpacked. */
static void
add_section(struct writer *writer, const char *name, const struct bytes *content, bool bomb)
{
    struct choice *choice = writer->choice;
    struct bytes packed = {0};
    Elf64_Chdr header = {.ch_type = ELFCOMPRESS_ZLIB, .ch_addralign = 1};

    if (!one_in(choice, bomb ? 2 : 20)) {
        (void) writer_add(writer, name, SHT_PROGBITS, 0, content);
        return;
    }
    uint64_t size = bomb ? choose_size(choice, UINT64_C(1) << 29) : choose_size(choice, 100000);
    header.ch_size = one_in(choice, 2) ? choose_evil(choice, size) : size;
    if (one_in(choice, 10))
        header.ch_type = (uint32_t) choose_below(choice, 4);
    bytes_put(&packed, &header, sizeof header);
    packed_zeros(&packed, size);
    (void) writer_add(writer, name, SHT_PROGBITS, SHF_COMPRESSED, &packed);
    bytes_release(&packed);
}

void dwarf_add(struct writer *writer, const struct wish *wish)
{
    static const char *const names[] = {".debug_abbrev",   ".debug_info",     ".debug_line",
                                        ".debug_ranges",   ".debug_aranges",  ".debug_str",
                                        ".debug_rnglists", ".debug_line_str", ".debug_str_offsets",
                                        ".debug_addr"};
    struct choice *choice = writer->choice;
    struct bytes parts[sizeof names / sizeof *names] = {{0}};

    if (!wish->only_debug && one_in(choice, 3))
        return;
    bool bomb = wish->bomb && one_in(choice, 2);
    put_abbreviations(choice, &parts[0]);
    for (uint64_t n = choose_size(choice, 6); n; n--)
        put_unit(writer, &parts[1], bomb);
    put_lines(writer, &parts[2], bomb);
    put_ranges(writer, &parts[3], choose_size(choice, bomb ? 200000 : 20));
    put_addresses(writer, &parts[4]);
    symbols_name(choice, bomb, &parts[5]);
    for (size_t i = 6; i < sizeof names / sizeof *names; i++)
        for (uint64_t n = choose_size(choice, 200); n; n--)
            bytes_u8(&parts[i], choose(choice) & choose(choice));
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (!one_in(choice, i < 3 ? 50 : 4))
            add_section(writer, names[i], &parts[i], bomb);
        bytes_release(&parts[i]);
    }
}
