/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Baselines: a file, kept with the sources, of the leaks that a project has not mended yet.  It
 * shrinks by itself, and grows only for a reason that somebody gives.
 */
#ifndef SL_REPORTS_BASELINE_H
#define SL_REPORTS_BASELINE_H

#include <strandline/error.h>

#include "base/macros.h"
#include "harness/model/result.h"

struct sl_baseline_leak {
    const char *cell; /* as sl_cell_name() */
    char fingerprint[17];
    const char *function; /* for people */
    uint32_t max;         /* threads in one trial */
    const char *reason;
};

struct sl_baseline {
    struct sl_arena *arena;         /* owns this, too */
    uint32_t fingerprints;          /* version of what they are made of */
    struct sl_baseline_leak *leaks; /* by cell and fingerprint, none twice */
    size_t n_leaks;
};

/* Does a text say that it is one?  Else it may be a report. */
bool sl_baseline_is(const char *data, size_t size);

/* As sl_report_parse(); SL_EPARSE also where the fingerprints are those of another version. */
SL_CHECKED enum sl_status sl_baseline_parse(const char *name, const char *data, size_t size,
                                            struct sl_baseline **ret_baseline,
                                            struct sl_error *err);
SL_CHECKED enum sl_status
sl_baseline_write(const struct sl_baseline *baseline, const char *path, struct sl_error *err);
/* One without leaks.  NULL: memory is short. */
struct sl_baseline *sl_baseline_new(void);
void sl_baseline_free(struct sl_baseline *baseline); /* NULL is allowed */
SL_DEFINE_AUTO(sl_baseline, sl_baseline_free);

/* Threads that may leak in a trial of a cell; 0: it has no such leak. */
uint32_t
sl_baseline_max(const struct sl_baseline *baseline, const char *cell, const char *fingerprint);

/* An entry that allows more than there is. */
struct sl_stale_leak {
    const struct sl_baseline_leak *leak;
    uint32_t seen; /* in the trial that has most; 0: it is mended */
};

/* Of cells that the result has, and in which somebody could look.  @return false: no memory */
bool sl_baseline_stale(const struct sl_baseline *baseline, const struct sl_run_result *result,
                       struct sl_arena *arena, struct sl_stale_leak **ret_stale, size_t *ret_n);

/* What an update changed. */
struct sl_baseline_change {
    size_t n_removed, n_lowered; /* stale entries */
    size_t n_added, n_raised;
};

/**
 * Take from a baseline what a result shows to be mended, and add what it has more.
 *
 * @param reason  for what is added and raised; NULL: nothing is
 */
SL_CHECKED enum sl_status
sl_baseline_update(struct sl_baseline *baseline, const struct sl_run_result *result,
                   const char *reason, struct sl_baseline_change *ret_change, struct sl_error *err);

/* The leaks that a policy knows. */
struct sl_known {
    const struct sl_group **groups; /* of a report: by fingerprint, and of one the largest first */
    size_t n;
    const struct sl_baseline *baseline;
};

/* In arena, borrowing from one of the two, or from neither.  @return false when memory is short */
bool sl_known_init(struct sl_arena *arena, const struct sl_run_result *report,
                   const struct sl_baseline *baseline, struct sl_known *ret_known);

/* Most threads with this fingerprint in one trial, of the cell in a baseline; 0: none is known. */
uint32_t sl_known_count(const struct sl_known *known, const char *cell, const char *fingerprint);

/* How many may be there: of what a report has, any number. */
uint32_t sl_known_most(const struct sl_known *known, const char *cell, const char *fingerprint);

#endif
