/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/snapshot/module/image.h"

#include <string.h>

#define MAX_SEGMENTS 256
#define MAX_NOTES    ((uint64_t) 64 * 1024)

static bool read_bytes(const struct sl_image_bytes *bytes, uint64_t offset, void *data, size_t size)
{
    return bytes->read(bytes->context, offset, data, size);
}

static bool is_header(const Elf64_Ehdr *header)
{
    return memcmp(header->e_ident, ELFMAG, SELFMAG) == 0 &&
           header->e_ident[EI_CLASS] == ELFCLASS64 && header->e_ident[EI_DATA] == ELFDATA2LSB &&
           header->e_machine == EM_X86_64 && header->e_phentsize == sizeof(Elf64_Phdr) &&
           header->e_phnum > 0 && header->e_phnum <= MAX_SEGMENTS;
}

static void
find_build_id(const struct sl_image_bytes *bytes, const Elf64_Phdr *segment, struct sl_image *image)
{
    uint64_t at = segment->p_offset, end = at + segment->p_filesz;
    Elf64_Nhdr note;

    while (end - at >= sizeof note && read_bytes(bytes, at, &note, sizeof note)) {
        uint64_t name = at + sizeof note;
        uint64_t content = name + ((uint64_t) note.n_namesz + 3) / 4 * 4;
        uint64_t next = content + ((uint64_t) note.n_descsz + 3) / 4 * 4;
        char owner[4];
        if (next > end || next <= at)
            break;
        if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == sizeof owner &&
            note.n_descsz <= SL_MAX_BUILD_ID && read_bytes(bytes, name, owner, sizeof owner) &&
            memcmp(owner, "GNU", sizeof owner) == 0 &&
            read_bytes(bytes, content, image->build_id, note.n_descsz))
            image->build_id_size = note.n_descsz;
        at = next;
    }
}

bool sl_image_load(const struct sl_image_bytes *bytes, struct sl_arena *arena,
                   struct sl_image *ret_image)
{
    struct sl_image image = {0};

    if (!read_bytes(bytes, 0, &image.header, sizeof image.header) || !is_header(&image.header))
        return false;
    size_t size = image.header.e_phnum * sizeof *image.segments;
    image.segments = sl_arena_alloc(arena, size);
    if (!image.segments || !read_bytes(bytes, image.header.e_phoff, image.segments, size))
        return false;
    for (size_t i = 0; i < image.header.e_phnum; i++) {
        const Elf64_Phdr *segment = &image.segments[i];
        if (segment->p_type == PT_NOTE && segment->p_filesz <= MAX_NOTES &&
            segment->p_offset <= UINT64_MAX - MAX_NOTES)
            find_build_id(bytes, segment, &image);
    }
    *ret_image = image;
    return true;
}

/* Is `at` in the pages of [start, start + size)? */
static bool in_pages(uint64_t at, uint64_t start, uint64_t size)
{
    uint64_t first = start / SL_PAGE * SL_PAGE, before = start - first;
    return at >= first && size <= UINT64_MAX - before - SL_PAGE &&
           at - first < (before + size + SL_PAGE - 1) / SL_PAGE * SL_PAGE;
}

const Elf64_Phdr *
sl_image_segment_at(const struct sl_image *image, uint64_t offset, bool executable)
{
    const Elf64_Phdr *best = NULL;
    int best_rank = -1;

    for (size_t i = 0; i < image->header.e_phnum; i++) {
        const Elf64_Phdr *segment = &image->segments[i];
        if (segment->p_type != PT_LOAD || !in_pages(offset, segment->p_offset, segment->p_filesz))
            continue;
        int rank = ((segment->p_flags & PF_X) != 0) == executable ? 2 : 0;
        rank += offset >= segment->p_offset && offset - segment->p_offset < segment->p_filesz;
        if (rank > best_rank) {
            best = segment;
            best_rank = rank;
        }
    }
    return best;
}

const Elf64_Phdr *sl_image_segment_of(const struct sl_image *image, uint64_t virtual_address)
{
    for (size_t i = 0; i < image->header.e_phnum; i++) {
        const Elf64_Phdr *segment = &image->segments[i];
        if (segment->p_type == PT_LOAD &&
            in_pages(virtual_address, segment->p_vaddr, segment->p_memsz))
            return segment;
    }
    return NULL;
}

void sl_image_extent(const struct sl_image *image, uint64_t *ret_start, uint64_t *ret_end)
{
    uint64_t start = UINT64_MAX, end = 0;

    for (size_t i = 0; i < image->header.e_phnum; i++) {
        const Elf64_Phdr *segment = &image->segments[i];
        if (segment->p_type != PT_LOAD || segment->p_memsz > UINT64_MAX - segment->p_vaddr)
            continue;
        start = SL_MIN(start, segment->p_vaddr);
        end = SL_MAX(end, segment->p_vaddr + segment->p_memsz);
    }
    *ret_start = SL_MIN(start, end);
    *ret_end = end;
}

const Elf64_Phdr *sl_image_segment(const struct sl_image *image, uint32_t type)
{
    for (size_t i = 0; i < image->header.e_phnum; i++)
        if (image->segments[i].p_type == type)
            return &image->segments[i];
    return NULL;
}
