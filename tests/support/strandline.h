/* SPDX-License-Identifier: Apache-2.0 */
/* The strandline program in a test: run it in a directory of its own, look into its report. */
#ifndef SL_TEST_STRANDLINE_H
#define SL_TEST_STRANDLINE_H

#include <jansson.h>

#include "command.h"

/* The program that was built beside the tests. */
const char *strandline_program(void);

/* A new empty directory, removed by strandline_leave(). */
void strandline_enter(void);
void strandline_leave(void);
const char *strandline_directory(void);

/* Write a file into the directory; returns its path, valid until the next call. */
const char *strandline_file(const char *name, const char *text);

/* `strandline ARGS...` in the directory; the arguments end with NULL. */
struct command_result strandline_run(const char *first, ...) __attribute__((sentinel));

/* Read a JSON file of the directory.  Fails the test when it is none, and when it is a report that
   the program itself refuses. */
json_t *strandline_json(const char *name);

/*
 * Value at a path such as "cells.0.trials.1.leaks.count".  Fails the test when there is
 * none.  Borrowed.
 */
const json_t *json_at(const json_t *root, const char *path);
long json_number_at(const json_t *root, const char *path);
const char *json_text_at(const json_t *root, const char *path);

#endif
