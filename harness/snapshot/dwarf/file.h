/* SPDX-License-Identifier: Apache-2.0 */
/* A file with debug information, made safe for libdw to read. */
#ifndef SL_SNAPSHOT_DWARF_FILE_H
#define SL_SNAPSHOT_DWARF_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include <elfutils/libdw.h>

struct sl_section_copy;

struct sl_debug_file {
    int fd; /* -1: none */
    Elf *elf;
    Dwarf *dwarf;
    void *image;                    /* of a file that was put together in memory */
    struct sl_section_copy *copies; /* that took the place of sections of debug information */
    bool too_large;                 /* its debug information was not read */
};

/* Takes the descriptor, whatever becomes of it.  @return false when it is no ELF file, or -1 */
bool sl_debug_file_open(int fd, struct sl_debug_file *ret_file);

/*
 * Read the debug information, for which no more than this is held, unpacked.  It is used in
 * attempts only (memory.h).  @return false when there is none, it is too large, or memory is short
 */
bool sl_debug_file_read(struct sl_debug_file *file, uint64_t max_bytes);

/* Give back the descriptor of a file that was read: libdw has all that it will ask for. */
void sl_debug_file_detach(struct sl_debug_file *file);

void sl_debug_file_close(struct sl_debug_file *file);

#endif
