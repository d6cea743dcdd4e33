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
struct stack_name {
    const char *text;
    size_t size;
};

/* Function as the source names it (harness/model/function_name.h).  NULL gives an empty name. */
struct stack_name names_function(const char *function);

/* File name without " (deleted)"; of a version only the part that an ABI has: "libnats.so.3". */
struct stack_name names_module(const char *module);

/* One function, three symbols: pthread_join, __pthread_join, __GI___pthread_join. */
struct stack_name names_bare(struct stack_name name);

bool names_equal(struct stack_name a, struct stack_name b);
bool names_is(struct stack_name name, const char *text);

/* Does the file name of the module start with prefix? */
bool names_module_is(const char *module, const char *prefix);

/* Is it a part that the compiler moved out of a function (".part.0"), called from what is left? */
bool names_is_part(const struct sl_frame *frame);

#endif
