/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Snapshots for people and for other programs.
 *
 * The JSON form is strandline.snapshot/1; JSON Schema: snapshot.schema.json beside
 * this file.
 */
#ifndef SL_REPORTS_SNAPSHOT_H
#define SL_REPORTS_SNAPSHOT_H

#include "reports/exporter.h"
#include "reports/snapshot/listing.h"

/* What an exporter needs of a listing besides the snapshot. */
#define SL_SNAPSHOT_NEEDS_GROUPS 1U /* also names in it, and threads that were never joined */
#define SL_SNAPSHOT_NEEDS_MAPS   2U

/*
 * Of a struct sl_snapshot_listing.
 *
 * "text": a heading, then each group with its count, what its threads wait for, their stack and
 * names.  With `all`, the threads one by one in place of the groups.  Last the threads that
 * ended and were never joined, or why they are not known.
 *
 * "json": strandline.snapshot/1.
 *
 * "threadz": what pprof reads: addresses of every thread, then the memory map.  It has no way
 * to tell of a thread without a stack; those are left out, and counted in a remark.
 */
extern const struct sl_exporter sl_snapshot_exporters[];

#endif
