/* SPDX-License-Identifier: Apache-2.0 */
/* The forms in which a document can be written: one table for each kind of document. */
#ifndef SL_REPORTS_EXPORTER_H
#define SL_REPORTS_EXPORTER_H

#include <strandline/error.h>

#include "reports/page.h"

struct sl_exporter {
    const char *name; /* the option that asks for it; NULL ends the table */
    unsigned needs;   /* parts of the document that have to be there; bits beside the table */
    SL_CHECKED enum sl_status (*write)(const void *document, const struct sl_page *page,
                                       struct sl_error *err);
};

/* NULL: the table has none of this name. */
const struct sl_exporter *sl_exporter_find(const struct sl_exporter *table, const char *name);

/*
 * Write a document by the exporter of a name that the table has.
 *
 * @return SL_ENOMEM, or an error of the stream
 */
SL_CHECKED enum sl_status sl_export(const struct sl_exporter *table, const char *name,
                                    const void *document, const struct sl_page *page,
                                    struct sl_error *err);

#endif
