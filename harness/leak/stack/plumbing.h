/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plumbing: code that waits, starts threads or passes calls on for others, whatever
 * module it was compiled into.  A thread is not recognised by it.
 */
#ifndef SL_LEAK_STACK_PLUMBING_H
#define SL_LEAK_STACK_PLUMBING_H

#include "harness/model/snapshot.h"

/* By name space of the language, or by module and function. */
bool plumbing_has(const struct sl_frame *frame);

/* Is it Rust's standard library, which is part of every program?  NULL is not. */
bool plumbing_is_rust_std(const char *function);

/*
 * Where the qualified name begins in what a demangler made of a function: after the type that
 * a C++ template returns.  *ret_parameters: whether a list of parameters follows the name, as
 * it does in C++ and in no other language.
 */
const char *plumbing_qualified_name(const char *function, bool *ret_parameters);

#endif
