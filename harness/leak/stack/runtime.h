/* SPDX-License-Identifier: Apache-2.0 */
/* The C, C++ and Rust runtimes: code that waits, locks or starts threads for others. */
#ifndef SL_LEAK_STACK_RUNTIME_H
#define SL_LEAK_STACK_RUNTIME_H

#include "harness/model/snapshot.h"

/* Is no frame of it in a C library, so that the program may have one linked into itself? */
bool runtime_is_static(const struct sl_stack *stack);

/* Of the C or C++ runtime?  Known by module; in a static program by name. */
bool runtime_is_native(const struct sl_frame *frame, bool is_static);

/* Of these or of Rust's, which is part of every program and known by name. */
bool runtime_has(const struct sl_frame *frame, bool is_static);

/*
 * Index of the thread's entry: the outermost frame that is not the runtime's own
 * way of starting a thread or process.  A thread that never left the runtime has
 * the outermost frame that does more than start it.  The stack has frames.
 */
size_t runtime_entry(const struct sl_stack *stack);

#endif
