/* SPDX-License-Identifier: Apache-2.0 */
/* What the leak analysis is given. */
#ifndef SL_LEAK_INPUT_H
#define SL_LEAK_INPUT_H

#include <strandline/observe.h>

#include "harness/model/finding.h"
#include "harness/model/rules.h"

struct sl_leak_input {
    const struct sl_leak_words *words;   /* NULL: neutral */
    const struct sl_snapshot *start;     /* before the bus existed */
    const struct sl_snapshot *loaded;    /* at peak, threads need no stacks; NULL: not known */
    const struct sl_snapshot *closed;    /* right after Close returned; NULL: not taken */
    const struct sl_snapshot *settled;   /* after settling; its threads are the candidates */
    const struct sl_snapshot *torn_down; /* after the client library is gone; NULL: not reached */
    const char *const *library_modules;  /* file name starts, NULL-terminated; or NULL */
    const struct sl_leak_witness *witnesses; /* ends with text == NULL; or NULL */
    struct sl_leak_rules rules;              /* of files, after these */
    bool close_reached;                      /* the subject called Close */
    bool strict; /* count also the threads that libraries keep for all of the process */
    const struct sl_late_thread *late; /* from the settle loop */
    size_t n_late;
    uint64_t settle_ns;
};

#endif
