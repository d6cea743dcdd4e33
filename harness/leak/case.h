/* SPDX-License-Identifier: Apache-2.0 */
/* What every rule for a cause may look at. */
#ifndef SL_LEAK_CASE_H
#define SL_LEAK_CASE_H

#include "harness/leak/input.h"

struct sl_leak_case {
    const struct sl_leak_input *input; /* NULL: threads are only described */
    struct sl_leak_words words;        /* complete, but for `strict` */
    const char *not_closed;            /* why Close had no effect, or NULL */
    uint32_t survivors;     /* threads at peak beyond `start`, when none has ended; else 0 */
    uint64_t observed_ns;   /* between the two looks after Close; 0: there was one */
    bool counts_differ;     /* the two looks counted different things */
    struct sl_arena *arena; /* for the evidence */
};

#endif
