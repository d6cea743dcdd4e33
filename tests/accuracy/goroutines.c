/* SPDX-License-Identifier: Apache-2.0 */
/* The goroutines of a process as tracebacks have them; arguments of calls are left out.

   usage: goroutines PID */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "harness/goroutine/live/live.h"
#include "harness/model/snapshot.h"

static void print_frame(const char *before, const struct sl_frame *frame)
{
    (void) printf("%s%s\n\t%s:%" PRIu32 "\n", before, frame->function ? frame->function : "?",
                  frame->file ? frame->file : "?", frame->line);
}

static void print(const struct sl_thread *thread)
{
    (void) printf("goroutine %" PRIu64 " [%s%s]:\n", thread->id, thread->wait.text,
                  thread->goroutine->locked ? ", locked to thread" : "");
    if (!thread->stack)
        (void) printf("\tnone: %s\n", thread->reason);
    for (size_t i = 0; thread->stack && i < thread->stack->n_frames; i++)
        print_frame("", &thread->stack->frames[i]);
    if (thread->stack && !thread->stack->complete)
        (void) printf("\tpartial: %s\n", thread->stack->reason);
    if (thread->created_by)
        print_frame("created by ", &thread->created_by->frames[0]);
    (void) printf("\n");
}

int main(int argc, char **argv)
{
    const struct sl_snapshot_opts opts = {.size = sizeof opts, .max_frames = 1000};
    struct sl_snapshot *snapshot;
    struct sl_error err = {0};

    if (argc != 2)
        return 2;
    if (sl_goroutines_take((pid_t) strtol(argv[1], NULL, 10), &opts, &snapshot, &err)) {
        (void) fprintf(stderr, "goroutines: %s\n", err.text);
        return 3;
    }
    for (size_t i = 0; i < snapshot->n_threads; i++)
        print(&snapshot->threads[i]);
    sl_snapshot_free(snapshot);
    return 0;
}
