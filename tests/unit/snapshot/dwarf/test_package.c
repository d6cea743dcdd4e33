/* SPDX-License-Identifier: Apache-2.0 */
/* Packages of split units, put together by hand. */
#include "sl_test.h"

#include <elf.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/macros.h"
#include "harness/snapshot/dwarf/package.h"

#define NAMES "\0.names\0.debug_cu_index\0.debug_info.dwo"

enum { NONE, STRINGS, INDEX, INFO, N_SECTIONS };

/* Two units, whose parts of the only section are "one" and "second". */
struct index {
    uint32_t version, n_columns, n_units, n_slots;
    uint64_t signatures[2];
    uint32_t rows[2], columns[1], offsets[2], sizes[2];
};

struct file {
    Elf64_Ehdr header;
    Elf64_Shdr sections[N_SECTIONS];
    char names[sizeof NAMES];
    struct index index;
    char info[10];
};

static Elf64_Shdr section_of(uint32_t name, size_t offset, size_t size)
{
    return (Elf64_Shdr){
        .sh_name = name, .sh_type = SHT_PROGBITS, .sh_offset = offset, .sh_size = size};
}

static int make_package(void)
{
    struct file file = {
        .header = {.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB},
                   .e_shoff = offsetof(struct file, sections),
                   .e_shentsize = sizeof(Elf64_Shdr),
                   .e_shnum = N_SECTIONS,
                   .e_shstrndx = STRINGS},
        .names = NAMES,
        .index = {.version = 5,
                  .n_columns = 1,
                  .n_units = 2,
                  .n_slots = 2,
                  .signatures = {77, 88},
                  .rows = {2, 1},
                  .columns = {1},
                  .offsets = {0, 3},
                  .sizes = {3, 6}},
        .info = "onesecond"};
    file.sections[STRINGS] = section_of(1, offsetof(struct file, names), sizeof file.names);
    file.sections[STRINGS].sh_type = SHT_STRTAB;
    file.sections[INDEX] = section_of(8, offsetof(struct file, index), sizeof file.index);
    file.sections[INFO] = section_of(24, offsetof(struct file, info), sizeof file.info - 1);

    int fd = memfd_create("package", MFD_CLOEXEC);
    cr_assert(fd >= 0 && write(fd, &file, sizeof file) == sizeof file);
    return fd;
}

static void assert_unit(struct sl_package *package, uint64_t id, const char *info)
{
    struct sl_debug_file file;

    (void) elf_version(EV_CURRENT);
    cr_assert(sl_package_find(package, id, &file));
    Elf_Data *data = elf_getdata(elf_getscn(file.elf, 1), NULL);
    cr_assert(data && data->d_size == strlen(info) && !memcmp(data->d_buf, info, data->d_size));
    sl_debug_file_close(&file);
}

SL_TEST(package, each_unit_has_its_part_of_a_section)
{
    struct sl_package *package = sl_package_new(make_package());
    struct sl_debug_file file;

    cr_assert_not_null(package);
    assert_unit(package, 77, "second");
    assert_unit(package, 88, "one");
    cr_assert_not(sl_package_find(package, 99, &file));
    cr_assert(!file.elf && file.fd == -1);
    sl_package_free(package);
}

SL_TEST(package, the_descriptor_is_taken_whether_it_is_a_package_or_not)
{
    int fd = make_package(), other = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

    cr_assert_geq(other, 0);
    sl_package_free(sl_package_new(fd));
    cr_assert_null(sl_package_new(other));
    cr_assert_null(sl_package_new(-1));
    cr_assert(fcntl(fd, F_GETFD) < 0 && fcntl(other, F_GETFD) < 0);
}
