/* SPDX-License-Identifier: Apache-2.0 */
/* Facts as sentences for people. */
#ifndef SL_LEAK_EVIDENCE_H
#define SL_LEAK_EVIDENCE_H

#include "harness/leak/input.h"

/* The words, and neutral ones in place of those that are not given. */
struct sl_leak_words evidence_words(const struct sl_leak_words *given);

/*
 * One sentence about a group of so many threads.  Nothing is claimed that is no fact.
 *
 * @return in arena; NULL when memory is short
 */
const char *evidence_say(const struct sl_fact *facts, size_t n_facts, uint32_t n_group,
                         const struct sl_leak_words *words, struct sl_arena *arena);

#endif
