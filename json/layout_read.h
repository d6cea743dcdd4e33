/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads documents by their layout.
 *
 * Readers ignore unknown keys and refuse another major version.  A measured number
 * that is null or absent becomes missing with a reason; every other absent key is
 * an error, but for those that were added later.
 */
#ifndef SL_JSON_LAYOUT_READ_H
#define SL_JSON_LAYOUT_READ_H

#include <strandline/error.h>

#include "base/arena.h"
#include "json/layout.h"
#include "json/locate.h"

/**
 * Read a document into a struct.
 *
 * @param name   what error texts call the input, for example its path
 * @param arena  gets the texts and lists
 * @param base   the struct of the layout, all zero; of no use after a failure
 * @return SL_EPARSE, text "NAME: KEY.PATH: what is wrong", with line and column where it is no
 *         JSON; also for so many values that they would take some GiB of memory
 */
SL_CHECKED enum sl_status sl_layout_read(const struct sl_layout *layout, const char *name,
                                         const struct sl_locate_text *text, struct sl_arena *arena,
                                         void *base, struct sl_error *err);

#endif
