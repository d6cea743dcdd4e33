/* SPDX-License-Identifier: Apache-2.0 */
/* Writes documents by their layout. */
#ifndef SL_JSON_LAYOUT_WRITE_H
#define SL_JSON_LAYOUT_WRITE_H

#include <stdio.h>

#include <strandline/error.h>

#include "json/layout.h"

/* Write what is at base as JSON, ending with a newline; flushes the stream. */
SL_CHECKED enum sl_status
sl_layout_print(const struct sl_layout *layout, const void *base, FILE *out, struct sl_error *err);

#endif
