/* SPDX-License-Identifier: Apache-2.0 */
/* Names of objects whose files say that there is more to read than anybody should. */
#include "sl_test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/macros.h"
#include "harness/snapshot/dwarf/file.h"
#include "harness/snapshot/dwarf/memory.h"
#include "harness/snapshot/symbol/object.h"

#define MIB          ((uint64_t) 1024 * 1024)
#define MAX_SECTIONS 200

/* A file being made: code at 0x1000, a symbol "park" for it, and what a test adds. */
struct made {
    Elf64_Shdr sections[MAX_SECTIONS];
    size_t n;
    char names[4096];
    size_t n_names;
    int fd;
    off_t end;
};

static void
add_section(struct made *made, const char *name, Elf64_Shdr header, const void *data, size_t size)
{
    if (data) {
        header.sh_offset = (Elf64_Off) made->end;
        header.sh_size = size;
        cr_assert(pwrite(made->fd, data, size, made->end) == (ssize_t) size);
        made->end += (off_t) (size + 15) / 16 * 16;
    }
    header.sh_name = (Elf64_Word) made->n_names;
    header.sh_addralign = 1;
    made->n_names += (size_t) snprintf(made->names + made->n_names,
                                       sizeof made->names - made->n_names, "%s", name) +
                     1;
    cr_assert(made->n < MAX_SECTIONS && made->n_names < sizeof made->names);
    made->sections[made->n++] = header;
}

static struct made begin(void)
{
    static const char code[256], strings[] = "\0park";
    const Elf64_Sym symbols[] = {{0},
                                 {.st_name = 1,
                                  .st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC),
                                  .st_shndx = 1,
                                  .st_value = 0x1000,
                                  .st_size = 256}};
    struct made made = {.n = 1, .n_names = 1, .fd = memfd_create("made", MFD_CLOEXEC)};

    cr_assert(made.fd >= 0);
    made.end = 4096;
    add_section(&made, ".text",
                (Elf64_Shdr){.sh_type = SHT_PROGBITS,
                             .sh_flags = SHF_ALLOC | SHF_EXECINSTR,
                             .sh_addr = 0x1000},
                code, sizeof code);
    add_section(&made, ".strtab", (Elf64_Shdr){.sh_type = SHT_STRTAB}, strings, sizeof strings);
    add_section(
        &made, ".symtab",
        (Elf64_Shdr){
            .sh_type = SHT_SYMTAB, .sh_link = 2, .sh_info = 1, .sh_entsize = sizeof(Elf64_Sym)},
        symbols, sizeof symbols);
    return made;
}

static void end(struct made *made)
{
    Elf64_Ehdr header = {
        .e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
        .e_type = ET_DYN,
        .e_machine = EM_X86_64,
        .e_version = EV_CURRENT,
        .e_ehsize = sizeof header,
        .e_shentsize = sizeof(Elf64_Shdr)};

    add_section(made, ".shstrtab", (Elf64_Shdr){.sh_type = SHT_STRTAB}, made->names,
                sizeof made->names);
    cr_assert(pwrite(made->fd, made->names, sizeof made->names,
                     (off_t) made->sections[made->n - 1].sh_offset) == sizeof made->names);
    header.e_shnum = (Elf64_Half) made->n;
    header.e_shstrndx = (Elf64_Half) (made->n - 1);
    header.e_shoff = (Elf64_Off) made->end;
    size_t size = made->n * sizeof *made->sections;
    cr_assert(pwrite(made->fd, made->sections, size, made->end) == (ssize_t) size);
    cr_assert(pwrite(made->fd, &header, sizeof header, 0) == sizeof header);
}

static int open_none(void *context, const char *path)
{
    (void) context;
    (void) path;
    return -1;
}

/* The file has its symbol.  @return whether its debug information was too large */
static bool is_too_large(struct made *made, uint64_t max_bytes)
{
    SL_AUTO(sl_arena) struct sl_arena *arena = sl_arena_new();
    const struct sl_range code = {0x1000, 0x1100};
    const struct sl_debugged debugged = {
        .path = "/made", .code = &code, .n_code = 1, .open = open_none, .max_bytes = max_bytes};
    struct sl_symbol_files files = {.file = made->fd, .debug = -1, .alternate = -1};
    struct sl_code_names names;

    end(made);
    struct sl_object *object = sl_object_new(&files, true, &debugged);
    cr_assert(object && arena);
    cr_assert_eq(sl_object_look_up(object, 0x1010, arena, &names), SL_OK);
    cr_assert_str_eq(names.symbol, "park");
    sl_object_free(object);
    return names.too_large;
}

/* A section that says it has this size unpacked. */
static void add_packed(struct made *made, const char *name, uint64_t size)
{
    const struct {
        Elf64_Chdr header;
        char data[16];
    } packed = {.header = {.ch_type = ELFCOMPRESS_ZLIB, .ch_size = size, .ch_addralign = 1}};

    add_section(made, name, (Elf64_Shdr){.sh_type = SHT_PROGBITS, .sh_flags = SHF_COMPRESSED},
                &packed, sizeof packed);
}

SL_TEST(symbol_object, sections_that_unpack_to_more_than_there_is_are_left_out)
{
    struct made small = begin(), large = begin();

    add_packed(&small, ".debug_info", MIB);
    cr_assert(!is_too_large(&small, 64 * MIB));
    add_packed(&large, ".debug_info", 3072 * MIB);
    cr_assert(is_too_large(&large, 64 * MIB));
}

SL_TEST(symbol_object, packed_symbols_that_cannot_be_unpacked_are_told)
{
    static const char data[] = "\xfd"
                               "7zXZ";
    struct made made = begin();

    made.sections[3].sh_type = SHT_DYNSYM; /* packed ones are asked for where there is no other */
    add_section(&made, ".gnu_debugdata", (Elf64_Shdr){.sh_type = SHT_PROGBITS}, data, sizeof data);
    cr_assert(is_too_large(&made, 64 * MIB));
}

SL_TEST(symbol_object, a_size_of_the_old_kind_counts_as_well)
{
    static const char data[] = "ZLIB\0\0\0\1\0\0\0\0x"; /* 4 GiB */
    struct made made = begin();

    add_section(&made, ".zdebug_info", (Elf64_Shdr){.sh_type = SHT_PROGBITS}, data, sizeof data);
    cr_assert(is_too_large(&made, 64 * MIB));
}

SL_TEST(symbol_object, sections_that_share_their_bytes_count_each)
{
    struct made few = begin(), many = begin();
    const Elf64_Shdr shared = {.sh_type = SHT_PROGBITS, .sh_offset = 4096, .sh_size = MIB};

    cr_assert(ftruncate(few.fd, 2 * MIB) == 0 && ftruncate(many.fd, 2 * MIB) == 0);
    few.end = many.end = 2 * MIB;
    for (size_t i = 0; i < 10; i++)
        add_section(&few, ".debug_str", shared, NULL, 0);
    cr_assert(!is_too_large(&few, 64 * MIB));
    for (size_t i = 0; i < 100; i++)
        add_section(&many, ".debug_str", shared, NULL, 0);
    cr_assert(is_too_large(&many, 64 * MIB));
}

/* A look-up in the middle of which libdw finds no memory: it calls a handler. */
static void run_out(void *handler)
{
    (*(Dwarf_OOM *) handler)();
}

static void do_nothing(void *context)
{
    (void) context;
}

SL_TEST(symbol_object, a_look_up_without_memory_is_left_and_the_next_one_is_not)
{
    struct sl_debug_file file;

    cr_assert(sl_debug_file_open(open("/proc/self/exe", O_RDONLY | O_CLOEXEC), &file));
    cr_assert(sl_debug_file_read(&file, UINT64_MAX));
    Dwarf_OOM handler = dwarf_new_oom_handler(file.dwarf, NULL);
    cr_assert(handler);
    cr_assert(!sl_dwarf_attempt(run_out, &handler));
    cr_assert(sl_dwarf_attempt(do_nothing, NULL));
    cr_assert(!sl_dwarf_attempt(run_out, &handler));
    sl_debug_file_close(&file);
}
