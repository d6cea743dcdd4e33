/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Snapshots for people and for other programs.
 *
 * The JSON form is strandline.snapshot/1; JSON Schema: snapshot.schema.json beside
 * this file.
 */
#ifndef SL_REPORTS_SNAPSHOT_H
#define SL_REPORTS_SNAPSHOT_H

#include <strandline/error.h>

#include "harness/model/leak.h"
#include "reports/print/style.h"

/* What is printed; all borrowed. */
struct sl_snapshot_listing {
    const struct sl_snapshot *snapshot;
    uint64_t taken_boot_ns;             /* CLOCK_BOOTTIME when the pass began, for ages */
    const struct sl_leak_group *groups; /* every thread is in one */
    size_t n_groups;
    const uint32_t *group_of; /* thread i of the snapshot is in groups[group_of[i]] */
    bool all;                 /* the threads one by one, too */
};

/**
 * As text: a heading, then each group with its count, what its threads wait for, their stack and
 * names.  With `all`, the threads one by one in place of the groups.  Last the threads that
 * ended and were never joined, or why they are not known.
 *
 * @return SL_ENOMEM; whether it could be written is for the stream to tell
 */
SL_CHECKED enum sl_status sl_snapshot_print_text(const struct sl_snapshot_listing *listing,
                                                 const struct sl_table_opts *opts, FILE *out,
                                                 struct sl_error *err);

/* As JSON.  Flushes the stream. */
SL_CHECKED enum sl_status
sl_snapshot_print_json(const struct sl_snapshot_listing *listing, FILE *out, struct sl_error *err);

/**
 * In the format "threadz" that pprof reads: addresses of every thread, then the memory map.  It
 * has no way to tell of a thread without a stack; those are left out, and counted in a remark.
 *
 * @param maps  text of /proc/PID/maps
 */
void sl_snapshot_print_threadz(const struct sl_snapshot *snapshot, const char *maps, FILE *out);

#endif
