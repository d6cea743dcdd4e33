/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <string.h>

#include "base/fail.h"
#include "base/macros.h"
#include "reports/format.h"
#include "reports/print/frames.h"
#include "reports/print/proof.h"
#include "reports/print/say.h"
#include "reports/print/tree.h"
#include "reports/snapshot/document.h"
#include "reports/snapshot/goroutine_text.h"
#include "reports/snapshot/listing.h"
#include "reports/snapshot/wait_text.h"

#define MAX_LISTED 8 /* of the waits and names of one group; the JSON form has all */
#define INDENT     4

/* "501 by proc, 2 not read": where the registers came from. */
static void print_sources(const struct sl_page *page, const struct sl_document_sources *sources)
{
    const struct {
        uint32_t count;
        const char *text;
    } parts[] = {{sources->proc, "by proc"},
                 {sources->bpf, "by bpf"},
                 {sources->ptrace, "by ptrace"},
                 {sources->dump, "from a dump"},
                 {sources->none, "without a stack"}};
    bool any = false;

    for (size_t i = 0; i < SL_COUNT_OF(parts); i++) {
        if (!parts[i].count)
            continue;
        (void) fprintf(page->out, "%s%" PRIu32 " %s", any ? ", " : "", parts[i].count,
                       parts[i].text);
        any = true;
    }
}

static const char *say_kind(const struct sl_document *document)
{
    return document->kind == SL_SNAPSHOT_GOROUTINES ? "goroutine" : "thread";
}

/* What a dump is, and what of it could not be read. */
static void print_dump(const struct sl_page *page, const struct sl_document *document)
{
    const struct sl_dump *dump = &document->dump;
    const uint32_t n = document->stats.threads;

    (void) fprintf(page->out, "%s: %" PRIu32 " %s%s in %zu group%s\n", dump->format, n,
                   say_kind(document), n == 1 ? "" : "s", document->n_groups,
                   document->n_groups == 1 ? "" : "s");
    if (dump->n_errors)
        sl_style_print(page, SL_STYLE_WARN, "%" PRIu64 " place%s could not be read; %s\n",
                       dump->n_errors, dump->n_errors == 1 ? "" : "s",
                       sl_say_text(page, dump->first_error, "no reason is recorded"));
    if (dump->more)
        sl_style_print(page, SL_STYLE_WARN,
                       "another dump follows in the file, and is not shown here\n");
}

static void print_heading(const struct sl_page *page, const struct sl_document *document)
{
    const struct sl_snapshot_stats *stats = &document->stats;
    char duration[SL_FORMAT_MAX];

    if (document->dump.format) {
        print_dump(page, document);
        return;
    }
    sl_format_time(stats->duration_ns, duration);
    (void) fprintf(page->out, "process %ld (%s): %" PRIu32 " %s%s in %zu group%s\n",
                   (long) document->pid, sl_say_text(page, document->command, "?"), stats->threads,
                   say_kind(document), stats->threads == 1 ? "" : "s", document->n_groups,
                   document->n_groups == 1 ? "" : "s");
    print_sources(page, &document->sources);
    (void) fprintf(page->out,
                   "; %" PRIu32 " unwound, %" PRIu32 " memoised, %" PRIu32 " retried, %" PRIu32
                   " stopped; took %s\n",
                   stats->unwound, stats->memoised, stats->retried, stats->stopped, duration);
}

/* What is not complete says so, and why. */
static void
print_reason(const struct sl_page *page, size_t n_frames, enum sl_grade grade, const char *reason)
{
    sl_style_print(page, SL_STYLE_WARN, "%*s%s%s\n", INDENT, "",
                   grade == SL_GRADE_FRAME_POINTERS ? "stack "
                   : n_frames                       ? "stack not complete: "
                                                    : "no stack: ",
                   sl_say_text(page, reason, "no reason is recorded"));
}

static void print_waits(const struct sl_page *page, const struct sl_document_group *group)
{
    size_t n = SL_MIN(group->n_waits, (size_t) MAX_LISTED);
    uint32_t others = 0;

    if (group->n_waits == 1)
        return; /* the line above has it */
    for (size_t i = n; i < group->n_waits; i++)
        others += group->waits[i].count;
    for (size_t i = 0; i < n; i++)
        (void) fprintf(page->out, "%*s%" PRIu32 " %s\n", INDENT, "", group->waits[i].count,
                       group->waits[i].text);
    if (others)
        (void) fprintf(page->out, "%*s%" PRIu32 " otherwise\n", INDENT, "", others);
}

static void print_names(const struct sl_page *page, const struct sl_document_group *group)
{
    size_t n = SL_MIN(group->n_names, (size_t) MAX_LISTED);

    (void) fprintf(page->out, "%*snames ", INDENT, "");
    for (size_t i = 0; i < n; i++)
        (void) fprintf(page->out, "%s%s", i ? ", " : "",
                       *group->names[i] ? group->names[i] : "(none)");
    if (group->n_names > n)
        (void) fprintf(page->out, " and %zu other%s", group->n_names - n,
                       group->n_names - n == 1 ? "" : "s");
    (void) fprintf(page->out, "; state %s\n", group->states);
}

/* Threads without a stack, for they have ended: what is left of them is what they started with. */
static void print_unjoined(const struct sl_page *page, const struct sl_document *document)
{
    const struct sl_document_unjoined *unjoined = &document->unjoined;

    if (document->kind == SL_SNAPSHOT_GOROUTINES)
        return; /* there are none */
    if (unjoined->reason) {
        sl_style_print(page, SL_STYLE_DIM,
                       "\nthreads that ended and were not joined are not known: %s\n",
                       sl_say_text(page, unjoined->reason, "no reason is recorded"));
        return;
    }
    if (!unjoined->count)
        return;
    sl_style_print(
        page, SL_STYLE_WARN, "\n%" PRIu32 " thread%s ended and %s never joined, started with\n",
        unjoined->count, unjoined->count == 1 ? "" : "s", unjoined->count == 1 ? "was" : "were");
    for (size_t i = 0; i < unjoined->n_groups; i++) {
        (void) fprintf(page->out, "%*s%" PRIu32 " @ ", INDENT, "", unjoined->groups[i].count);
        sl_frames_print(&unjoined->groups[i].start, 1, 1, 0, page->out);
    }
}

/* What was left out, so that nobody takes the rest for all. */
static void print_left_out(const struct sl_page *page, const struct sl_document *document)
{
    const struct sl_document_left_out *left_out = &document->left_out;

    if (left_out->count)
        sl_style_print(page, SL_STYLE_WARN, "\n%" PRIu32 " %s%s not looked at: %s\n",
                       left_out->count, say_kind(document), left_out->count == 1 ? "" : "s",
                       sl_say_text(page, left_out->reason, "no reason is recorded"));
    for (size_t i = 0; i < document->n_modules; i++)
        if (document->modules[i].not_looked_at)
            sl_style_print(
                page, SL_STYLE_WARN, "\nnot looked at: names of %s: %s\n",
                sl_say_text(page, document->modules[i].path, "?"),
                sl_say_text(page, document->modules[i].not_looked_at, "no reason is recorded"));
}

static void print_proof(const struct sl_page *page, const struct sl_group *group)
{
    const char *proof = sl_proof_say(page, group);

    if (proof)
        (void) fprintf(page->out, "%*sproof: %s\n", INDENT, "", proof);
}

/* What every Close ends, and is still there.  "readLoop" of its whole name, which follows. */
static void print_witnesses(const struct sl_page *page, const struct sl_document *document)
{
    for (size_t i = 0; i < document->n_witnesses; i++) {
        const struct sl_living_witness *witness = &document->witnesses[i];
        const char *name = witness->function ? witness->function : "(no function)";
        const char *dot = strrchr(name, '.');
        sl_style_print(page, SL_STYLE_WARN,
                       "not-closed: %s is alive: %" PRIu32 " x %s, %s, which every Close ends\n",
                       sl_say_text(page, dot ? dot + 1 : name, "?"), witness->count,
                       sl_say_text(page, name, "?"),
                       sl_say_text(page, witness->reason, "a witness"));
    }
}

static void print_group(const struct sl_page *page, const struct sl_snapshot *snapshot,
                        const struct sl_document_group *shown)
{
    const struct sl_group *group = &shown->group;

    (void) fprintf(page->out, "\n%" PRIu32 " @ %s [%s]\n", group->count,
                   sl_say_function(page, group),
                   shown->n_waits == 1 ? shown->waits->text : "several");
    print_waits(page, shown);
    sl_frames_print(group->frames, group->n_frames, group->n_frames, INDENT, page->out);
    if (!group->complete)
        print_reason(page, group->n_frames, group->grade, group->reason);
    print_proof(page, group);
    if (snapshot->kind == SL_SNAPSHOT_GOROUTINES)
        goroutine_print_group(page, INDENT, snapshot, group);
    else
        print_names(page, shown);
    sl_style_print(page, SL_STYLE_DIM, "%*sfingerprint %s\n", INDENT, "", group->fingerprint);
}

static void
print_head(const struct sl_page *page, const struct sl_document_thread *shown, const char *wait)
{
    const struct sl_thread *thread = &shown->thread;
    char age[SL_FORMAT_MAX], cpu[SL_FORMAT_MAX];

    sl_format_time(thread->age_ns, age);
    sl_format_time(thread->cpu_ns, cpu);
    (void) fprintf(page->out,
                   "\nthread %" PRIu64 " '%s' [%s], state %s, source %s, age %s, CPU %s, %" PRIu64
                   " switch%s\n",
                   thread->id, sl_say_text(page, thread->name, ""), wait, shown->state,
                   sl_source_text(thread->source), age, cpu, thread->switches,
                   thread->switches == 1 ? "" : "es");
}

static bool
print_thread(const struct sl_page *page, const struct sl_snapshot_listing *listing, size_t index)
{
    const struct sl_snapshot *snapshot = listing->snapshot;
    struct sl_document_thread shown = sl_document_thread(listing, index);
    const char *wait = sl_wait_say(page->arena, snapshot, &snapshot->threads[index]);

    if (!wait)
        return false;
    if (snapshot->kind == SL_SNAPSHOT_GOROUTINES)
        goroutine_print_head(page, &shown.thread, wait);
    else
        print_head(page, &shown, wait);
    sl_frames_print(shown.stack.frames, shown.stack.n_frames, shown.stack.n_frames, INDENT,
                    page->out);
    if (!shown.stack.complete)
        print_reason(page, shown.stack.n_frames, shown.stack.grade, shown.stack.reason);
    if (listing->each)
        print_proof(page, &listing->each[index]);
    return true;
}

enum sl_status
snapshot_write_text(const void *document, const struct sl_page *page, struct sl_error *err)
{
    const struct sl_snapshot_listing *listing = document;
    struct sl_document shown;

    enum sl_status status = sl_document_build(listing, page->arena, &shown, err);
    if (status)
        return status;
    print_heading(page, &shown);
    print_witnesses(page, &shown);
    if (shown.wait_tree.n_roots || shown.wait_tree.n_places)
        (void) fputs("\nwho waits for whom\n", page->out);
    tree_print(page, 2, &shown.wait_tree);
    for (size_t i = 0; i < shown.n_groups && !listing->all; i++)
        print_group(page, listing->snapshot, &shown.groups[i]);
    for (size_t i = 0; i < listing->snapshot->n_threads && listing->all; i++)
        if (!print_thread(page, listing, i))
            return sl_fail(err, SL_ENOMEM, "out of memory for a thread");
    print_unjoined(page, &shown);
    print_left_out(page, &shown);
    if (listing->proved)
        sl_proof_print_assumptions(page);
    return SL_OK;
}
