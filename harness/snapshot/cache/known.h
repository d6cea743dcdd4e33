/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What addresses turned out to be, for the life of this process.
 *
 * Who looks at a process twice, or at two that run the same libraries, should not
 * unpack their debug information twice: it takes longer than all the rest.
 *
 * A build-id is what a file says of itself, and debug files are looked for by it and by the path,
 * inside the target's root.  So what was found holds for a module with the same build-id, file and
 * path in the same surroundings only: nobody is shown names that somebody else made up, or those
 * of a file that could not be read this time.
 */
#ifndef SL_SNAPSHOT_CACHE_KNOWN_H
#define SL_SNAPSHOT_CACHE_KNOWN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/model/snapshot.h"
#include "harness/snapshot/module/module.h"
#include "harness/snapshot/target/identity.h"

/*
 * @param file  NULL: the module's can not be had, and nothing is known or remembered of it; so for
 *              the others
 *
 * Copy the frames known for a virtual address of the module's file, at most `capacity`.
 * Their strings live as long as the process; address and module are not set.
 * @return how many, 0 when nothing is known
 */
size_t sl_known_find(const struct sl_module *module, const struct sl_file_identity *file,
                     uint64_t address, struct sl_frame *frames, size_t capacity);

/* Is anything known of the module? */
bool sl_known_has(const struct sl_module *module, const struct sl_file_identity *file);

/*
 * Remember them, unless there are too many already.
 *
 * @param source  a digest of the files that they came from; 0 where something else had a say
 */
void sl_known_add(const struct sl_module *module, const struct sl_file_identity *file,
                  uint64_t address, const struct sl_frame *frames, size_t n_frames,
                  uint64_t source);

/* An address that is known. */
struct sl_known_code {
    uint64_t address;
    const struct sl_frame *frames; /* live as long as the process */
    size_t n_frames;
};

/*
 * What is known of the module from this source, in no order; the caller frees it.
 * @return NULL: nothing, or memory is short
 */
struct sl_known_code *sl_known_list(const struct sl_module *module,
                                    const struct sl_file_identity *file, uint64_t source,
                                    size_t *ret_n);

/* Has it a digest as its build-id, and not a number of somebody's? */
bool sl_known_is_named(const struct sl_image *image);

#endif
