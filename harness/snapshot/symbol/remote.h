/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names read in a sandbox, which is made when it is first asked, and anew when it was lost.
 *
 * What it takes too long for, or does not survive, it is not asked again by who remembers so
 * (module_names.h).
 */
#ifndef SL_SNAPSHOT_SYMBOL_REMOTE_H
#define SL_SNAPSHOT_SYMBOL_REMOTE_H

#include <stdbool.h>
#include <stdint.h>

#include <strandline/error.h>

#include "base/arena.h"
#include "harness/snapshot/dwarf/debugged.h"
#include "harness/snapshot/module/module.h"
#include "harness/snapshot/symbol/files.h"
#include "harness/snapshot/symbol/names.h"

struct sl_remote;

/* A module as the sandbox knows it; begins with zeros. */
struct sl_remote_module {
    uint32_t number;
    uint32_t opened_in; /* which sandbox has it open, from 1; 0: none */
};

/*
 * @param modules  borrowed
 * @param serve    what the sandbox does (serve.h)
 * @return NULL when memory is short
 */
struct sl_remote *
sl_remote_new(struct sl_modules *modules, void (*serve)(int socket, void *context));
void sl_remote_free(struct sl_remote *remote); /* NULL is allowed */

/* Is the module open in the sandbox that there is? */
bool sl_remote_has(const struct sl_remote *remote, const struct sl_remote_module *known);

/*
 * Each returns SL_ECLOSED when the sandbox has been given up, or there can be none, and SL_ENOMEM
 * when memory is short in this process.
 */
SL_CHECKED enum sl_status sl_remote_open(struct sl_remote *remote, struct sl_remote_module *known,
                                         const struct sl_debugged *debugged,
                                         const struct sl_symbol_files *files, bool lines);
SL_CHECKED enum sl_status
sl_remote_look_up(struct sl_remote *remote, const struct sl_remote_module *known, uint64_t address,
                  struct sl_arena *arena, struct sl_code_names *ret_names);
SL_CHECKED enum sl_status sl_remote_spell(struct sl_remote *remote, const char *raw,
                                          struct sl_arena *arena, const char **ret_name);

/* Has the sandbox that there is seen nothing but files of root and of this user?  Else it may be in
 * somebody's hands, and lie about all that it has open. */
bool sl_remote_is_clean(const struct sl_remote *remote);

/* Why it was given up the last time; goes on a sentence about what it was asked for. */
const char *sl_remote_reason(const struct sl_remote *remote);

/* Can there be none at all? */
bool sl_remote_is_refused(const struct sl_remote *remote);

#endif
