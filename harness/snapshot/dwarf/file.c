/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/snapshot/dwarf/file.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <gelf.h>

#include "base/macros.h"
#include "harness/snapshot/dwarf/memory.h"

struct sl_section_copy {
    struct sl_section_copy *next;
    uint8_t data[];
};

static bool is_one_of(const char *name, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        size_t length = strlen(names[i]);
        if (strncmp(name, names[i], length) == 0 &&
            (!name[length] || strcmp(name + length, ".dwo") == 0))
            return true;
    }
    return false;
}

/*
 * libdw unpacks every section of debug information that it finds, at once.  Where
 * variables are is of no use here, and a sixth of what there is to unpack in libc's.
 */
static void hide(Elf_Scn *section, GElf_Shdr *header)
{
    header->sh_type = SHT_NOBITS; /* in memory only: the file is open for reading */
    (void) gelf_update_shdr(section, header);
}

/*
 * libdw reads text that stands in a section to its zero byte, and beyond the section if there
 * is none.  Where the last byte is not zero, a copy that has one more takes its place.
 */
static bool terminate(struct sl_debug_file *file, Elf_Scn *section, const GElf_Shdr *header)
{
    if ((header->sh_flags & SHF_COMPRESSED) && elf_compress(section, 0, 0) < 0)
        return true; /* libdw leaves it out */
    Elf_Data *data = elf_getdata(section, NULL);
    const uint8_t *bytes = data ? data->d_buf : NULL;
    if (!bytes || !data->d_size || !bytes[data->d_size - 1])
        return true;
    struct sl_section_copy *copy = malloc(sizeof *copy + data->d_size + 1);
    if (!copy)
        return false;
    memcpy(copy->data, bytes, data->d_size);
    copy->data[data->d_size] = 0;
    copy->next = file->copies;
    file->copies = copy;
    data->d_buf = copy->data; /* libelf remembers by itself what it has to free */
    return true;
}

/* @return false when memory is short */
static bool prepare_sections(struct sl_debug_file *file)
{
    /* The last one has libdw open a file: what it names is not for it to choose. */
    static const char *const unused[] = {".debug_loc",       ".debug_loclists", ".debug_macro",
                                         ".debug_frame",     ".debug_pubnames", ".debug_pubtypes",
                                         ".gnu_debugaltlink"};
    static const char *const with_text[] = {".debug_info", ".debug_line", ".debug_types",
                                            ".debug_str", ".debug_line_str"};
    Elf *elf = file->elf;
    size_t names;

    if (elf_getshdrstrndx(elf, &names))
        return true;
    for (Elf_Scn *section = NULL; (section = elf_nextscn(elf, section));) {
        GElf_Shdr header;
        const char *name =
            gelf_getshdr(section, &header) ? elf_strptr(elf, names, header.sh_name) : NULL;
        if (!name || header.sh_type == SHT_NOBITS)
            continue;
        if (is_one_of(name, unused, SL_COUNT_OF(unused)))
            hide(section, &header);
        else if (is_one_of(name, with_text, SL_COUNT_OF(with_text)) &&
                 !terminate(file, section, &header))
            return false;
    }
    return true;
}

bool sl_debug_file_open(int fd, struct sl_debug_file *ret_file)
{
    *ret_file = (struct sl_debug_file){.fd = fd};
    if (fd < 0)
        return false;
    (void) elf_version(EV_CURRENT);
    /* Read, not mapped: a file that shrinks must not take the process with it. */
    Elf *elf = elf_begin(fd, ELF_C_READ, NULL);
    if (elf && elf_kind(elf) != ELF_K_ELF) {
        (void) elf_end(elf);
        elf = NULL;
    }
    ret_file->elf = elf;
    return elf;
}

/* Of a section of the old kind, which begins with "ZLIB" and its size unpacked. */
static uint64_t size_of_zdebug(int fd, const GElf_Shdr *header)
{
    struct {
        char magic[4];
        uint8_t size[8]; /* the highest byte first */
    } start;
    uint64_t size = 0;

    if (fd < 0 || pread(fd, &start, sizeof start, (off_t) header->sh_offset) != sizeof start ||
        memcmp(start.magic, "ZLIB", sizeof start.magic) != 0)
        return 0;
    for (size_t i = 0; i < sizeof start.size; i++)
        size = size << 8 | start.size[i];
    return size;
}

/*
 * What libdw would hold of the debug information, as it stands in the file and unpacked.  Any
 * number of sections may have one name, and share their bytes in the file.
 */
static bool is_too_large(const struct sl_debug_file *file, uint64_t max_bytes)
{
    uint64_t left = max_bytes;
    size_t names;

    if (elf_getshdrstrndx(file->elf, &names))
        return false;
    for (Elf_Scn *section = NULL; (section = elf_nextscn(file->elf, section));) {
        GElf_Shdr header;
        GElf_Chdr packed;
        uint64_t unpacked = 0;
        const char *name =
            gelf_getshdr(section, &header) ? elf_strptr(file->elf, names, header.sh_name) : NULL;
        if (!name || header.sh_type == SHT_NOBITS)
            continue;
        bool old = strncmp(name, ".zdebug_", strlen(".zdebug_")) == 0;
        if (!old && strncmp(name, ".debug_", strlen(".debug_")) != 0)
            continue;
        if (header.sh_size > left)
            return true;
        left -= header.sh_size;
        if (old)
            unpacked = size_of_zdebug(file->fd, &header);
        else if ((header.sh_flags & SHF_COMPRESSED) && gelf_getchdr(section, &packed))
            unpacked = packed.ch_size;
        if (unpacked > left)
            return true;
        left -= unpacked;
    }
    return false;
}

bool sl_debug_file_read(struct sl_debug_file *file, uint64_t max_bytes)
{
    if (file->dwarf || !file->elf)
        return file->dwarf;
    file->too_large = is_too_large(file, max_bytes);
    if (!file->too_large && prepare_sections(file))
        file->dwarf = dwarf_begin_elf(file->elf, DWARF_C_READ, NULL);
    if (file->dwarf)
        sl_dwarf_guard(file->dwarf);
    return file->dwarf;
}

void sl_debug_file_detach(struct sl_debug_file *file)
{
    if (file->fd >= 0 && elf_cntl(file->elf, ELF_C_FDDONE) == 0) {
        (void) close(file->fd);
        file->fd = -1;
    }
}

void sl_debug_file_close(struct sl_debug_file *file)
{
    if (file->dwarf)
        (void) dwarf_end(file->dwarf);
    if (file->elf)
        (void) elf_end(file->elf);
    if (file->fd >= 0)
        (void) close(file->fd);
    for (struct sl_section_copy *copy = file->copies, *next; copy; copy = next) {
        next = copy->next;
        free(copy);
    }
    free(file->image);
    *file = (struct sl_debug_file){.fd = -1};
}
