/* SPDX-License-Identifier: Apache-2.0 */
/* The forms in which a document can be written: one table for each kind of document. */
#ifndef SL_REPORTS_EXPORTER_H
#define SL_REPORTS_EXPORTER_H

#include <stdio.h>

#include <strandline/error.h>

struct sl_table_opts;

struct sl_exporter {
    const char *name; /* the option that asks for it; NULL ends the table */
    unsigned needs;   /* parts of the document that have to be there; bits beside the table */
    /* Out of memory, or the stream could not be written. */
    SL_CHECKED enum sl_status (*write)(const void *document, const struct sl_table_opts *opts,
                                       FILE *out, struct sl_error *err);
};

/* That of a name; the first of the table, which is for people, is the one that nobody asks for. */
const struct sl_exporter *sl_exporter_find(const struct sl_exporter *table, const char *name);

#endif
