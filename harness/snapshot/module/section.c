/* SPDX-License-Identifier: Apache-2.0 */
/* No library reads these files: they are the target's, and what they say of themselves is checked.
 */
#include "harness/snapshot/module/section.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <libdeflate.h>

#include "base/macros.h"

#define MAX_SECTIONS ((uint64_t) 65536)
#define MAX_NAMES    ((uint64_t) 4 * 1024 * 1024)

/* The section headers of a file, and their names. */
struct table {
    uint64_t file_size;
    Elf64_Shdr *headers;
    uint64_t n_headers;
    char *names; /* with a zero behind them */
    uint64_t names_size;
};

static bool read_at(int fd, void *data, uint64_t size, uint64_t offset)
{
    return pread(fd, data, size, (off_t) offset) == (ssize_t) size;
}

/* Are these bytes, some at least, in the file? */
static bool is_inside(const struct table *table, uint64_t offset, uint64_t size)
{
    return size && offset < table->file_size && size <= table->file_size - offset;
}

static bool is_object(const Elf64_Ehdr *header)
{
    return memcmp(header->e_ident, ELFMAG, SELFMAG) == 0 &&
           header->e_ident[EI_CLASS] == ELFCLASS64 && header->e_ident[EI_DATA] == ELFDATA2LSB &&
           header->e_shentsize == sizeof(Elf64_Shdr);
}

/* Where there are too many sections for a number, the first header has it. */
static bool count(int fd, const Elf64_Ehdr *header, struct table *table, uint64_t *ret_names)
{
    Elf64_Shdr first;

    if (!is_inside(table, header->e_shoff, sizeof first) ||
        !read_at(fd, &first, sizeof first, header->e_shoff))
        return false;
    table->n_headers = header->e_shnum ? header->e_shnum : first.sh_size;
    *ret_names = header->e_shstrndx == SHN_XINDEX ? first.sh_link : header->e_shstrndx;
    return table->n_headers <= MAX_SECTIONS && *ret_names < table->n_headers &&
           is_inside(table, header->e_shoff, table->n_headers * sizeof first);
}

static bool read_names(int fd, const Elf64_Shdr *header, struct table *table)
{
    if (header->sh_type == SHT_NOBITS || header->sh_size > MAX_NAMES ||
        !is_inside(table, header->sh_offset, header->sh_size) ||
        !(table->names = calloc(1, header->sh_size + 1)))
        return false;
    table->names_size = header->sh_size;
    return read_at(fd, table->names, header->sh_size, header->sh_offset);
}

/* @return false when there is none, it is malformed, or memory is short; release in any case */
static bool read_table(int fd, struct table *table)
{
    Elf64_Ehdr header;
    struct stat stat;
    uint64_t names;

    if (fd < 0 || fstat(fd, &stat) || stat.st_size <= 0)
        return false;
    table->file_size = (uint64_t) stat.st_size;
    if (!read_at(fd, &header, sizeof header, 0) || !is_object(&header) ||
        !count(fd, &header, table, &names))
        return false;
    uint64_t size = table->n_headers * sizeof *table->headers;
    table->headers = malloc(size);
    return table->headers && read_at(fd, table->headers, size, header.e_shoff) &&
           read_names(fd, &table->headers[names], table);
}

static void release(struct table *table)
{
    free(table->headers);
    free(table->names);
}

static const Elf64_Shdr *find(const struct table *table, const char *name)
{
    for (uint64_t i = 0; i < table->n_headers; i++) {
        const Elf64_Shdr *header = &table->headers[i];
        if (header->sh_type != SHT_NOBITS && header->sh_name < table->names_size &&
            strcmp(table->names + header->sh_name, name) == 0)
            return is_inside(table, header->sh_offset, header->sh_size) ? header : NULL;
    }
    return NULL;
}

bool sl_section_find(int fd, const char *name, struct sl_section *ret_section)
{
    struct table table = {0};
    const Elf64_Shdr *header = read_table(fd, &table) ? find(&table, name) : NULL;

    if (header)
        *ret_section = (struct sl_section){.address = header->sh_addr,
                                           .size = header->sh_size,
                                           .offset = header->sh_offset,
                                           .compressed = header->sh_flags & SHF_COMPRESSED};
    release(&table);
    return header;
}

bool sl_section_unpack(const uint8_t *packed, size_t size, size_t most, uint8_t **ret_data,
                       size_t *ret_size)
{
    Elf64_Chdr header;

    if (size < sizeof header)
        return false;
    memcpy(&header, packed, sizeof header);
    if (header.ch_type != ELFCOMPRESS_ZLIB || !header.ch_size || header.ch_size > most)
        return false;
    SL_AUTO_FREE uint8_t *data = malloc(header.ch_size + 1);
    struct libdeflate_decompressor *decompressor = libdeflate_alloc_decompressor();
    /* What it says that it is unpacked is what it has to be. */
    bool good =
        data && decompressor &&
        libdeflate_zlib_decompress(decompressor, packed + sizeof header, size - sizeof header, data,
                                   header.ch_size, NULL) == LIBDEFLATE_SUCCESS;
    libdeflate_free_decompressor(decompressor);
    if (!good)
        return false;
    data[header.ch_size] = 0;
    *ret_data = SL_TAKE(data);
    *ret_size = header.ch_size;
    return true;
}

bool sl_section_load(int fd, const char *name, size_t most, uint8_t **ret_data, size_t *ret_size)
{
    struct sl_section section;

    if (!sl_section_find(fd, name, &section) || section.size > most)
        return false;
    SL_AUTO_FREE uint8_t *data = calloc(1, section.size + 1);
    if (!data || !read_at(fd, data, section.size, section.offset))
        return false;
    if (section.compressed)
        return sl_section_unpack(data, section.size, most, ret_data, ret_size);
    *ret_data = SL_TAKE(data);
    *ret_size = section.size;
    return true;
}
