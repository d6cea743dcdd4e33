/* SPDX-License-Identifier: Apache-2.0 */
/* Symbols of a made-up object: a section of code from 0x1000 to 0x1100, one of data behind it. */
#include "sl_test.h"

#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "harness/snapshot/symbol/table.h"

enum { NONE, CODE, DATA, SYMBOLS, NAMES, N_SECTIONS };

struct symbol {
    const char *name;
    uint64_t start, size;
    unsigned char type, binding;
    uint16_t section;
};

static struct {
    Elf64_Ehdr header;
    Elf64_Shdr sections[N_SECTIONS];
    Elf64_Sym symbols[16];
    char names[512];
} image;

static void make_image(const struct symbol *symbols, size_t n)
{
    size_t names = 1;

    memset(&image, 0, sizeof image);
    image.header = (Elf64_Ehdr){
        .e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
        .e_type = ET_DYN,
        .e_machine = EM_X86_64,
        .e_version = EV_CURRENT,
        .e_ehsize = sizeof image.header,
        .e_shoff = offsetof(__typeof__(image), sections),
        .e_shentsize = sizeof(Elf64_Shdr),
        .e_shnum = N_SECTIONS};
    for (size_t i = 0; i < n; i++) {
        image.symbols[i] =
            (Elf64_Sym){.st_name = (Elf64_Word) names,
                        .st_value = symbols[i].start,
                        .st_size = symbols[i].size,
                        .st_info = ELF64_ST_INFO(symbols[i].binding, symbols[i].type),
                        .st_shndx = symbols[i].section};
        strcpy(image.names + names, symbols[i].name);
        names += strlen(symbols[i].name) + 1;
    }
    image.sections[CODE] = (Elf64_Shdr){.sh_type = SHT_NOBITS,
                                        .sh_flags = SHF_ALLOC | SHF_EXECINSTR,
                                        .sh_addr = 0x1000,
                                        .sh_size = 0x100};
    image.sections[DATA] = (Elf64_Shdr){
        .sh_type = SHT_NOBITS, .sh_flags = SHF_ALLOC, .sh_addr = 0x1100, .sh_size = 0x100};
    image.sections[SYMBOLS] = (Elf64_Shdr){.sh_type = SHT_SYMTAB,
                                           .sh_offset = offsetof(__typeof__(image), symbols),
                                           .sh_size = n * sizeof(Elf64_Sym),
                                           .sh_entsize = sizeof(Elf64_Sym),
                                           .sh_link = NAMES};
    image.sections[NAMES] = (Elf64_Shdr){.sh_type = SHT_STRTAB,
                                         .sh_offset = offsetof(__typeof__(image), names),
                                         .sh_size = sizeof image.names};
}

/* The name found for each address; NULL: none. */
static void check(const struct symbol *symbols, size_t n, const uint64_t *addresses,
                  const char *const *expected, size_t n_addresses)
{
    struct sl_symbol_table table = {0};

    make_image(symbols, n);
    (void) elf_version(EV_CURRENT);
    Elf *elf = elf_memory((char *) &image, sizeof image);
    (void) sl_symbol_table_add(&table, elf, SHT_SYMTAB);
    sl_symbol_table_sort(&table);
    for (size_t i = 0; i < n_addresses; i++) {
        const struct sl_symbol *symbol = sl_symbol_table_find(&table, addresses[i]);
        const char *name = symbol ? symbol->name : NULL;
        cr_assert(!name == !expected[i] && (!name || strcmp(name, expected[i]) == 0),
                  "%#lx: %s, not %s", (unsigned long) addresses[i], name, expected[i]);
    }
    sl_symbol_table_release(&table);
    (void) elf_end(elf);
}

SL_TEST(symbol_table, a_symbol_without_a_size_ends_at_the_next_one_or_with_its_section)
{
    static const struct symbol symbols[] = {
        {"first", 0x1000, 0, STT_FUNC, STB_GLOBAL, CODE},
        {"second", 0x1020, 0x10, STT_FUNC, STB_GLOBAL, CODE},
        {"third", 0x1040, 0, STT_NOTYPE, STB_LOCAL, CODE},
    };
    static const uint64_t at[] = {0x0fff, 0x1000, 0x101f, 0x1020, 0x1030, 0x1040, 0x10ff, 0x1100};
    static const char *const names[] = {NULL, "first", "first", "second",
                                        NULL, "third", "third", NULL};
    check(symbols, SL_COUNT_OF(symbols), at, names, SL_COUNT_OF(at));
}

SL_TEST(symbol_table, a_label_within_a_function_is_none)
{
    static const struct symbol symbols[] = {
        {"function", 0x1010, 0x40, STT_FUNC, STB_LOCAL, CODE},
        {"again", 0x1020, 0, STT_NOTYPE, STB_LOCAL, CODE},
        {"a", 0x1010, 0, STT_FUNC, STB_GLOBAL, CODE},
    };
    static const uint64_t at[] = {0x1010, 0x1020, 0x104f, 0x1050};
    static const char *const names[] = {"function", "function", "function", NULL};
    check(symbols, SL_COUNT_OF(symbols), at, names, SL_COUNT_OF(at));
}

SL_TEST(symbol_table, marks_of_linkers_and_compilers_are_no_functions)
{
    static const struct symbol symbols[] = {
        {"function", 0x1000, 0, STT_FUNC, STB_GLOBAL, CODE},
        {".annobin_main.c", 0x1010, 0, STT_NOTYPE, STB_LOCAL, CODE},
        {"$x", 0x1018, 0, STT_NOTYPE, STB_LOCAL, CODE},
        {"_end_of_code", 0x1100, 0, STT_NOTYPE, STB_GLOBAL, CODE},
        {"__bss_start", 0x1110, 0, STT_NOTYPE, STB_GLOBAL, DATA},
        {"absolute", 0x1020, 0, STT_NOTYPE, STB_GLOBAL, SHN_ABS},
    };
    static const uint64_t at[] = {0x1010, 0x1020, 0x10ff, 0x1100, 0x1110};
    static const char *const names[] = {"function", "function", "function", NULL, NULL};
    check(symbols, SL_COUNT_OF(symbols), at, names, SL_COUNT_OF(at));
}

SL_TEST(symbol_table, names_as_long_as_the_file_that_share_their_end_are_sorted_at_once)
{
    enum { LENGTH = 1 << 20, N = 200000 };
    const Elf64_Sym symbol = {
        .st_value = 0x1000, .st_size = 16, .st_info = STT_FUNC, .st_shndx = CODE};
    struct sl_symbol_table table = {0};
    SL_AUTO_FREE char *name = malloc(LENGTH + 1);

    cr_assert_not_null(name);
    memset(name, 'a', LENGTH);
    name[LENGTH] = '\0';
    for (size_t i = 0; i < N; i++)
        cr_assert(sl_symbol_table_put(&table, &symbol, name + i % (LENGTH - 1)));
    cr_assert(sl_symbol_table_put(&table, &symbol, "short"));
    sl_symbol_table_sort(&table);
    cr_assert_str_eq(sl_symbol_table_find(&table, 0x1000)->name, "short");
    sl_symbol_table_release(&table);
}
