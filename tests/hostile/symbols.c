/* SPDX-License-Identifier: Apache-2.0 */
/* Symbols with their names, links to other files, and symbols that are packed. */
#include <lzma.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "module.h"

/* What debuggers ask of libc.so.6 and of its loader. */
static const char *const library_names[] = {
    "__nptl_version",
    "_thread_db_pthread_list",
    "_thread_db_pthread_tid",
    "_thread_db_pthread_cancelhandling",
    "_thread_db_pthread_start_routine",
    "_thread_db_rtld_global__dl_stack_used",
    "_thread_db_rtld_global__dl_stack_user",
    "_rtld_global",
    "__pthread_mutex_lock",
    "__futex_abstimed_wait_common",
};

/* Each part stands for all that was there before, twice: the name doubles with every one. */
static void put_doubling(struct choice *choice, bool bomb, struct bytes *name)
{
    uint64_t n = bomb ? choose_size(choice, 40) : choose_below(choice, 8);
    char part[8];

    bytes_put(name, "_Z1fI1XIiE", 10);
    for (uint64_t i = 0; i < n; i++) {
        (void) snprintf(part, sizeof part, "S%c_S%c_", (int) ('0' + i % 10), (int) ('0' + i % 10));
        bytes_put(name, "1XI", 3);
        bytes_put(name, part, strlen(part));
        bytes_put(name, "E", 1);
    }
    bytes_put(name, "Evv", 3);
}

static void put_nested(struct choice *choice, bool bomb, struct bytes *name)
{
    static const char *const steps[] = {"P",   "N1a",  "FvP", "M1a", "I",       "_RNv",
                                        "A1_", "DpT_", "XL",  "cv",  "_RINvB0_"};
    uint64_t n = choose_size(choice, bomb ? 300000 : 60);
    const char *step = steps[choose_below(choice, 11)];

    bytes_put(name, one_in(choice, 3) ? "_R" : "_Z1f", one_in(choice, 3) ? 2 : 4);
    while (n--)
        bytes_put(name, step, strlen(step));
}

void symbols_name(struct choice *choice, bool bomb, struct bytes *name)
{
    static const char *const texts[] = {"\x1b]0;title\x07",
                                        "a\nb\r",
                                        "\xe2\x80\xae"
                                        "evil",
                                        "\xc2\x9b"
                                        "31m",
                                        "\xff\xfe",
                                        "a\tb",
                                        "_ZN3std6thread4park17h0123456789abcdefE",
                                        "main",
                                        "_ZNSt6vectorIiSaIiEE9push_backEOi",
                                        "_RNvC6_123foo3bar",
                                        "_RNvNtNtCs1234_3std6thread9functions4park",
                                        "\xe2\x81\xa6x\xe2\x81\xa9",
                                        "%s%n",
                                        "\"quote\\",
                                        "_Z",
                                        "_R",
                                        "?",
                                        "start_thread",
                                        "clone3",
                                        "sem_wait"};

    switch (choose_below(choice, 8)) {
    case 0:
        put_doubling(choice, bomb, name);
        break;
    case 1:
        put_nested(choice, bomb, name);
        break;
    case 2:
        bytes_fill(name, (uint8_t) ('a' + choose_below(choice, 20)),
                   choose_size(choice, bomb ? 1 << 20 : 300));
        break;
    case 3:
        for (uint64_t n = choose_below(choice, 40); n; n--)
            bytes_u8(name, 1 + choose_below(choice, 255));
        break;
    default: {
        const char *text = texts[choose_below(choice, 20)];
        bytes_put(name, text, strlen(text));
    }
    }
    bytes_u8(name, 0);
}

static void put_symbol(struct choice *choice, const struct function *function, uint64_t name,
                       struct bytes *symbols)
{
    Elf64_Sym symbol = {.st_name = (uint32_t) name,
                        .st_info = ELF64_ST_INFO(choose_below(choice, 3), STT_FUNC),
                        .st_shndx = 1,
                        .st_value = function->start,
                        .st_size = one_in(choice, 4) ? 0 : function->size};

    if (one_in(choice, 30))
        symbol.st_value = choose_evil(choice, symbol.st_value);
    if (one_in(choice, 30))
        symbol.st_size = choose_evil(choice, symbol.st_size);
    if (one_in(choice, 60))
        symbol.st_name = (uint32_t) choose_evil(choice, name);
    if (one_in(choice, 30))
        symbol.st_info = (uint8_t) choose(choice);
    if (one_in(choice, 30))
        symbol.st_shndx = (uint16_t) choose(choice);
    bytes_put(symbols, &symbol, sizeof symbol);
}

static void put_library(struct writer *writer, struct bytes *symbols, struct bytes *names)
{
    const struct module *module = writer->module;

    for (size_t i = 0; i < sizeof library_names / sizeof *library_names; i++) {
        Elf64_Sym symbol = {.st_name = (uint32_t) names->size,
                            .st_info = ELF64_ST_INFO(STB_GLOBAL, STT_OBJECT),
                            .st_shndx = 1,
                            .st_value = module->functions[0].start + 16 * i,
                            .st_size = 16};
        bytes_text(names, library_names[i]);
        bytes_put(symbols, &symbol, sizeof symbol);
    }
}

static void add_table(struct writer *writer, const struct wish *wish, bool dynamic)
{
    const struct module *module = writer->module;
    struct choice *choice = writer->choice;
    struct bytes symbols = {0}, names = {0};
    uint64_t more = wish->bomb && one_in(choice, 4) ? choose_size(choice, 200000) : 0;

    bytes_u8(&names, 0);
    bytes_fill(&symbols, 0, sizeof(Elf64_Sym));
    if (wish->is_library)
        put_library(writer, &symbols, &names);
    for (uint64_t i = 0; i < module->n_functions + more; i++) {
        uint64_t name = one_in(choice, 10) || i > module->n_functions ? names.size / 2 : names.size;
        if (name == names.size)
            symbols_name(choice, wish->bomb && one_in(choice, 4), &names);
        put_symbol(choice, &module->functions[i % module->n_functions], name, &symbols);
    }
    uint64_t flags = dynamic ? SHF_ALLOC : 0;
    size_t at = writer_add(writer, dynamic ? ".dynstr" : ".strtab", SHT_STRTAB, flags, &names);
    size_t table = writer_add(writer, dynamic ? ".dynsym" : ".symtab",
                              dynamic ? SHT_DYNSYM : SHT_SYMTAB, flags, &symbols);
    writer->sections[table].header.sh_link = (uint32_t) at;
    writer->sections[table].header.sh_info = 1;
    writer->sections[table].header.sh_entsize = sizeof(Elf64_Sym);
    bytes_release(&symbols);
    bytes_release(&names);
}

static void add_dynamic(struct writer *writer)
{
    struct choice *choice = writer->choice;
    struct bytes hash = {0}, dynamic = {0};
    const Elf64_Shdr *names = &writer->sections[writer->n_sections - 2].header;
    const Elf64_Shdr *symbols = &writer->sections[writer->n_sections - 1].header;
    uint64_t n = symbols->sh_size / sizeof(Elf64_Sym), hash_at = writer_address(writer);

    bytes_u32(&hash, 1);
    bytes_u32(&hash, one_in(choice, 6) ? choose_evil(choice, n) : n);
    bytes_fill(&hash, 0, (size_t) n * 4 + 4);
    (void) writer_add(writer, ".hash", SHT_HASH, SHF_ALLOC, &hash);
    const Elf64_Dyn entries[] = {
        {DT_STRTAB, {names->sh_addr}},
        {DT_SYMTAB, {symbols->sh_addr}},
        {DT_STRSZ, {one_in(choice, 6) ? choose_evil(choice, names->sh_size) : names->sh_size}},
        {one_in(choice, 3) ? DT_GNU_HASH : DT_HASH, {hash_at}},
        {DT_DEBUG, {choose_evil(choice, hash_at)}},
        {DT_NULL, {0}}};
    bytes_put(&dynamic, entries, sizeof entries - (one_in(choice, 6) ? sizeof entries[0] : 0));
    uint64_t address = writer_address(writer);
    (void) writer_add(writer, ".dynamic", SHT_DYNAMIC, SHF_ALLOC | SHF_WRITE, &dynamic);
    writer->others[writer->n_others++] = (Elf64_Phdr){
        .p_type = PT_DYNAMIC,
        .p_flags = PF_R,
        .p_offset = address - writer->base,
        .p_vaddr = address,
        .p_filesz = dynamic.size,
        .p_memsz = one_in(choice, 10) ? choose_evil(choice, dynamic.size) : dynamic.size,
        .p_align = 8};
    bytes_release(&hash);
    bytes_release(&dynamic);
}

void links_add(struct writer *writer, const struct wish *wish)
{
    struct bytes link = {0}, alternate = {0};

    if (wish->debug_link) {
        bytes_text(&link, wish->debug_link);
        bytes_align(&link, 4);
        bytes_u32(&link, wish->debug_sum);
        (void) writer_add(writer, ".gnu_debuglink", SHT_PROGBITS, 0, &link);
        bytes_release(&link);
    }
    if (wish->alternate_link) {
        bytes_text(&alternate, wish->alternate_link);
        bytes_fill(&alternate, ALTERNATE_ID, one_in(writer->choice, 4) ? 70 : 20);
        (void) writer_add(writer, ".gnu_debugaltlink", SHT_PROGBITS, 0, &alternate);
        bytes_release(&alternate);
    }
}

/* .gnu_debugdata: an ELF file of its own, something else, or a lot of it. */
static void add_packed(struct writer *writer, const struct wish *wish)
{
    struct choice *choice = writer->choice;
    struct bytes content = {0};
    size_t size = 0;

    if (wish->bomb && one_in(choice, 3))
        bytes_fill(&content, 0, (size_t) 8 << 20 << choose_below(choice, 4));
    else
        bytes_put(&content, writer->module->file.data, writer->module->file.size);
    size_t capacity = lzma_stream_buffer_bound(content.size);
    uint8_t *packed = malloc(capacity);
    if (packed && lzma_easy_buffer_encode(0, LZMA_CHECK_CRC32, NULL, content.data, content.size,
                                          packed, &size, capacity) == LZMA_OK) {
        const struct bytes section = {.data = packed, .size = size};
        if (one_in(choice, 3) && size)
            packed[choose_below(choice, size)] ^= (uint8_t) choose(choice);
        (void) writer_add(writer, ".gnu_debugdata", SHT_PROGBITS, 0, &section);
    }
    free(packed);
    bytes_release(&content);
}

void symbols_add(struct writer *writer, const struct wish *wish)
{
    struct choice *choice = writer->choice;

    if (wish->is_library || one_in(choice, 2)) {
        add_table(writer, wish, true);
        add_dynamic(writer);
    }
    if (one_in(choice, 2))
        add_table(writer, wish, false);
    if (one_in(choice, 12))
        add_packed(writer, wish);
}
