/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/snapshot/elf_section.h"

#include <elf.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/macros.h"

#define MAX_SECTION ((uint64_t) 1 << 30)

static bool read_at(int fd, void *data, size_t size, uint64_t offset)
{
    return pread(fd, data, size, (off_t) offset) == (ssize_t) size;
}

static bool read_section(int fd, const Elf64_Ehdr *header, uint64_t number, Elf64_Shdr *ret_section)
{
    return read_at(fd, ret_section, sizeof *ret_section,
                   header->e_shoff + number * sizeof *ret_section);
}

static bool name_is(int fd, const Elf64_Shdr *names, const Elf64_Shdr *section, const char *name)
{
    char found[32];
    size_t size = strlen(name) + 1;
    return size <= sizeof found && section->sh_name < names->sh_size &&
           size <= names->sh_size - section->sh_name &&
           read_at(fd, found, size, names->sh_offset + section->sh_name) &&
           memcmp(found, name, size) == 0;
}

bool sl_elf_section_find(int fd, const char *name, struct sl_elf_section *ret_section)
{
    Elf64_Ehdr header;
    Elf64_Shdr first, names, section;
    struct stat stat;

    if (fstat(fd, &stat) || !read_at(fd, &header, sizeof header, 0) ||
        memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_ident[EI_CLASS] != ELFCLASS64 ||
        !header.e_shoff || header.e_shentsize != sizeof section ||
        !read_section(fd, &header, 0, &first))
        return false;
    /* Files with more sections than fit into the header keep the numbers in section 0. */
    uint64_t n = header.e_shnum ? header.e_shnum : first.sh_size;
    uint64_t names_at = header.e_shstrndx == SHN_XINDEX ? first.sh_link : header.e_shstrndx;
    if (n > (uint64_t) stat.st_size / sizeof section || names_at >= n ||
        !read_section(fd, &header, names_at, &names))
        return false;
    for (uint64_t i = 1; i < n; i++) {
        if (!read_section(fd, &header, i, &section))
            return false;
        if (!name_is(fd, &names, &section, name))
            continue;
        if (section.sh_type == SHT_NOBITS || (section.sh_flags & SHF_COMPRESSED) ||
            section.sh_size > MAX_SECTION || section.sh_size > (uint64_t) stat.st_size)
            return false;
        *ret_section = (struct sl_elf_section){
            .address = section.sh_addr, .offset = section.sh_offset, .size = section.sh_size};
        return true;
    }
    return false;
}

bool sl_elf_section_load(int fd, const char *name, uint8_t **ret_data,
                         struct sl_elf_section *ret_section)
{
    struct sl_elf_section section;
    if (!sl_elf_section_find(fd, name, &section))
        return false;
    SL_AUTO_FREE uint8_t *data = malloc(SL_MAX(section.size, 1));
    if (!data || !read_at(fd, data, section.size, section.offset))
        return false;
    *ret_data = SL_TAKE(data);
    *ret_section = section;
    return true;
}
