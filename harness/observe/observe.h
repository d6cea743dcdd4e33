/* SPDX-License-Identifier: Apache-2.0 */
/* What others of the harness have of an observation beyond its public face. */
#ifndef SL_OBSERVE_H
#define SL_OBSERVE_H

#include <strandline/observe.h>

#include "base/arena.h"
#include "base/macros.h"
#include "harness/model/finding.h"

SL_DEFINE_AUTO(sl_observation, sl_observation_free);

/* More rules than those of its options, to be called before it settles.  They are borrowed. */
void sl_observation_use_rules(struct sl_observation *observation,
                              const struct sl_leak_rules *rules);

/**
 * Analyse what has settled, as sl_observation_end() does.
 *
 * @param arena  owns everything of the report, which outlives the observation
 * @return SL_EINVAL it has not settled; SL_ENOMEM
 */
SL_CHECKED enum sl_status
sl_observation_report(const struct sl_observation *observation, struct sl_arena *arena,
                      struct sl_leak_report *ret_report, struct sl_error *err);

/*
 * The same work begins once more, held against the same beginning: all looks but that one are
 * forgotten, so that the observation can settle again.
 */
void sl_observation_repeat(struct sl_observation *observation);

#endif
