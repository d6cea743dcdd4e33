/* SPDX-License-Identifier: Apache-2.0 */
/* Files with sections that are as they should be, or lie. */
#include "sl_test.h"

#include <elf.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <libdeflate.h>

#include "base/macros.h"
#include "harness/snapshot/module/section.h"

#define NAMES "\0.names\0.plain\0.packed"

enum { NONE, STRINGS, PLAIN, PACKED, N_SECTIONS };

/* A file with two sections: bytes as they are, and the same compressed. */
struct file {
    Elf64_Ehdr header;
    Elf64_Shdr sections[N_SECTIONS];
    char names[sizeof NAMES];
    char plain[64];
    struct {
        Elf64_Chdr header;
        unsigned char data[256];
    } packed;
};

static struct file make_file(void)
{
    struct file file = {
        .header = {.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB},
                   .e_shoff = offsetof(struct file, sections),
                   .e_shentsize = sizeof(Elf64_Shdr),
                   .e_shnum = N_SECTIONS,
                   .e_shstrndx = STRINGS},
        .names = NAMES,
        .plain = "contents"};
    struct libdeflate_compressor *compressor = libdeflate_alloc_compressor(6);

    cr_assert(compressor);
    size_t size = libdeflate_zlib_compress(compressor, file.plain, sizeof file.plain,
                                           file.packed.data, sizeof file.packed.data);
    libdeflate_free_compressor(compressor);
    cr_assert(size);
    file.packed.header = (Elf64_Chdr){.ch_type = ELFCOMPRESS_ZLIB, .ch_size = sizeof file.plain};
    file.sections[STRINGS] = (Elf64_Shdr){.sh_name = 1,
                                          .sh_type = SHT_STRTAB,
                                          .sh_offset = offsetof(struct file, names),
                                          .sh_size = sizeof file.names};
    file.sections[PLAIN] = (Elf64_Shdr){.sh_name = 8,
                                        .sh_type = SHT_PROGBITS,
                                        .sh_addr = 0x1000,
                                        .sh_offset = offsetof(struct file, plain),
                                        .sh_size = sizeof file.plain};
    file.sections[PACKED] = (Elf64_Shdr){.sh_name = 15,
                                         .sh_type = SHT_PROGBITS,
                                         .sh_flags = SHF_COMPRESSED,
                                         .sh_offset = offsetof(struct file, packed),
                                         .sh_size = sizeof(Elf64_Chdr) + size};
    return file;
}

static int write_file(const struct file *file)
{
    int fd = memfd_create("object", MFD_CLOEXEC);
    cr_assert(fd >= 0 && write(fd, file, sizeof *file) == sizeof *file);
    return fd;
}

static bool has(const struct file *file, const char *name)
{
    SL_AUTO_FD int fd = write_file(file);
    struct sl_section section;
    return sl_section_find(fd, name, &section);
}

static bool loads(const struct file *file, const char *name, size_t most)
{
    SL_AUTO_FD int fd = write_file(file);
    SL_AUTO_FREE uint8_t *data = NULL;
    size_t size = 0;

    if (!sl_section_load(fd, name, most, &data, &size))
        return false;
    cr_assert(size == sizeof file->plain && memcmp(data, file->plain, size) == 0);
    return true;
}

SL_TEST(section, a_section_is_found_by_its_name)
{
    const struct file file = make_file();
    SL_AUTO_FD int fd = write_file(&file);
    struct sl_section section;

    cr_assert(sl_section_find(fd, ".plain", &section));
    cr_assert(section.address == 0x1000 && section.size == sizeof file.plain &&
              section.offset == offsetof(struct file, plain) && !section.compressed);
    cr_assert_not(sl_section_find(fd, ".plai", &section));
    cr_assert_not(sl_section_find(-1, ".plain", &section));
}

SL_TEST(section, more_sections_than_a_number_holds_are_counted_in_the_first)
{
    struct file file = make_file();

    file.header.e_shnum = 0;
    file.header.e_shstrndx = SHN_XINDEX;
    file.sections[NONE].sh_size = N_SECTIONS;
    file.sections[NONE].sh_link = STRINGS;
    cr_assert(has(&file, ".plain"));
    file.sections[NONE].sh_size = UINT64_C(1) << 58;
    cr_assert_not(has(&file, ".plain"));
    file.sections[NONE].sh_size = N_SECTIONS;
    file.sections[NONE].sh_link = N_SECTIONS;
    cr_assert_not(has(&file, ".plain"));
}

SL_TEST(section, what_does_not_lie_in_the_file_is_not_there)
{
    struct file file = make_file();
    Elf64_Shdr *plain = &file.sections[PLAIN];

    plain->sh_size = sizeof file;
    cr_assert_not(has(&file, ".plain"));
    plain->sh_size = UINT64_MAX - plain->sh_offset + 8;
    cr_assert_not(has(&file, ".plain"), "their sum wraps around");
    plain->sh_size = 8;
    plain->sh_offset = UINT64_MAX - 4;
    cr_assert_not(has(&file, ".plain"));
    file = make_file();
    file.sections[STRINGS].sh_size = UINT64_MAX;
    cr_assert_not(has(&file, ".plain"));
    file = make_file();
    file.sections[PLAIN].sh_name = UINT32_MAX;
    cr_assert_not(has(&file, ".plain"));
    cr_assert(has(&file, ".packed"), "the others still have names");
    file.header.e_shoff = sizeof file - 8;
    cr_assert_not(has(&file, ".packed"));
}

SL_TEST(section, what_is_packed_is_unpacked_within_bounds)
{
    struct file file = make_file();
    const size_t most = sizeof file.plain;

    cr_assert(loads(&file, ".packed", 4096) && loads(&file, ".plain", most));
    cr_assert_not(loads(&file, ".packed", most - 1));
    cr_assert_not(loads(&file, ".plain", most - 1));
    file.packed.header.ch_size = UINT64_C(3) << 30;
    cr_assert_not(loads(&file, ".packed", 4096), "as large as it says");
    file.packed.header.ch_size = most / 2;
    cr_assert_not(loads(&file, ".packed", 4096), "larger than it says");
    file.packed.header.ch_size = 2 * most;
    cr_assert_not(loads(&file, ".packed", 4096), "smaller than it says");
    file = make_file();
    file.packed.header.ch_type = ELFCOMPRESS_ZLIB + 1;
    cr_assert_not(loads(&file, ".packed", 4096));
    file = make_file();
    memset(file.packed.data, 0xff, sizeof file.packed.data);
    cr_assert_not(loads(&file, ".packed", 4096));
    file.sections[PACKED].sh_size = 8;
    cr_assert_not(loads(&file, ".packed", 4096));
}
