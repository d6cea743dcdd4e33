/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of generated code, as just-in-time compilers write them down for profilers: a line
 * "START SIZE NAME" for each function, in /tmp/perf-PID.map as the process sees it.
 *
 * A name is as good as that file.  It is used when it is the process's own, or root's, and
 * no older than the process.
 */
#ifndef SL_SNAPSHOT_SYMBOL_JIT_H
#define SL_SNAPSHOT_SYMBOL_JIT_H

#include <stddef.h>
#include <stdint.h>

#include <strandline/error.h>

#include "base/arena.h"
#include "harness/snapshot/target/target.h"

/* Module of frames whose name comes from there. */
#define SL_JIT_MODULE "[jit]"

struct sl_jit;

/* NULL when there is no such file, or none that may be trusted. */
struct sl_jit *sl_jit_new(const struct sl_target *target);

/* From the content of such a file, which is taken over; NULL when it has no line of use. */
struct sl_jit *sl_jit_parse(char *text, size_t size);
void sl_jit_free(struct sl_jit *jit); /* NULL is allowed */

/* The newest name given to an address, in the arena; NULL when there is none. */
const char *sl_jit_find(const struct sl_jit *jit, uint64_t address, struct sl_arena *arena);

#endif
