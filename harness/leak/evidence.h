/* SPDX-License-Identifier: Apache-2.0 */
/* What was seen of a cluster, as parts of sentences. */
#ifndef SL_LEAK_EVIDENCE_H
#define SL_LEAK_EVIDENCE_H

#include "harness/leak/cluster.h"

/* The words, and neutral ones in place of those that are not given. */
struct sl_leak_words sl_leak_complete_words(const struct sl_leak_words *given);

/* Parts of sentences, in the case's arena.  All return NULL when memory is short. */

/* "1 thread", "2 threads" */
const char *sl_leak_say_threads(const struct sl_leak_case *the_case, uint32_t n);

/* "5120 threads wait on a condition without a time-out, 1 is runnable" */
const char *
sl_leak_say_waits(const struct sl_leak_case *the_case, const struct sl_leak_cluster *cluster);

/* "2s", as people read it: whole milliseconds, except below one. */
const char *sl_leak_say_duration(const struct sl_leak_case *the_case, uint64_t duration_ns);

/*
 * How much the members ran between the two looks: "; 3 context switches in the 2s
 * between Close and the last look".  "" when there was one look only.  What being looked at
 * made them do is not in it.
 */
const char *
sl_leak_say_activity(const struct sl_leak_case *the_case, const struct sl_leak_cluster *cluster);

/* What else is known: why there is no stack, that a library's shutdown changed nothing, and
   that Close ended nobody.  Starts with "; " unless it is "". */
const char *sl_leak_say_circumstances(const struct sl_leak_case *the_case,
                                      const struct sl_leak_cluster *cluster);

#endif
