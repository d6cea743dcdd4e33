/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Symbols and debug information that lie beside a program: a file of their own, or a
 * compressed section.
 */
#ifndef SL_SNAPSHOT_MODULE_SEPARATE_H
#define SL_SNAPSHOT_MODULE_SEPARATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/snapshot/module/module.h"

/*
 * Descriptor of the module's debug file, or -1: the one with its build-id, or the one
 * that the .gnu_debuglink of its file `fd` (-1: none) names, beside the file, in .debug
 * there, or in the global folder.  A linked file has the checksum of the link, and no other
 * build-id than the module.
 */
int sl_separate_open(const struct sl_target *target, const struct sl_module *module, int fd);

#define SL_PACKED_SECTION ".gnu_debugdata"

/*
 * The ELF image in SL_PACKED_SECTION of a file, unpacked.  The caller frees it.  @return false
 * when there is none, it is malformed or too large
 */
bool sl_separate_unpack(int fd, uint8_t **ret_image, size_t *ret_size);

#endif
