/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Program headers and build-id of an ELF object, from wherever its bytes can be had: they
 * say where each of its bytes is loaded.
 */
#ifndef SL_SNAPSHOT_MODULE_IMAGE_H
#define SL_SNAPSHOT_MODULE_IMAGE_H

#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

#define SL_MAX_BUILD_ID 64
#define SL_PAGE         ((uint64_t) 4096)

struct sl_image {
    Elf64_Ehdr header;
    Elf64_Phdr *segments; /* header.e_phnum of them; in the arena of the snapshot */
    uint8_t build_id[SL_MAX_BUILD_ID];
    size_t build_id_size; /* 0: none */
};

/* Where the bytes come from, by their offset in the file. */
struct sl_image_bytes {
    bool (*read)(void *context, uint64_t offset, void *data, size_t size);
    void *context;
};

/* @return false when these are not the headers of a 64-bit x86 object, or memory is short */
bool sl_image_load(const struct sl_image_bytes *bytes, struct sl_arena *arena,
                   struct sl_image *ret_image);

/*
 * The loaded segment that has the page of the file with this offset, or NULL.  Some pages
 * are in two: the one with these rights to execute is preferred, then the one that begins
 * before the offset and ends behind it.
 */
const Elf64_Phdr *
sl_image_segment_at(const struct sl_image *image, uint64_t offset, bool executable);

/* The loaded segment that has the page of this virtual address, or NULL. */
const Elf64_Phdr *sl_image_segment_of(const struct sl_image *image, uint64_t virtual_address);

/* All loaded segments lie in [*ret_start, *ret_end), which is empty when there are none. */
void sl_image_extent(const struct sl_image *image, uint64_t *ret_start, uint64_t *ret_end);

/* The first segment of another type, or NULL. */
const Elf64_Phdr *sl_image_segment(const struct sl_image *image, uint32_t type);

#endif
