/* SPDX-License-Identifier: Apache-2.0 */
/* The memory map of a process, read once and searched by address. */
#ifndef SL_SNAPSHOT_TARGET_MAPS_H
#define SL_SNAPSHOT_TARGET_MAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <strandline/error.h>

#include "base/macros.h"

struct sl_mapping {
    uint64_t start, end; /* [start, end) */
    uint64_t offset;     /* of start in the file */
    uint64_t inode;      /* 0: no file */
    uint32_t major, minor;
    bool readable, writable, executable;
    bool shared;      /* with whoever has the same memory */
    bool deleted;     /* the file has no name any more */
    const char *path; /* file, "[vdso]", "[stack]"..., NULL for anonymous memory */
    uint32_t region;  /* which of the executable mappings of no file this is, or comes after */
};

struct sl_maps {
    struct sl_mapping *mappings; /* ascending, disjoint */
    size_t n_mappings;
    const struct sl_mapping **files; /* those of files, by device, inode and offset */
    size_t n_files;
    char *text; /* owns the paths */
};

/*
 * Parse the text of a maps file.  Takes the text over, on failure too.
 * SL_EPARSE when a line is not as the kernel writes it.
 */
SL_CHECKED enum sl_status
sl_maps_parse(char *text, struct sl_maps **ret_maps, struct sl_error *err);
void sl_maps_free(struct sl_maps *maps);
SL_DEFINE_AUTO(sl_maps, sl_maps_free);

/* The mapping that holds the address, or NULL. */
const struct sl_mapping *sl_maps_find(const struct sl_maps *maps, uint64_t address);

/* Numbers of devices are compared with each other here, never with what stat says of a path. */
bool sl_mapping_same_file(const struct sl_mapping *a, const struct sl_mapping *b);

/*
 * A mapping that has these bytes of the same file: of a few the one that lies nearest, of very
 * many any.  NULL when there is none.
 */
const struct sl_mapping *sl_maps_find_bytes(const struct sl_maps *maps,
                                            const struct sl_mapping *mapping, uint64_t offset,
                                            size_t size);

#endif
