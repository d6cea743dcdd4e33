/* SPDX-License-Identifier: Apache-2.0 */
/* Evidence of a subject that does not go on: all its stacks, and where Close stands. */
#ifndef SL_RUN_HANG_H
#define SL_RUN_HANG_H

#include "harness/model/result.h"
#include "harness/process/desk.h"

/*
 * Fill hang_findings of a result with every thread of the snapshot, hang_seen with `seen`, and
 * close.waits_for when Close has not returned.  Evidence only: when memory is short
 * there is less of it.  An earlier look (or NULL) proves circles of waits.
 */
void sl_hang_describe(const struct sl_snapshot *snapshot, const struct sl_snapshot *earlier,
                      const char *seen, struct sl_arena *arena, struct sl_trial_result *result);

/*
 * Say of each of the hang_findings whether anything that lives can ever wake its threads.  They are
 * of this snapshot, and its process still lives.  Evidence only, as above.
 */
void sl_hang_prove(const struct sl_snapshot *snapshot, struct sl_arena *arena,
                   struct sl_trial_result *result);

/*
 * As sl_hang_describe, of a subject one of whose threads crashed and waits: its group stands first,
 * without the frames of the handler that waits.
 */
void sl_hang_crashed(const struct sl_snapshot *snapshot, const struct sl_crash *crash,
                     struct sl_arena *arena, struct sl_trial_result *result);

#endif
