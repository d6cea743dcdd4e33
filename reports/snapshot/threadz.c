/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The format "threadz", as pprof reads it.  Its reader takes every hexadecimal
 * number of a line for an address, so nothing else is printed there.  Inlined
 * frames are left out: pprof finds them again by the address they share with the
 * frame they are part of.
 */
#include <inttypes.h>
#include <string.h>

#include "base/utf8.h"
#include "reports/snapshot/listing.h"

#define ADDRESSES_PER_LINE 4

static bool has_frames(const struct sl_thread *thread)
{
    return thread->stack && thread->stack->n_frames;
}

static void print_addresses(const struct sl_stack *stack, FILE *out)
{
    size_t n = 0;
    for (size_t i = 0; i < stack->n_frames; i++) {
        if (stack->frames[i].inlined)
            continue;
        const char *before = n == 0 ? "  PC: " : n % ADDRESSES_PER_LINE ? " " : "\n      ";
        (void) fprintf(out, "%s0x%016" PRIx64, before, stack->frames[i].address);
        n++;
    }
    (void) fputc('\n', out);
}

/*
 * A name with a parenthesis or a slash is fine, for the reader looks for the last; one with a
 * line break or a control character is not.
 */
static void print_start(const struct sl_thread *thread, FILE *out)
{
    (void) fprintf(out, "--- Thread %" PRIx64 " (name: ", thread->id);
    (void) sl_utf8_print(thread->name, out);
    (void) fprintf(out, "/%" PRIu64 ") stack: ---\n", thread->id);
}

/* Line by line: the paths in it are the target's. */
static void print_maps(const char *maps, FILE *out)
{
    for (size_t length; *maps; maps += length + (maps[length] == '\n')) {
        length = strcspn(maps, "\n");
        sl_utf8_printf(out, "%.*s\n", (int) length, maps);
    }
}

enum sl_status
snapshot_write_threadz(const void *document, const struct sl_page *page, struct sl_error *err)
{
    const struct sl_snapshot_listing *listing = document;
    const struct sl_snapshot *snapshot = listing->snapshot;
    const struct sl_stack *last = NULL;
    size_t n_without = 0;

    (void) err;
    for (size_t i = 0; i < snapshot->n_threads; i++)
        n_without += !has_frames(&snapshot->threads[i]);
    /* The number is part of the format and means nothing here. */
    (void) fputs("--- threadz 1 ---\n\n", page->out);
    if (n_without)
        (void) fprintf(page->out, "# %zu of %zu threads are left out: they have no stack\n\n",
                       n_without, snapshot->n_threads);
    for (size_t i = 0; i < snapshot->n_threads; i++) {
        const struct sl_thread *thread = &snapshot->threads[i];
        if (!has_frames(thread))
            continue;
        print_start(thread, page->out);
        if (thread->stack == last)
            (void) fputs("    [same as previous thread]\n", page->out);
        else
            print_addresses(thread->stack, page->out);
        last = thread->stack;
    }
    (void) fputs("\n--- Memory map: ---\n", page->out);
    print_maps(listing->maps, page->out);
    return SL_OK;
}
