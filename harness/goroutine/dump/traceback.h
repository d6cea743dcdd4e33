/* SPDX-License-Identifier: Apache-2.0 */
/* Tracebacks of goroutines, one by one: debug=2, and what a Go program prints when it dies. */
#ifndef SL_GOROUTINE_DUMP_TRACEBACK_H
#define SL_GOROUTINE_DUMP_TRACEBACK_H

#include "harness/goroutine/dump/builder.h"

/* Is it what a runtime or the go command print beside goroutines: "exit status 2", a register? */
bool traceback_is_other(const struct dump_line *line);

/* Read the goroutine at which the input stands. */
enum dump_added traceback_read(struct dump_builder *builder, struct dump_input *input);

#endif
