/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dump [bpf|proc|ptrace] PID: one snapshot of the process, every thread by itself, as JSON.
 *
 * {"pid", "error"} or {"pid", "stats", "threads"}, a thread being
 * {"tid", "name", "state", "source", "consistent", "complete", "grade", "reason", "wait",
 * "frames"} and a frame {"address", "function", "inlined", "by_frame_pointers"}.  What the oracles
 * are compared with.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include <strandline/snapshot.h>

#include "base/macros.h"
#include "harness/model/snapshot.h"

static json_t *dump_frame(const struct sl_frame *frame)
{
    char address[20];
    (void) snprintf(address, sizeof address, "0x%" PRIx64, frame->address);
    return json_pack("{s:s, s:s?, s:b, s:b}", "address", address, "function", frame->function,
                     "inlined", (int) frame->inlined, "by_frame_pointers",
                     (int) frame->by_frame_pointers);
}

static json_t *dump_thread(const struct sl_thread *thread)
{
    const struct sl_stack *stack = thread->stack;
    json_t *frames = json_array(), *name = json_string(thread->name);

    for (size_t i = 0; stack && i < stack->n_frames; i++)
        (void) json_array_append_new(frames, dump_frame(&stack->frames[i]));
    if (!name) /* not UTF-8 */
        name = json_string("?");
    return json_pack("{s:i, s:o, s:s#, s:s, s:b, s:b, s:s, s:s?, s:s, s:o}", "tid",
                     (int) thread->id, "name", name, "state", &thread->state, thread->state ? 1 : 0,
                     "source", sl_source_text(thread->source), "consistent",
                     (int) thread->consistent, "complete", (int) (stack && stack->complete),
                     "grade", sl_grade_text(stack ? stack->grade : SL_GRADE_PARTIAL), "reason",
                     stack ? stack->reason : thread->reason, "wait",
                     sl_wait_kind_text(thread->wait.kind), "frames", frames);
}

static json_t *dump_process(pid_t pid, const struct sl_snapshot_opts *opts)
{
    struct sl_error err = {0};
    struct sl_snapshot *snapshot;

    if (sl_snapshot_take(pid, opts, &snapshot, &err))
        return json_pack("{s:i, s:s}", "pid", (int) pid, "error", err.text);
    json_t *threads = json_array();
    for (size_t i = 0; i < snapshot->n_threads; i++)
        (void) json_array_append_new(threads, dump_thread(&snapshot->threads[i]));
    const struct sl_snapshot_stats *stats = &snapshot->stats;
    json_t *process = json_pack(
        "{s:i, s:{s:i, s:i, s:i, s:i, s:i}, s:o}", "pid", (int) pid, "stats", "threads",
        (int) stats->threads, "unwound", (int) stats->unwound, "memoised", (int) stats->memoised,
        "retried", (int) stats->retried, "stopped", (int) stats->stopped, "threads", threads);
    sl_snapshot_free(snapshot);
    return process;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        enum sl_snapshot_source source;
    } sources[] = {
        {"bpf", SL_SNAPSHOT_BPF}, {"proc", SL_SNAPSHOT_PROC}, {"ptrace", SL_SNAPSHOT_PTRACE}};
    /* No cut: where the oracles go on, so do we. */
    struct sl_snapshot_opts opts = {.size = sizeof opts, .max_frames = 4096};

    for (size_t i = 0; argc == 3 && i < SL_COUNT_OF(sources); i++)
        if (strcmp(argv[1], sources[i].name) == 0)
            opts.source = sources[i].source;
    if (argc < 2 || argc > 3 || (argc == 3 && opts.source == SL_SNAPSHOT_AUTO)) {
        (void) fprintf(stderr, "usage: dump [bpf|proc|ptrace] PID\n");
        return 2;
    }
    json_auto_t *process = dump_process((pid_t) atoi(argv[argc - 1]), &opts);
    if (!process || json_dumpf(process, stdout, JSON_COMPACT) || putchar('\n') == EOF)
        return 3;
    return 0;
}
