/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What becomes of a use of libdw for which memory is short.
 *
 * libdw calls a handler that may not return, and its own ends the process.  This one leaves the
 * use instead; what libdw has made of the file may still be given back.
 */
#ifndef SL_SNAPSHOT_DWARF_MEMORY_H
#define SL_SNAPSHOT_DWARF_MEMORY_H

#include <stdbool.h>

#include <elfutils/libdw.h>

/* From now on the file is used in attempts only. */
void sl_dwarf_guard(Dwarf *dwarf);

/* Call work(context), which owns nothing that is not in the context.  @return false when it was
 * left */
bool sl_dwarf_attempt(void (*work)(void *context), void *context);

#endif
