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

/* @return false when the file has none, or is malformed */
bool sl_section_find(int fd, const char *name, struct sl_section *ret_section);

/* Its bytes, decompressed where needed, and a zero after them.  The caller frees them. */
bool sl_section_load(int fd, const char *name, uint8_t **ret_data, size_t *ret_size);

#endif
