/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/snapshot/module/section.h"

#include <stdlib.h>
#include <string.h>

#include <gelf.h>
#include <libelf.h>

#include "base/macros.h"

/* The section, or NULL.  The file is read, not mapped: it may shrink meanwhile. */
static Elf_Scn *find(Elf *elf, const char *name, GElf_Shdr *ret_header)
{
    size_t names;
    if (!elf || elf_kind(elf) != ELF_K_ELF || elf_getshdrstrndx(elf, &names))
        return NULL;
    for (Elf_Scn *section = NULL; (section = elf_nextscn(elf, section));) {
        const char *found =
            gelf_getshdr(section, ret_header) ? elf_strptr(elf, names, ret_header->sh_name) : NULL;
        if (found && strcmp(found, name) == 0 && ret_header->sh_type != SHT_NOBITS)
            return section;
    }
    return NULL;
}

bool sl_section_find(int fd, const char *name, struct sl_section *ret_section)
{
    GElf_Shdr header;

    (void) elf_version(EV_CURRENT);
    Elf *elf = elf_begin(fd, ELF_C_READ, NULL);
    bool found = find(elf, name, &header);
    if (found)
        *ret_section = (struct sl_section){.address = header.sh_addr,
                                           .size = header.sh_size,
                                           .offset = header.sh_offset,
                                           .compressed = header.sh_flags & SHF_COMPRESSED};
    (void) elf_end(elf);
    return found;
}

static bool copy(Elf_Scn *section, const GElf_Shdr *header, uint8_t **ret_data, size_t *ret_size)
{
    if ((header->sh_flags & SHF_COMPRESSED) && elf_compress(section, 0, 0) < 0)
        return false;
    const Elf_Data *data = elf_rawdata(section, NULL);
    if (!data || !data->d_buf || !data->d_size)
        return false;
    uint8_t *bytes = malloc(data->d_size + 1);
    if (!bytes)
        return false;
    memcpy(bytes, data->d_buf, data->d_size);
    bytes[data->d_size] = 0;
    *ret_data = bytes;
    *ret_size = data->d_size;
    return true;
}

bool sl_section_load(int fd, const char *name, uint8_t **ret_data, size_t *ret_size)
{
    GElf_Shdr header;

    (void) elf_version(EV_CURRENT);
    Elf *elf = elf_begin(fd, ELF_C_READ, NULL);
    Elf_Scn *section = find(elf, name, &header);
    bool loaded = section && copy(section, &header, ret_data, ret_size);
    (void) elf_end(elf);
    return loaded;
}
