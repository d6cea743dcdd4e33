/* SPDX-License-Identifier: Apache-2.0 */
/* Plain data: rules about threads, of a driver or of rule files, and what a run made of them. */
#ifndef SL_MODEL_RULES_H
#define SL_MODEL_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/value.h"

/*
 * What a thread looks like: globs as fnmatch() takes them, all of which have to fit.  NULL fits
 * every thread.
 */
struct sl_pattern {
    const char *module;       /* file name of the module that its entry lies in */
    const char *top_function; /* what reports call its group */
    const char *any_function; /* one on its stack */
    const char *creator;      /* one on the stack that it was started from, where that is known */
    const char *thread_name;
    const char *wait;  /* word of its wait; "socket" also of a poll that has one */
    const char *cause; /* word of the cause of its group */
};

#define SL_LEAK_RULE_MAP(X)                                                                        \
    X(IGNORE, "ignore")     /* known and accepted: shown, not counted */                           \
    X(WITNESS, "witness")   /* every effective Close ends it */                                    \
    X(RESIDENT, "resident") /* a library keeps it until its shutdown */                            \
    X(QUEUE, "queue")       /* it waits for room in a queue */

enum sl_leak_rule_kind {
#define X(name, text) SL_LEAK_RULE_##name,
    SL_LEAK_RULE_MAP(X)
#undef X
};

struct sl_leak_rule {
    enum sl_leak_rule_kind kind;
    size_t index; /* among those of files, which copies keep */
    struct sl_pattern pattern;
    const char *reason; /* why it is ignored; what a witness, a resident or a queue is */
    const char *owner;  /* who answers for it, or NULL */
    const char *file;   /* NULL: the driver's or the caller's own */
    uint32_t line;
    const char *expires; /* the last day that it applies, "2027-03-01"; NULL: for ever */
    bool expired;
    bool shipped;        /* comes with this program: of interest only where it applies */
    struct sl_value max; /* threads of a trial that are ignored; missing: any number */
};

struct sl_leak_rules {
    const struct sl_leak_rule *rules;
    size_t n;
};

/* Threads of a trial that a rule fits. */
struct sl_rule_match {
    const struct sl_leak_rule *rule;
    const char *function; /* of their group; NULL: of whatever group */
    uint32_t count;       /* beyond the rule's max, too */
};

/* A witness that lives, in a snapshot. */
struct sl_living_witness {
    const char *function; /* that it is known by; NULL: by nothing on its stack */
    uint32_t count;       /* threads */
    const char *reason;   /* what it is */
};

#define SL_RULE_STATE_MAP(X)                                                                       \
    X(USED, "used")                                                                                \
    X(UNUSED, "unused")                                                                            \
    X(EXPIRED, "expired")                                                                          \
    X(TOO_BROAD, "too-broad")

enum sl_rule_state {
#define X(name, text) SL_RULE_STATE_##name,
    SL_RULE_STATE_MAP(X)
#undef X
};

/* What a run made of a rule. */
struct sl_rule_use {
    struct sl_leak_rule rule; /* without its pattern when it was read from a report */
    enum sl_rule_state state;
    uint32_t threads;   /* most in one trial */
    uint32_t groups;    /* with different functions, over all trials */
    const char *detail; /* why it is too broad, or NULL */
};

const char *sl_leak_rule_kind_text(enum sl_leak_rule_kind kind);
const char *sl_rule_state_text(enum sl_rule_state state);

#endif
