/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Selections of faults: "NAME[,KEY=VALUE...][,NAME...]"; a word with '=' belongs to the name
 * before it.  list.c has the names, and the keys that each one has.
 */
#ifndef BUS_FAULT_PARSE_H
#define BUS_FAULT_PARSE_H

#include <strandline/error.h>

#include "bus/engine/faults.h"

/**
 * Read a selection.
 *
 * @param transport   the bus's, because some faults are of one only; NULL: not known yet
 * @param ret_faults  the faults that are on
 * @param ret_rules   N_FAULTS of them, those of faults that are off undefined; NULL: only check
 * @return SL_ENOTSUP a name that is not known, or has no equivalent in this bus or on this
 *         transport; SL_EINVAL a key that the fault does not have, or its value; both are said
 */
SL_CHECKED enum sl_status fault_parse(const char *selection, const char *transport,
                                      fault_set *ret_faults, struct fault_rule *ret_rules,
                                      struct sl_error *err);

#endif
