/* SPDX-License-Identifier: Apache-2.0 */
/* Where registers come from: the source that was asked for, or the one that takes least time. */
#ifndef SL_CHOICE_H
#define SL_CHOICE_H

#include <stdbool.h>
#include <stddef.h>

#include <strandline/snapshot.h>

#include "base/macros.h"
#include "harness/snapshot/source/source.h"

/* Of one look, with all its attempts.  All zero but the options to begin with. */
struct sl_choice {
    const struct sl_snapshot_opts *opts;
    bool begun;
    bool files_first; /* proc before bpf, which has the last word */
    size_t first;     /* place, in the order of preference, of the first that may be tried */
    size_t used;      /* one more than that of the one that was opened; 0: none was */
};

/*
 * Open the first that works.
 *
 * With AUTO that is bpf, which sees thousands of threads in one go, those that wait for a CPU too,
 * and all registers; but proc, which has nothing to load, for few threads that all wait.  That is
 * tentative: no thread is to be stopped for what bpf may know without.
 *
 * @param context  with the target
 */
SL_CHECKED enum sl_status
sl_choice_open(struct sl_choice *choice, bool may_stop, struct sl_source_context *context,
               const struct sl_register_source **ret_source, struct sl_error *err);

bool sl_choice_is_tentative(const struct sl_choice *choice);

/* After a tentative look that did not show everything. */
void sl_choice_insist(struct sl_choice *choice);

/*
 * A source that could be opened may still not work: for want of a descriptor, which it takes more
 * of, or of a right that only its use needs.  Then it is the next, as where it can not be opened.
 *
 * @param status  of the attempt, after its source was closed
 * @return false when there is none, or the failure was not the source's
 */
bool sl_choice_fall_back(struct sl_choice *choice, enum sl_status status);

#endif
