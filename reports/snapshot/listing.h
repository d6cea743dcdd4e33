/* SPDX-License-Identifier: Apache-2.0 */
/* What is shown of a snapshot, and the forms in which it can be written. */
#ifndef SL_REPORTS_SNAPSHOT_LISTING_H
#define SL_REPORTS_SNAPSHOT_LISTING_H

#include <strandline/error.h>

#include "harness/model/rules.h"
#include "harness/model/wait_tree.h"
#include "reports/page.h"

/* All borrowed. */
struct sl_snapshot_listing {
    const struct sl_snapshot *snapshot;
    const struct sl_group *groups; /* every thread is a member of one */
    size_t n_groups;
    struct sl_wait_tree waits;
    const struct sl_living_witness *witnesses; /* that live, of goroutines */
    size_t n_witnesses;
    bool all;                    /* the threads one by one, too */
    bool proved;                 /* the groups have proofs */
    const struct sl_group *each; /* one for each thread, with its proof; NULL: nobody asked */
    const char *maps;            /* text of /proc/PID/maps */
};

/* As struct sl_exporter has them, of a struct sl_snapshot_listing. */
SL_CHECKED enum sl_status
snapshot_write_text(const void *document, const struct sl_page *page, struct sl_error *err);
SL_CHECKED enum sl_status
snapshot_write_json(const void *document, const struct sl_page *page, struct sl_error *err);
SL_CHECKED enum sl_status
snapshot_write_threadz(const void *document, const struct sl_page *page, struct sl_error *err);

#endif
