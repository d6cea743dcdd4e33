/* SPDX-License-Identifier: Apache-2.0 */
#include "dump_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "sl_test.h"

static void print_frames(FILE *out, const struct sl_stack *stack)
{
    for (size_t i = 0; stack && i < stack->n_frames; i++) {
        const struct sl_frame *frame = &stack->frames[i];
        (void) fprintf(out, " / %s", frame->function ? frame->function : "?");
        if (frame->file)
            (void) fprintf(out, " %s:%" PRIu32, sl_path_base(frame->file), frame->line);
        if (frame->inlined)
            (void) fputs(" inlined", out);
    }
}

static void print_goroutine(FILE *out, const struct sl_goroutine *goroutine)
{
    if (goroutine->creator)
        (void) fprintf(out, " by %" PRIu64, goroutine->creator);
    if (goroutine->locked)
        (void) fputs(" locked", out);
    if (goroutine->leaked)
        (void) fputs(" leaked", out);
    if (goroutine->labels)
        (void) fprintf(out, " %s", goroutine->labels);
}

static void print_thread(FILE *out, const struct sl_thread *thread)
{
    const struct sl_goroutine *goroutine = thread->goroutine;
    const struct sl_stack *created = thread->created_by;

    (void) fprintf(out, "%" PRIu32 " #%" PRIu64 "%s%s [%s]", thread->count, thread->id,
                   *thread->name ? " " : "", thread->name,
                   thread->wait.text ? thread->wait.text : "");
    if (thread->wait.age_ns)
        (void) fprintf(out, " %" PRIu64 "m", thread->wait.age_ns / SL_NS_PER_S / 60);
    if (goroutine)
        print_goroutine(out, goroutine);
    print_frames(out, thread->stack);
    if (!thread->stack || !thread->stack->complete)
        (void) fprintf(out, " ! %s", thread->stack ? thread->stack->reason : thread->reason);
    if (created && created->frames->function)
        (void) fprintf(out, " < %s %s:%" PRIu32, created->frames->function,
                       sl_path_base(created->frames->file), created->frames->line);
    for (size_t i = 0; goroutine && i < goroutine->n_ancestors; i++) {
        (void) fprintf(out, " ^%" PRIu64, goroutine->ancestors[i].id);
        print_frames(out, goroutine->ancestors[i].stack);
    }
    (void) fputc('\n', out);
}

char *dump_text_of(const struct sl_snapshot *snapshot)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    cr_assert(out && snapshot->dump);
    for (size_t i = 0; i < snapshot->n_threads; i++)
        print_thread(out, &snapshot->threads[i]);
    if (snapshot->dump->n_errors)
        (void) fprintf(out, "%" PRIu64 " skipped, %s\n", snapshot->dump->n_errors,
                       snapshot->dump->first_error);
    if (snapshot->dump->more)
        (void) fputs("more\n", out);
    (void) fclose(out);
    return text;
}

char *dump_text_read(const char *data, size_t size)
{
    struct sl_snapshot *snapshot = NULL;
    struct sl_error err = {0};

    sl_assert_ok(sl_dump_parse("test", data, size, NULL, &snapshot, &err), &err);
    char *text = dump_text_of(snapshot);
    sl_snapshot_free(snapshot);
    return text;
}
