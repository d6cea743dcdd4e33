/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the dynamic loader of the target says that it has loaded: the list that it keeps for
 * debuggers (link.h), read from the target's memory.
 *
 * The list is the target's to write: whatever it holds, a walk ends and reads nothing but
 * memory of the target.
 */
#ifndef SL_SNAPSHOT_MODULE_LOADER_H
#define SL_SNAPSHOT_MODULE_LOADER_H

#include <stddef.h>
#include <stdint.h>

#include "harness/snapshot/target/reader.h"

#define SL_MAX_LOADED 4096

struct sl_loaded {
    uint64_t bias;    /* address minus virtual address of the file */
    uint64_t name;    /* address of the path; "" for the program */
    uint64_t dynamic; /* address of the dynamic section */
};

/*
 * Address of the loader's list, as a program's dynamic section at `dynamic`, of at most `size`
 * bytes, tells it; 0 when it does not.
 */
uint64_t sl_loader_find(struct sl_reader *reader, uint64_t dynamic, uint64_t size);

/* Objects of all name spaces.  @return how many, at most `capacity` */
size_t
sl_loader_list(struct sl_reader *reader, uint64_t debug, struct sl_loaded *loaded, size_t capacity);

#endif
