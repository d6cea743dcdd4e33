/* SPDX-License-Identifier: Apache-2.0 */
/* Threads that belong to a library. */
#ifndef SL_LEAK_STACK_LIBRARY_H
#define SL_LEAK_STACK_LIBRARY_H

#include "harness/model/snapshot.h"

/*
 * File name of the library that the entry function lies in, when it is one of the modules (starts
 * of file names, NULL-terminated; or NULL); else NULL.
 */
const char *sl_leak_find_library(const struct sl_stack *stack, const char *const *modules);

#endif
