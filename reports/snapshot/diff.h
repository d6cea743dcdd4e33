/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What changed over several looks, in order: snapshots of processes, listings in files, dumps.
 *
 * The JSON form is strandline.diff/1; JSON Schema: reports/diff.schema.json.
 */
#ifndef SL_REPORTS_SNAPSHOT_DIFF_H
#define SL_REPORTS_SNAPSHOT_DIFF_H

#include <strandline/error.h>

#include "base/value.h"
#include "harness/model/group.h"
#include "reports/exporter.h"

/* One look. */
struct sl_diff_side {
    const char *name; /* as the user calls it */
    enum sl_snapshot_kind kind;
    const char *what; /* name of the process, or what a dump is; NULL: not known */
    pid_t pid;        /* 0: not known */
    uint64_t n_threads;
    const struct sl_group *groups;
    size_t n_groups;
    uint64_t n_left_out; /* threads that were not looked at */
    uint64_t n_errors;   /* places of a dump that could not be read */
    bool more;           /* another dump follows in the file, and is not counted */
};

/* A group over all looks. */
struct sl_diff_row {
    enum sl_diff_kind change;     /* from the first look to the last */
    const struct sl_group *group; /* of the last look that has it */
    const uint64_t *counts;       /* threads, one a look */
    size_t n_counts;
    bool varied;           /* the counts are not all the same */
    enum sl_maybe growing; /* more in every look than in the one before; of two it is not said */
    struct sl_real slope;  /* threads a step, the straight line that fits best; of three and more */
};

struct sl_snapshot_diff {
    const struct sl_diff_side *sides;
    size_t n_sides;
    /* What grew in every step, what appeared, grew, shrank, is gone; the largest change first. */
    const struct sl_diff_row *rows; /* that varied */
    size_t n_rows;
    size_t n_same; /* groups that did not vary */
};

/**
 * Compare looks, two or more.
 *
 * @param arena     of the rows; names and groups are the sides'
 * @param ret_diff  set on SL_OK only
 * @return SL_EINVAL one has threads and another has goroutines
 */
SL_CHECKED enum sl_status
sl_snapshot_diff_make(const struct sl_diff_side *sides, size_t n_sides, struct sl_arena *arena,
                      struct sl_snapshot_diff *ret_diff, struct sl_error *err);

/* Of a struct sl_snapshot_diff: "text" and "json". */
extern const struct sl_exporter sl_snapshot_diff_exporters[];

#endif
