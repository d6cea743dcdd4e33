/* SPDX-License-Identifier: Apache-2.0 */
/* Writes strandline.snapshot/1. */
#include "base/fail.h"
#include "json/layout_write.h"
#include "reports/snapshot/document.h"
#include "reports/snapshot/layout.h"
#include "reports/snapshot/listing.h"

static enum sl_status add_threads(const struct sl_snapshot_listing *listing, struct sl_arena *arena,
                                  struct sl_document *document, struct sl_error *err)
{
    const struct sl_snapshot *snapshot = listing->snapshot;
    size_t n = snapshot->n_threads;
    struct sl_document_thread *threads = sl_arena_array(arena, n, sizeof *threads);

    if (!threads)
        return sl_fail(err, SL_ENOMEM, "out of memory for %zu threads", n);
    for (size_t i = 0; i < n; i++)
        threads[i] = sl_document_thread(listing, i);
    for (size_t g = 0; g < listing->n_groups; g++)
        for (size_t i = 0; i < listing->groups[g].n_members; i++)
            threads[listing->groups[g].members[i]].fingerprint = listing->groups[g].fingerprint;
    document->taken_ns = snapshot->taken_ns;
    document->counts_arrivals = snapshot->counts_arrivals;
    document->threads = threads;
    document->n_threads = n;
    document->unjoined_threads = snapshot->unjoined;
    document->n_unjoined_threads = snapshot->n_unjoined;
    return SL_OK;
}

enum sl_status
snapshot_write_json(const void *document, const struct sl_page *page, struct sl_error *err)
{
    const struct sl_snapshot_listing *listing = document;
    struct sl_document shown;

    enum sl_status status = sl_document_build(listing, page->arena, &shown, err);
    if (!status && listing->all)
        status = add_threads(listing, page->arena, &shown, err);
    if (status)
        return status;
    return sl_layout_print(listing->all ? &layout_full : &layout_grouped, &shown, page->out, err);
}
