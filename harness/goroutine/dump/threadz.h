/* SPDX-License-Identifier: Apache-2.0 */
/* The format "threadz": addresses of the threads of a native program, and its memory map. */
#ifndef SL_GOROUTINE_DUMP_THREADZ_H
#define SL_GOROUTINE_DUMP_THREADZ_H

#include "harness/goroutine/dump/builder.h"

/* Is it "--- threadz 1 ---", the first line? */
bool threadz_begins(const struct dump_line *line);

/* Read all that is left. */
void threadz_read(struct dump_builder *builder, struct dump_input *input);

#endif
