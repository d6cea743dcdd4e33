/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a frame is called across builds.
 *
 * The compiler renames parts and clones of functions, file names carry patch versions.  Here
 * that noise is cut off, so that two builds of one program agree.
 */
#ifndef SL_LEAK_STACK_NAMES_H
#define SL_LEAK_STACK_NAMES_H

#include "harness/model/snapshot.h"

/* A part of somebody's string; not terminated. */
struct sl_leak_name {
    const char *text;
    size_t size;
};

/* Function as the source names it (harness/model/function_name.h).  NULL gives an empty name. */
struct sl_leak_name sl_leak_function_name(const char *function);

/* File name without " (deleted)"; of a version only the part that an ABI has: "libnats.so.3". */
struct sl_leak_name sl_leak_module_name(const char *module);

/* One function, three symbols: pthread_join, __pthread_join, __GI___pthread_join. */
struct sl_leak_name sl_leak_bare_name(struct sl_leak_name name);

bool sl_leak_name_equal(struct sl_leak_name a, struct sl_leak_name b);
bool sl_leak_name_is(struct sl_leak_name name, const char *text);

/* Does the file name of the module start with prefix? */
bool sl_leak_module_is(const char *module, const char *prefix);

/* Is it a part that the compiler moved out of a function (".part.0"), called from what is left? */
bool sl_leak_is_part(const struct sl_frame *frame);

#endif
