/* SPDX-License-Identifier: Apache-2.0 */
/* What compilers and linkers append to the name of a function. */
#ifndef SL_MODEL_FUNCTION_NAME_H
#define SL_MODEL_FUNCTION_NAME_H

#include <stddef.h>

/*
 * Length of the name that the source gave, mangled or not: without the marks of clones
 * and parts (".part.0", ".cold", " [clone .isra.0]"), Rust's hash ("::h0123456789abcdef") and a
 * symbol version ("@@GLIBC_2.3.2").  All of them stand at the end, several in a row;
 * what looks like one elsewhere is the name's own.
 */
size_t sl_function_name_length(const char *name);

#endif
