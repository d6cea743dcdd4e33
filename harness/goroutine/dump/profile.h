/* SPDX-License-Identifier: Apache-2.0 */
/* The text form of runtime/pprof, debug=1: counts, addresses, and what these are called. */
#ifndef SL_GOROUTINE_DUMP_PROFILE_H
#define SL_GOROUTINE_DUMP_PROFILE_H

#include "harness/goroutine/dump/builder.h"

struct dump_profile {
    uint64_t total; /* as its first line tells */
};

/* Is it "goroutine profile: total 17", the first line of a profile of goroutines? */
bool profile_begins(const struct dump_line *line, struct dump_profile *ret_profile);

/* Is it the first line of another profile, which has no goroutines? */
bool profile_is_other(const struct dump_line *line);

/* Is it the first line of a record? */
bool profile_has_record(const struct dump_line *line);

/* Read the record at which the input stands. */
void profile_read_record(struct dump_builder *builder, struct dump_input *input);

#endif
