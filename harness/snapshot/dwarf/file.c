/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/snapshot/dwarf/file.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <gelf.h>

#include "base/macros.h"
#include "harness/snapshot/dwarf/memory.h"
#include "harness/snapshot/module/section.h"

struct sl_section_copy {
    struct sl_section_copy *next;
    uint8_t *data;
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

/* Give the section other bytes, which are freed with the file.  @return false without memory */
static bool
replace(struct sl_debug_file *file, Elf_Scn *section, uint8_t *data, size_t size, size_t align)
{
    struct sl_section_copy *copy = malloc(sizeof *copy);
    if (!copy) {
        free(data);
        return false;
    }
    *copy = (struct sl_section_copy){.next = file->copies, .data = data};
    file->copies = copy;
    /* Which of them libdw asks for hangs on its version; what to free libelf remembers itself. */
    Elf_Data *const views[] = {elf_rawdata(section, NULL), elf_getdata(section, NULL)};
    for (size_t i = 0; i < SL_COUNT_OF(views); i++) {
        if (!views[i])
            continue;
        views[i]->d_buf = data;
        views[i]->d_size = size;
        views[i]->d_align = align;
        views[i]->d_type = ELF_T_BYTE;
    }
    return true;
}

/* As libelf does, in a third of the time.  @return false without memory */
static bool unpack(struct sl_debug_file *file, Elf_Scn *section, GElf_Shdr *header)
{
    const Elf_Data *packed = elf_rawdata(section, NULL);
    uint8_t *data;
    size_t size;

    if (!packed || !packed->d_buf ||
        !sl_section_unpack(packed->d_buf, packed->d_size, SIZE_MAX - 1, &data, &size))
        return true;
    if (!replace(file, section, data, size, 1))
        return false;
    header->sh_flags &= ~(GElf_Xword) SHF_COMPRESSED; /* in memory, as above */
    header->sh_size = size;
    (void) gelf_update_shdr(section, header);
    return true;
}

/*
 * libdw reads text that stands in a section to its zero byte, and beyond the section if there
 * is none.  Where the last byte is not zero, a copy that has one more takes its place.
 */
static bool terminate(struct sl_debug_file *file, Elf_Scn *section, const GElf_Shdr *header)
{
    if ((header->sh_flags & SHF_COMPRESSED) && elf_compress(section, 0, 0) < 0)
        return true; /* libdw leaves it out */
    const Elf_Data *data = elf_getdata(section, NULL);
    const uint8_t *bytes = data ? data->d_buf : NULL;
    if (!bytes || !data->d_size || !bytes[data->d_size - 1])
        return true;
    uint8_t *copy = malloc(data->d_size + 1);
    if (!copy)
        return false;
    memcpy(copy, bytes, data->d_size);
    copy[data->d_size] = 0;
    return replace(file, section, copy, data->d_size, data->d_align);
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
        if (is_one_of(name, unused, SL_COUNT_OF(unused))) {
            hide(section, &header);
            continue;
        }
        bool is_debug = strncmp(name, ".debug_", strlen(".debug_")) == 0;
        if (is_debug && (header.sh_flags & SHF_COMPRESSED) && !unpack(file, section, &header))
            return false;
        if (is_one_of(name, with_text, SL_COUNT_OF(with_text)) &&
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
        free(copy->data);
        free(copy);
    }
    free(file->image);
    *file = (struct sl_debug_file){.fd = -1};
}
