/* SPDX-License-Identifier: Apache-2.0 */
/* Snapshots from strandline.snapshot/1. */
#ifndef SL_REPORTS_SNAPSHOT_READ_H
#define SL_REPORTS_SNAPSHOT_READ_H

#include <stddef.h>

#include "harness/model/snapshot.h"
#include "reports/snapshot/diff.h"

/**
 * Read a snapshot back from the JSON form of a full listing, which has all that the analysis of
 * leaks looks at.  Of a file that was written before it had all of that, the rest reads as 0.
 *
 * @param name          what error texts call the input, for example its path
 * @param ret_snapshot  set on SL_OK only; the caller owns it, sl_snapshot_free()
 * @return SL_EPARSE, text "NAME: KEY.PATH: what is wrong"
 */
SL_CHECKED enum sl_status sl_snapshot_parse(const char *name, const char *data, size_t size,
                                            struct sl_snapshot **ret_snapshot,
                                            struct sl_error *err);

/**
 * Read what a listing counts, of a full one or of one that has groups only.
 *
 * @param arena     owns what is read
 * @param ret_side  but for its name; set on SL_OK only
 * @return SL_EPARSE as above
 */
SL_CHECKED enum sl_status
sl_snapshot_parse_groups(const char *name, const char *data, size_t size, struct sl_arena *arena,
                         struct sl_diff_side *ret_side, struct sl_error *err);

#endif
