/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rule files: threads that are known and accepted, witnesses of a Close, and residents of
 * libraries.  docs/rules.md describes the format.
 */
#ifndef SL_RULES_RULES_H
#define SL_RULES_RULES_H

#include <strandline/error.h>

#include "base/arena.h"
#include "base/macros.h"
#include "harness/model/rules.h"

#define SL_RULES_SIZE_MAX (256 * 1024) /* bytes of a file */
#define SL_RULES_MAX      500          /* of each kind in a file */
#define SL_RULES_FILE     ".strandline.json"

/* Those of several files, in the order in which they were read. */
struct sl_rules {
    struct sl_arena *arena; /* owns the texts */
    struct sl_leak_rule *rules;
    size_t n, capacity;
    char today[sizeof "2027-03-01"];
};

/* None yet.  What expired before today, in UTC, will be marked so.  @return SL_ENOMEM */
SL_CHECKED enum sl_status sl_rules_init(struct sl_rules *rules, struct sl_error *err);
void sl_rules_release(struct sl_rules *rules); /* all zero is allowed */

/**
 * Add the rules of a text.
 *
 * @param name  what error texts call it, for example its path
 * @return SL_EPARSE not a rule file, text "NAME:LINE:COLUMN: KEY: what is wrong"; none was added
 */
SL_CHECKED enum sl_status sl_rules_parse(struct sl_rules *rules, const char *name, const char *text,
                                         size_t size, struct sl_error *err);

/* The same of a file.  SL_ENOENT: there is none; SL_ESYS: it cannot be read. */
SL_CHECKED enum sl_status
sl_rules_load(struct sl_rules *rules, const char *path, struct sl_error *err);

/* Those that come with the program, for client libraries.  A file that is not installed is none. */
SL_CHECKED enum sl_status sl_rules_load_shipped(struct sl_rules *rules, struct sl_error *err);

#endif
