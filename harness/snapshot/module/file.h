/* SPDX-License-Identifier: Apache-2.0 */
/* The files that are mapped: opened through the target's own root, kept only when they match. */
#ifndef SL_SNAPSHOT_MODULE_FILE_H
#define SL_SNAPSHOT_MODULE_FILE_H

#include "harness/snapshot/module/image.h"
#include "harness/snapshot/target/maps.h"
#include "harness/snapshot/target/reader.h"

/*
 * Descriptor of the file of a mapping that has this image, or -1 when it can not be had or is
 * another one (errno is ETIMEDOUT: its file system need not answer).  Without a reader only a
 * build-id or the inode prove that it is the one.
 */
int sl_file_open(const struct sl_target *target, struct sl_reader *reader,
                 const struct sl_image *image, const struct sl_mapping *mapping);

/*
 * Program headers of a mapped file, for those that are not loaded themselves.  The file is
 * the one that is mapped.  @return false when it is out of reach or no ELF object
 */
bool sl_file_load_image(const struct sl_target *target, struct sl_reader *reader,
                        const struct sl_mapping *mapping, struct sl_arena *arena,
                        struct sl_image *ret_image);

/*
 * Does a page of memory hold what the file of an image that is loaded with this bias has there?
 * A few bytes may differ, as where a debugger stops.  True as well when the file has nothing
 * there, or is out of reach (-1).
 */
bool sl_file_has_code(int fd, struct sl_reader *reader, const struct sl_image *image, uint64_t bias,
                      uint64_t page);

#endif
