/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/snapshot/dwarf/package.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <gelf.h>

#include "base/macros.h"
#include "harness/snapshot/module/bytes.h"
#include "harness/snapshot/module/section.h"

#define MAX_PART ((size_t) 2 * 1024 * 1024 * 1024) /* of a section; memory is bounded elsewhere */

enum part { PART_INFO, PART_ABBREV, PART_OFFSETS, PART_LISTS, PART_STRINGS, N_PARTS };

static const struct {
    const char *name;
    uint32_t column; /* of the index; 0: shared by all units */
} parts[N_PARTS] = {
    [PART_INFO] = {".debug_info.dwo", 1},           [PART_ABBREV] = {".debug_abbrev.dwo", 3},
    [PART_OFFSETS] = {".debug_str_offsets.dwo", 6}, [PART_LISTS] = {".debug_rnglists.dwo", 8},
    [PART_STRINGS] = {".debug_str.dwo", 0},
};

struct section {
    uint8_t *data;
    size_t size;
};

struct sl_package {
    struct section sections[N_PARTS];
    struct section index;
};

/* An ELF header, a section header for each part and two more, and their names. */
struct image {
    Elf64_Ehdr header;
    Elf64_Shdr sections[N_PARTS + 2];
    char names[128];
};

struct sl_package *sl_package_new(int fd)
{
    struct sl_package *package = fd >= 0 ? calloc(1, sizeof *package) : NULL;

    if (package) {
        (void) sl_section_load(fd, ".debug_cu_index", MAX_PART, &package->index.data,
                               &package->index.size);
        for (size_t i = 0; i < N_PARTS && package->index.data; i++)
            (void) sl_section_load(fd, parts[i].name, MAX_PART, &package->sections[i].data,
                                   &package->sections[i].size);
    }
    if (fd >= 0)
        (void) close(fd);
    if (package && package->index.data)
        return package;
    sl_package_free(package);
    return NULL;
}

void sl_package_free(struct sl_package *package)
{
    if (!package)
        return;
    for (size_t i = 0; i < N_PARTS; i++)
        free(package->sections[i].data);
    free(package->index.data);
    free(package);
}

/* The tables of an index: signatures, rows, columns, offsets and sizes. */
struct index {
    uint32_t n_columns, n_units, n_slots;
    struct sl_bytes signatures, rows, columns, offsets, sizes;
};

static struct sl_bytes table(struct sl_bytes *bytes, uint64_t n, uint64_t size)
{
    struct sl_bytes start = *bytes;
    (void) sl_bytes_skip(bytes, n * size); /* of two numbers of 32 bits, and 8 at most */
    start.end = bytes->at;
    start.bad = bytes->bad;
    return start;
}

static bool read_index(const struct sl_package *package, struct index *index)
{
    struct sl_bytes bytes = {.at = package->index.data,
                             .end = package->index.data + package->index.size};
    uint64_t version = sl_bytes_unsigned(&bytes, 4) & 0xffff;

    index->n_columns = (uint32_t) sl_bytes_unsigned(&bytes, 4);
    index->n_units = (uint32_t) sl_bytes_unsigned(&bytes, 4);
    index->n_slots = (uint32_t) sl_bytes_unsigned(&bytes, 4);
    if ((version != 2 && version != 5) || index->n_columns > 16)
        return false;
    index->signatures = table(&bytes, index->n_slots, 8);
    index->rows = table(&bytes, index->n_slots, 4);
    index->columns = table(&bytes, index->n_columns, 4);
    index->offsets = table(&bytes, index->n_units, (uint64_t) index->n_columns * 4);
    index->sizes = table(&bytes, index->n_units, (uint64_t) index->n_columns * 4);
    return !bytes.bad;
}

static uint32_t number_at(struct sl_bytes bytes, uint64_t place)
{
    (void) sl_bytes_skip(&bytes, place * 4);
    return (uint32_t) sl_bytes_unsigned(&bytes, 4);
}

/* @return the row, from 1; 0 when there is none */
static uint32_t row_of(const struct index *index, uint64_t id)
{
    struct sl_bytes signatures = index->signatures;
    for (uint32_t slot = 0; slot < index->n_slots; slot++) {
        if (sl_bytes_unsigned(&signatures, 8) != id)
            continue;
        uint32_t row = number_at(index->rows, slot);
        if (row && row <= index->n_units)
            return row;
    }
    return 0;
}

/* What the unit has of a section; empty when that lies beyond it. */
static struct section
part_of(const struct sl_package *package, const struct index *index, uint32_t row, enum part part)
{
    const struct section *section = &package->sections[part];

    if (!parts[part].column)
        return *section;
    for (uint32_t column = 0; column < index->n_columns; column++) {
        if (number_at(index->columns, column) != parts[part].column)
            continue;
        uint64_t cell = (uint64_t) (row - 1) * index->n_columns + column;
        uint64_t offset = number_at(index->offsets, cell), size = number_at(index->sizes, cell);
        if (offset <= section->size && size <= section->size - offset)
            return (struct section){section->data + offset, size};
    }
    return (struct section){0};
}

static struct image *image_new(void)
{
    struct image *image = calloc(1, sizeof *image);
    size_t used = 1;

    if (!image)
        return NULL;
    image->header = (Elf64_Ehdr){
        .e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
        .e_type = ET_REL,
        .e_machine = EM_X86_64,
        .e_version = EV_CURRENT,
        .e_shoff = offsetof(struct image, sections),
        .e_ehsize = sizeof(Elf64_Ehdr),
        .e_shentsize = sizeof(Elf64_Shdr),
        .e_shnum = N_PARTS + 2,
        .e_shstrndx = N_PARTS + 1};
    for (size_t i = 0; i < N_PARTS; i++) {
        image->sections[i + 1] =
            (Elf64_Shdr){.sh_name = (Elf64_Word) used, .sh_type = SHT_PROGBITS, .sh_addralign = 1};
        size_t length = strlen(parts[i].name) + 1;
        memcpy(image->names + used, parts[i].name, length);
        used += length;
    }
    image->sections[N_PARTS + 1] = (Elf64_Shdr){.sh_type = SHT_STRTAB,
                                                .sh_offset = offsetof(struct image, names),
                                                .sh_size = sizeof image->names,
                                                .sh_addralign = 1};
    return image;
}

bool sl_package_find(struct sl_package *package, uint64_t id, struct sl_debug_file *ret_file)
{
    struct index index;
    uint32_t row = read_index(package, &index) ? row_of(&index, id) : 0;

    *ret_file = (struct sl_debug_file){.fd = -1};
    struct image *image = row ? image_new() : NULL;
    if (!image)
        return false;
    ret_file->image = image;
    ret_file->elf = elf_memory((char *) image, sizeof *image);
    for (size_t i = 0; i < N_PARTS; i++) {
        Elf_Scn *section = ret_file->elf ? elf_getscn(ret_file->elf, i + 1) : NULL;
        Elf_Data *data = section ? elf_getdata(section, NULL) : NULL;
        struct section part = part_of(package, &index, row, (enum part) i);
        if (!data)
            return false;
        data->d_buf = part.data; /* libelf remembers by itself what it has to free */
        data->d_size = part.size;
    }
    return true;
}
