/* SPDX-License-Identifier: Apache-2.0 */
/* Sections of an ELF file by name. */
#ifndef SL_SNAPSHOT_MODULE_SECTION_H
#define SL_SNAPSHOT_MODULE_SECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sl_section {
    uint64_t address; /* virtual, 0 when not loaded */
    uint64_t size;
    uint64_t offset; /* in the file */
    bool compressed;
};

/* All of it is in the file.  @return false when there is none, or the file is malformed */
bool sl_section_find(int fd, const char *name, struct sl_section *ret_section);

/*
 * Its bytes, decompressed where needed, and a zero after them.  The caller frees them.  @return
 * false also when they are more than `most`, packed or not
 */
bool sl_section_load(int fd, const char *name, size_t most, uint8_t **ret_data, size_t *ret_size);

/* The same for bytes of a compressed section that were read.  Of what zlib packed only. */
bool sl_section_unpack(const uint8_t *packed, size_t size, size_t most, uint8_t **ret_data,
                       size_t *ret_size);

#endif
