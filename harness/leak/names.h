/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a frame is called across builds, and where a thread's own code begins.
 *
 * The compiler renames parts and clones of functions, file names carry patch
 * versions, and the C library's internals come and go with its debug symbols.
 * Here that noise is cut off, so that two builds of one program agree.
 */
#ifndef SL_LEAK_NAMES_H
#define SL_LEAK_NAMES_H

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

/* Does the file name of the module start with prefix? */
bool sl_leak_module_is(const char *module, const char *prefix);

/* Is no frame of it in a C library, so that the program may have one linked into itself? */
bool sl_leak_is_static(const struct sl_stack *stack);

/*
 * Is it a frame of the C, C++ or Rust runtime: code that waits, locks or starts threads for
 * others?  Known by module; in a static program, and Rust's in any, by name.
 */
bool sl_leak_is_runtime(const struct sl_frame *frame, bool is_static);

/* Is it a part that the compiler moved out of a function (".part.0"), called from what is left? */
bool sl_leak_is_part(const struct sl_frame *frame);

/*
 * Index of the thread's entry: the outermost frame that is not the runtime's own
 * way of starting a thread or process.  A thread that never left the runtime has
 * the outermost frame that does more than start it.  The stack has frames.
 */
size_t sl_leak_entry(const struct sl_stack *stack);

#endif
