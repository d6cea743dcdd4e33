/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/proof/thread.h"

#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "base/search.h"
#include "harness/snapshot/choice.h"
#include "harness/snapshot/wait/futex.h"

#define VARIABLES_MAX 8192 /* bytes of a thread that are looked through for its frames */
#define MAX_BATCH     128  /* descriptors that are read at once */
#define PAGE          ((uint64_t) 4096)

static enum sl_status
open_source(struct proof_threads *threads, const char **ret_reason, struct sl_error *err)
{
    const struct sl_snapshot_opts opts = {.size = sizeof opts, .source = SL_SNAPSHOT_BPF};
    struct sl_choice choice = {.opts = &opts};
    struct sl_error error = {0};

    enum sl_status status =
        sl_choice_open(&choice, false, &threads->context, &threads->source, &error);
    if (status == SL_ENOMEM)
        return sl_fail(err, status, "%s", error.text);
    if (status) {
        threads->source = NULL;
        *ret_reason = "registers of the living threads could not be read without stopping them";
    }
    return SL_OK;
}

static void note_run(struct proof_threads *threads, pid_t tid)
{
    if (!threads->n_ran++)
        threads->ran = tid;
}

/* "3 of 40 threads ran while memory was read, like 812" */
static const char *say_ran(const struct proof_threads *threads, struct sl_arena *arena)
{
    const char *text =
        sl_arena_printf(arena, "%zu of %zu thread%s ran while memory was read, %s %ld",
                        threads->n_ran, threads->n_listed, threads->n_listed == 1 ? "" : "s",
                        threads->n_ran == 1 ? "it was" : "one was", (long) threads->ran);
    return text ? text : "threads ran while memory was read";
}

/* A thread's registers, or why nothing can be said; whether it ran is noted. */
static const char *look_at(struct proof_threads *threads, struct proof_thread *thread)
{
    switch (threads->source->look(&threads->context, thread->tid, &thread->sighting)) {
    case SL_LOOK_OK:
        if (!thread->sighting.blocked)
            note_run(threads, thread->tid);
        return NULL;
    case SL_LOOK_RUNNING:
        note_run(threads, thread->tid);
        return NULL;
    case SL_LOOK_KERNEL:
        return "workers of the kernel use its memory";
    case SL_LOOK_GONE:
    case SL_LOOK_ENDED:
        thread->tid = 0;
        return NULL;
    default:
        return "registers of a thread could not be read";
    }
}

enum sl_status proof_threads_begin(struct proof_threads *threads,
                                   const struct sl_snapshot *snapshot, struct sl_arena *arena,
                                   const char **ret_reason, struct sl_error *err)
{
    SL_AUTO_FREE pid_t *tids = NULL;
    size_t n_tids = 0;

    *ret_reason = NULL;
    enum sl_status status = open_source(threads, ret_reason, err);
    if (status || *ret_reason)
        return status;
    status = threads->source->list(&threads->context, &tids, &n_tids, err);
    if (status)
        return status;
    threads->threads = calloc(n_tids + 1, sizeof *threads->threads);
    if (!threads->threads)
        return sl_fail(err, SL_ENOMEM, "out of memory for %zu threads", n_tids);
    threads->n_listed = n_tids;
    for (size_t i = 0; i < n_tids && !*ret_reason; i++) {
        struct proof_thread thread = {.tid = tids[i], .by = PROOF_NOBODY, .owner = PROOF_NOBODY};
        *ret_reason = look_at(threads, &thread);
        if (*ret_reason || !thread.tid)
            continue;
        thread.seen = sl_snapshot_find(snapshot, (uint64_t) thread.tid);
        if (thread.seen && thread.seen->start_time != thread.sighting.stat.start_time)
            thread.seen = NULL;
        threads->n_memory_users = SL_MAX(threads->n_memory_users, thread.sighting.n_memory_users);
        threads->threads[threads->n_threads++] = thread;
    }
    if (!*ret_reason && threads->n_ran)
        *ret_reason = say_ran(threads, arena);
    return SL_OK;
}

static uint64_t word_at(const unsigned char *bytes, size_t offset)
{
    uint64_t word;
    memcpy(&word, bytes + offset, sizeof word);
    return word;
}

/* Memory of the process alone, which is of no file. */
static bool is_own_memory(const struct sl_maps *maps, uint64_t start, uint64_t end)
{
    const struct sl_mapping *mapping = sl_maps_find(maps, end - 1);
    const struct sl_mapping *first = maps->mappings;

    for (; mapping && !mapping->shared && !mapping->inode; mapping--) {
        if (mapping->start <= start)
            return true;
        if (mapping == first || mapping[-1].end != mapping->start)
            return false;
    }
    return false;
}

/* The descriptor names the memory that it lies in, and the thread. */
static void
accept(struct proof_thread *thread, const struct sl_maps *maps, const unsigned char *bytes)
{
    const uint64_t descriptor = thread->sighting.thread_pointer, sp = thread->sighting.call.sp;
    uint64_t block = word_at(bytes, PTHREAD_BLOCK), size = word_at(bytes, PTHREAD_BLOCK + 8);

    if (word_at(bytes, 0) != descriptor || word_at(bytes, PTHREAD_SELF) != descriptor)
        return;
    thread->descriptor = descriptor;
    if (block % PAGE || size % PAGE || !size || block + size < block)
        return;
    if (descriptor < block || descriptor + PTHREAD_END > block + size)
        return;
    if (sp < block + PROOF_RED_ZONE || sp >= descriptor ||
        !is_own_memory(maps, block, block + size))
        return;
    thread->block = block;
    thread->top = descriptor;
    thread->end = block + size;
}

/* The kernel made it, and wrote down where it began. */
static void
place_main(struct proof_threads *threads, struct proof_thread *thread, const struct sl_maps *maps)
{
    const struct sl_mapping *mapping = sl_maps_find(maps, thread->sighting.call.sp);
    char text[1024];
    unsigned field = 2;

    if (!mapping || !mapping->path || strcmp(mapping->path, "[stack]") != 0)
        return;
    thread->block = mapping->start;
    thread->top = thread->end = mapping->end;
    /* Fields are counted behind the name, which may hold anything: startstack is the 28th. */
    if (sl_target_read(threads->context.target, thread->tid, "stat", text, sizeof text) <= 0)
        return;
    const char *at = strrchr(text, ')');
    for (; at && field < 28; field++)
        at = strchr(at + 1, ' ');
    uint64_t start = at ? strtoull(at, NULL, 10) : 0;
    if (start > thread->sighting.call.sp && start < mapping->end)
        thread->top = start & ~UINT64_C(7);
}

/* No two threads have the same memory: of those that say so none is believed. */
static void refuse_overlaps(struct proof_threads *threads, const size_t *order, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        struct proof_thread *below = &threads->threads[order[i - 1]];
        struct proof_thread *thread = &threads->threads[order[i]];
        if (below->end > thread->block)
            below->end = thread->end = 0;
    }
}

static int compare_blocks(const void *left, const void *right, void *context)
{
    const struct proof_thread *threads = context;
    uint64_t a = threads[*(const size_t *) left].block, b = threads[*(const size_t *) right].block;
    return (a > b) - (a < b);
}

static enum sl_status settle_overlaps(struct proof_threads *threads, struct sl_error *err)
{
    SL_AUTO_FREE size_t *order = calloc(threads->n_threads + 1, sizeof *order);
    size_t n = 0;

    if (!order)
        return sl_fail(err, SL_ENOMEM, "out of memory for %zu threads", threads->n_threads);
    for (size_t i = 0; i < threads->n_threads; i++)
        if (threads->threads[i].end)
            order[n++] = i;
    qsort_r(order, n, sizeof *order, compare_blocks, threads->threads);
    refuse_overlaps(threads, order, n);
    return SL_OK;
}

static uint64_t outermost_return(const struct proof_thread *thread)
{
    const struct sl_stack *stack = thread->seen ? thread->seen->stack : NULL;
    return stack && stack->complete && stack->n_frames ? stack->frames[stack->n_frames - 1].address
                                                       : 0;
}

/* Bytes between the frames of a thread and its descriptor; 0: not known. */
static uint64_t measure_variables(const struct proof_thread *thread, struct sl_reader *reader)
{
    uint64_t words[VARIABLES_MAX / sizeof(uint64_t)], pc = outermost_return(thread);
    uint64_t start = SL_MAX(thread->descriptor - sizeof words, thread->sighting.call.sp) & ~7UL;
    size_t n = (size_t) (thread->descriptor - start) / sizeof *words;

    if (!pc || !sl_reader_read_all(reader, start, words, n * sizeof *words))
        return 0;
    while (n && words[n - 1] != pc)
        n--;
    return n ? thread->descriptor - (start + n * sizeof *words) : 0;
}

/*
 * Variables of the thread lie above its frames, of which the outermost has the highest return
 * address: at the same distance from the descriptor in all threads that one C library made.
 */
static void
find_frames(struct proof_thread *batch, size_t n, struct sl_reader *reader, uint64_t *distance)
{
    struct sl_copy copies[MAX_BATCH];
    uint64_t words[MAX_BATCH];

    for (size_t i = 0; i < n; i++)
        copies[i] = (struct sl_copy){.address = batch[i].top - *distance - sizeof *words,
                                     .data = (unsigned char *) &words[i],
                                     .size = sizeof *words};
    sl_reader_copy(reader, copies, n);
    for (size_t i = 0; i < n; i++) {
        if (!batch[i].end || batch[i].top != batch[i].descriptor)
            continue;
        if (copies[i].copied < sizeof *words || !words[i] ||
            words[i] != outermost_return(&batch[i]))
            *distance = measure_variables(&batch[i], reader);
        batch[i].top -= *distance;
    }
}

enum sl_status proof_threads_place(struct proof_threads *threads, const struct sl_maps *maps,
                                   struct sl_reader *reader, struct sl_error *err)
{
    SL_AUTO_FREE unsigned char *bytes = malloc((size_t) MAX_BATCH * PTHREAD_END);
    struct sl_copy copies[MAX_BATCH];
    uint64_t distance = 0;

    if (!bytes)
        return sl_fail(err, SL_ENOMEM, "out of memory for descriptors of threads");
    for (size_t at = 0; at < threads->n_threads; at += MAX_BATCH) {
        size_t n = SL_MIN(threads->n_threads - at, (size_t) MAX_BATCH);
        struct proof_thread *batch = threads->threads + at;
        for (size_t i = 0; i < n; i++)
            copies[i] = (struct sl_copy){.address = batch[i].sighting.thread_pointer,
                                         .data = bytes + i * PTHREAD_END,
                                         .size = PTHREAD_END};
        sl_reader_copy(reader, copies, n);
        for (size_t i = 0; i < n; i++) {
            if (copies[i].copied == PTHREAD_END)
                accept(&batch[i], maps, copies[i].data);
            if (batch[i].tid == threads->context.target->pid)
                place_main(threads, &batch[i], maps);
        }
        find_frames(batch, n, reader, &distance);
    }
    return settle_overlaps(threads, err);
}

const char *proof_threads_moved(struct proof_threads *threads, struct sl_arena *arena)
{
    if (threads->source->recheck && threads->source->recheck(&threads->context, NULL))
        return "whether threads ran while memory was read is not known";
    threads->context.next_record = 0;
    for (size_t i = 0; i < threads->n_threads; i++) {
        struct proof_thread *thread = &threads->threads[i];
        if (!threads->source->held_still(&threads->context, thread->tid, &thread->sighting))
            note_run(threads, thread->tid);
    }
    if (threads->n_ran)
        return say_ran(threads, arena);
    return sl_target_count(threads->context.target) <= threads->n_listed
               ? NULL
               : "threads began while memory was read";
}

void proof_threads_release(struct proof_threads *threads)
{
    if (threads->source && threads->source->close)
        threads->source->close(&threads->context);
    free(threads->threads);
    threads->threads = NULL;
    threads->n_threads = 0;
    threads->source = NULL;
}

size_t proof_threads_find(const struct proof_threads *threads, pid_t tid)
{
    size_t at = SL_PARTITION_POINT(threads->n_threads, i, threads->threads[i].tid < tid);
    return at < threads->n_threads && threads->threads[at].tid == tid ? at : PROOF_NOBODY;
}
