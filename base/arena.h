/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arena: many small allocations with one lifetime.
 *
 * Results and snapshots are trees of strings and arrays that live and die
 * together; they come from an arena and are never freed one by one.  Not
 * thread-safe.  Returned memory is zeroed and aligned for any type.
 */
#ifndef SL_BASE_ARENA_H
#define SL_BASE_ARENA_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/macros.h"

struct sl_arena;

/* @return NULL when memory is short */
struct sl_arena *sl_arena_new(void);
void sl_arena_free(struct sl_arena *arena); /* NULL is allowed */
SL_DEFINE_AUTO(sl_arena, sl_arena_free);

/*
 * From now on ask before memory is taken from the system: where the answer is false, memory is
 * short.  NULL: nobody is asked.
 */
void sl_arena_ask(struct sl_arena *arena, bool (*may_take)(void *context, size_t size),
                  void *context);

/* @return zeroed memory owned by the arena, or NULL; size 0 gives a valid pointer */
void *sl_arena_alloc(struct sl_arena *arena, size_t size);

/* n elements of size bytes each; NULL also when the product overflows. */
void *sl_arena_array(struct sl_arena *arena, size_t n, size_t size);

/* Copy of a string; NULL in gives NULL out (which is then not an error). */
char *sl_arena_strdup(struct sl_arena *arena, const char *text);
char *sl_arena_printf(struct sl_arena *arena, const char *format, ...) SL_PRINTF(2, 3);
char *sl_arena_vprintf(struct sl_arena *arena, const char *format, va_list args) SL_PRINTF(2, 0);

/* Bytes asked for so far. */
size_t sl_arena_used(const struct sl_arena *arena);

#endif
