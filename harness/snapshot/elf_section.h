/* SPDX-License-Identifier: Apache-2.0 */
/* Sections of an ELF file by name.  Everything is read, nothing mapped: files may shrink. */
#ifndef SL_SNAPSHOT_ELF_SECTION_H
#define SL_SNAPSHOT_ELF_SECTION_H

#include <stdbool.h>
#include <stdint.h>

struct sl_elf_section {
    uint64_t address; /* virtual, 0 when not loaded */
    uint64_t offset, size;
};

/* @return false when there is none, it is compressed, or the file is malformed */
bool sl_elf_section_find(int fd, const char *name, struct sl_elf_section *ret_section);

/* The same with the bytes, which the caller frees. */
bool sl_elf_section_load(int fd, const char *name, uint8_t **ret_data,
                         struct sl_elf_section *ret_section);

#endif
