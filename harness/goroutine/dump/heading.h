/* SPDX-License-Identifier: Apache-2.0 */
/* The first line of a goroutine in a traceback. */
#ifndef SL_GOROUTINE_DUMP_HEADING_H
#define SL_GOROUTINE_DUMP_HEADING_H

#include "harness/goroutine/dump/builder.h"

/* "goroutine 17 gp=0xc000 m=3 mp=0xc001 [select, 5 minutes, locked to thread]:" */
struct dump_heading {
    size_t indent; /* blanks before it, which all lines of the goroutine have */
    uint64_t id;
    const char *state; /* without what comes and goes */
    size_t state_size;
    uint32_t minutes;
    bool has_addresses; /* of a runtime that was told to say more, go1.22 or later */
    bool locked, leaked;
    const char *labels; /* as struct sl_goroutine has them; kept by the builder */
};

/* Does the line look like one? */
bool heading_is(const struct dump_line *line);

bool heading_read(struct dump_builder *builder, const struct dump_line *line,
                  struct dump_heading *ret_heading);

#endif
