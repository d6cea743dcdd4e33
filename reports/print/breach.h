/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_REPORTS_PRINT_BREACH_H
#define SL_REPORTS_PRINT_BREACH_H

#include "reports/verdict.h"

/*
 * A judgement in words: "low/keyed/nats trial 2: 1 message lost", and what several trials of a cell
 * have in common once.
 *
 * @param ret_verdict  its lines are in the arena, in the order of the breaches
 */
SL_CHECKED enum sl_status sl_breaches_say(const struct sl_judgement *judgement,
                                          struct sl_arena *arena, struct sl_verdict *ret_verdict,
                                          struct sl_error *err);

#endif
