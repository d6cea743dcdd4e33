/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which record of a module's unwind tables describes an address.
 *
 * In this order: the sorted table of .eh_frame_hdr; .eh_frame itself, scanned once
 * when there is no such table; .debug_frame, for code that the others leave out.
 */
#ifndef SL_SNAPSHOT_UNWIND_TABLE_H
#define SL_SNAPSHOT_UNWIND_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "harness/snapshot/module/module.h"
#include "harness/snapshot/unwind/cfi.h"

enum sl_table_result {
    SL_TABLE_FOUND,
    SL_TABLE_NONE, /* no record covers the address */
    SL_TABLE_MALFORMED,
    SL_TABLE_NO_TIME,
    SL_TABLE_NO_MEMORY
};

/*
 * @param ret_section  borrowed, valid as long as the module's table
 * @param ret_record   address of the FDE within the section
 */
enum sl_table_result sl_unwind_table_find(struct sl_modules *modules, struct sl_module *module,
                                          uint64_t pc, const struct sl_cfi_section **ret_section,
                                          uint64_t *ret_record);

/*
 * Virtual address in the module's file at which the tables say that the function with this
 * address begins; 0 when they do not.
 */
uint64_t
sl_unwind_table_start(struct sl_modules *modules, struct sl_module *module, uint64_t address);

#endif
