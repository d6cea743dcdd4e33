/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/clock.h"
#include "base/fail.h"
#include "harness/goroutine/live/look.h"
#include "harness/goroutine/state.h"

#define BATCH     256
#define ROUNDS    6 /* how often a goroutine that runs meanwhile is read again */
#define MAX_STACK ((uint64_t) 1 << 32)
#define WORD      sizeof(uint64_t)

/* Goroutines that are read with few calls. */
struct batch {
    size_t n;
    struct look_g before[BATCH], after[BATCH];
    size_t had[BATCH]; /* bytes of `before`, then of `after` */
    const struct sl_stack *stacks[BATCH];
    const char *reasons[BATCH]; /* why there is none */
    bool odd[BATCH];            /* its stack is none */
    struct sl_copy copies[BATCH];
    uint8_t windows[BATCH][LOOK_WINDOW];
};

static void copy_all(struct live_look *look, struct batch *batch, struct look_g *to)
{
    const size_t size = look->image.layout->g->size;

    for (size_t i = 0; i < batch->n; i++)
        batch->copies[i] =
            (struct sl_copy){.address = to[i].address, .data = to[i].bytes, .size = size};
    sl_reader_copy(look->reader, batch->copies, batch->n);
    for (size_t i = 0; i < batch->n; i++)
        batch->had[i] = batch->copies[i].copied;
}

static bool is_dead(const struct live_look *look, const struct look_g *g)
{
    const uint32_t status = live_status(look, g);
    return status == LAYOUT_DEAD || status == LAYOUT_DEAD_EXTRA;
}

/* Is it one that has a stack, and does not run on it? */
static bool has_place(const struct live_look *look, const struct look_g *g)
{
    const uint32_t status = live_status(look, g);

    return status == LAYOUT_RUNNABLE || status == LAYOUT_SYSCALL || status == LAYOUT_WAITING ||
           status == LAYOUT_PREEMPTED || status == LAYOUT_LEAKED;
}

/* Does the stack hold where the goroutine goes on? */
static bool has_stack(const struct live_look *look, const struct look_g *g)
{
    const uint64_t low = live_stack_low(g), end = live_stack_end(g);
    uint64_t sp, pc;

    live_registers(look, g, &sp, &pc);
    return low < sp && sp < end && end - low <= MAX_STACK && sp % WORD == 0;
}

static void copy_stacks(struct live_look *look, struct batch *batch)
{
    uint64_t sp, pc;

    for (size_t i = 0; i < batch->n; i++) {
        struct look_g *g = &batch->before[i];
        bool wanted = batch->had[i] == look->image.layout->g->size && has_place(look, g);
        batch->odd[i] = wanted && !has_stack(look, g);
        batch->copies[i] = (struct sl_copy){.address = g->address, .data = batch->windows[i]};
        if (!wanted || batch->odd[i])
            continue;
        live_registers(look, g, &sp, &pc);
        batch->copies[i].address = sp;
        batch->copies[i].size = (size_t) SL_MIN(live_stack_end(g) - sp, (uint64_t) LOOK_WINDOW);
    }
    sl_reader_copy(look->reader, batch->copies, batch->n);
}

/* Frames, or why there are none.  @return false when memory is short */
static bool unwind_all(struct live_look *look, struct batch *batch)
{
    for (size_t i = 0; i < batch->n; i++) {
        const struct sl_copy *copy = &batch->copies[i];
        batch->stacks[i] = NULL;
        batch->reasons[i] = NULL;
        if (batch->odd[i])
            batch->reasons[i] = "what it says of its stack cannot be";
        else if (!copy->size)
            batch->reasons[i] = "a goroutine that runs has its stack on the CPU";
        else if (!copy->copied)
            batch->reasons[i] = "its stack cannot be read";
        else if (!(batch->stacks[i] =
                       live_unwind(look, &batch->before[i], copy->data, copy->copied))) {
            if (look->refused || sl_budget_left(&look->budget, SL_BUDGET_FRAMES))
                return false;
            batch->reasons[i] = sl_budget_text(SL_BUDGET_FRAMES);
        }
    }
    return true;
}

/* Was it nowhere else in between?  Whether the collector looks at it makes no difference. */
static bool
held_still(const struct live_look *look, const struct look_g *before, const struct look_g *after)
{
    const struct layout_g *layout = look->image.layout->g;
    const uint16_t words[] = {0,
                              8,
                              layout->goid,
                              layout->sp,
                              layout->pc,
                              layout->syscallsp,
                              layout->syscallpc,
                              layout->waitsince};
    bool same = live_status(look, before) == live_status(look, after);

    for (size_t i = 0; i < SL_COUNT_OF(words); i++)
        same &= live_field(before, words[i], WORD) == live_field(after, words[i], WORD);
    return same && before->bytes[layout->waitreason] == after->bytes[layout->waitreason] &&
           before->bytes[layout->tracking_seq] == after->bytes[layout->tracking_seq];
}

static bool starts_with(const char *text, const char *start)
{
    return text && strncmp(text, start, strlen(start)) == 0;
}

static bool is_of_program(const struct sl_stack *stack)
{
    for (size_t i = 0; stack && i < stack->n_frames; i++)
        if (!starts_with(stack->frames[i].function, "runtime."))
            return true;
    return false;
}

/*
 * One of the runtime's own, which Go does not list either.  Those that run finalizers and cleanups
 * are, while no code of the program runs on them.
 */
static bool is_system(struct live_look *look, const struct look_g *g, const struct sl_stack *stack)
{
    const char *name =
        functions_name(&look->functions, live_field(g, look->image.layout->g->startpc, WORD));

    if (!starts_with(name, "runtime.") || strcmp(name, "runtime.main") == 0 ||
        strcmp(name, "runtime.handleAsyncEvent") == 0 || strcmp(name, "runtime.corostart") == 0)
        return false;
    if (strcmp(name, "runtime.runfinq") == 0 || strcmp(name, "runtime.runFinalizers") == 0 ||
        strcmp(name, "runtime.runCleanups") == 0)
        return !is_of_program(stack);
    return true;
}

/* The kernel's id of the thread that has it, or that it is locked to. */
static uint64_t thread_of(struct live_look *look, const struct look_g *g)
{
    const struct live_layout *layout = look->image.layout;
    uint64_t m = live_field(g, layout->g->m, WORD), id;

    if (!m)
        m = live_field(g, layout->g->lockedm, WORD);
    if (!m || !sl_reader_read_all(look->reader, m + layout->procid, &id, sizeof id) ||
        id > INT32_MAX)
        return 0;
    return (uint64_t) sl_ids_find(&look->ids, (pid_t) id);
}

/* What only goroutines have; neighbours that agree in it share it. */
static const struct sl_goroutine *make_goroutine(struct live_look *look, const struct look_g *g)
{
    const struct layout_g *layout = look->image.layout->g;
    const struct sl_goroutine own = {.creator =
                                         layout->parent ? live_field(g, layout->parent, WORD) : 0,
                                     .thread = thread_of(look, g),
                                     .locked = live_field(g, layout->lockedm, WORD) != 0,
                                     .leaked = live_status(look, g) == LAYOUT_LEAKED};
    const struct sl_goroutine *last =
        look->n_threads ? look->threads[look->n_threads - 1].goroutine : NULL;

    if (last && last->creator == own.creator && last->thread == own.thread &&
        last->locked == own.locked && last->leaked == own.leaked)
        return last;
    struct sl_goroutine *made = sl_arena_alloc(look->snapshot->arena, sizeof *made);
    if (made)
        *made = own;
    return made;
}

/* @return false when memory is short */
static bool record(struct live_look *look, const struct look_g *g, const struct sl_stack *stack,
                   const char *reason, bool consistent)
{
    const struct live_layout *layout = look->image.layout;
    const uint32_t status = live_status(look, g);
    const uint64_t since = live_field(g, layout->g->waitsince, WORD);
    const char *state = layout_state(layout, status, g->bytes[layout->g->waitreason]);
    const bool waits = status == LAYOUT_WAITING || status == LAYOUT_SYSCALL;
    const struct sl_goroutine *goroutine = make_goroutine(look, g);
    const uint64_t now = look->snapshot->taken_ns;

    if (!goroutine)
        return false;
    const uint64_t id = live_field(g, layout->g->goid, WORD);
    look->threads[look->n_threads++] = (struct sl_thread){
        .id = id,
        .count = 1,
        .consistent = consistent,
        .source = stack ? SL_SOURCE_PROC : SL_SOURCE_NONE,
        .stack = stack,
        .reason = stack ? NULL : reason,
        .created_by = id == 1 ? NULL : live_creator(look, live_field(g, layout->g->gopc, WORD)),
        .wait = {.kind = state ? goroutine_wait_kind(state) : SL_WAIT_NONE,
                 .syscall_nr = -1,
                 .text = state ? state : "???",
                 .age_ns = waits && since && since < now ? now - since : 0},
        .goroutine = goroutine,
    };
    return true;
}

/* One after the other, of which those that did not hold still go into `again`. */
static enum sl_status judge(struct live_look *look, struct batch *batch, bool last, uint64_t *again,
                            size_t *n_again, struct sl_error *err)
{
    for (size_t i = 0; i < batch->n; i++) {
        const struct look_g *g = &batch->after[i];
        const bool read = batch->had[i] == look->image.layout->g->size;
        const bool still = read && held_still(look, &batch->before[i], g);
        if (read && is_dead(look, g))
            continue;
        if (!still && !last) {
            again[(*n_again)++] = g->address;
            continue;
        }
        if (!read || !live_field(g, look->image.layout->g->goid, WORD)) {
            look->n_odd++;
            continue;
        }
        if (is_system(look, g, still ? batch->stacks[i] : NULL))
            continue;
        look->n_odd += still && batch->odd[i];
        if (!record(look, g, still ? batch->stacks[i] : NULL,
                    still ? batch->reasons[i] : "it ran while it was read", still))
            return sl_fail(err, SL_ENOMEM, "out of memory for goroutines");
    }
    return SL_OK;
}

static enum sl_status read_batch(struct live_look *look, struct batch *batch,
                                 const uint64_t *addresses, size_t n, bool last, uint64_t *again,
                                 size_t *n_again, struct sl_error *err)
{
    batch->n = n;
    for (size_t i = 0; i < n; i++)
        batch->before[i].address = batch->after[i].address = addresses[i];
    copy_all(look, batch, batch->before);
    copy_stacks(look, batch);
    if (!unwind_all(look, batch))
        return sl_fail(err, SL_ENOMEM, "out of memory for stacks of goroutines");
    copy_all(look, batch, batch->after);
    return judge(look, batch, last, again, n_again, err);
}

static int compare_threads(const void *left, const void *right)
{
    const struct sl_thread *a = left, *b = right;
    return (a->id > b->id) - (a->id < b->id);
}

/* A list of goroutines has each once, and of nearly all a stack that can be. */
static enum sl_status check(struct live_look *look, struct sl_error *err)
{
    bool twice = false;

    for (size_t i = 1; i < look->n_threads; i++)
        twice |= look->threads[i - 1].id == look->threads[i].id;
    if (!twice && look->n_odd <= look->n_threads / 2)
        return SL_OK;
    return sl_fail(err, SL_ENOTSUP,
                   "process %ld says that it is a program of %s, but what lies where that release "
                   "has its goroutines are none",
                   (long) look->target.pid, look->image.version);
}

enum sl_status live_read(struct live_look *look, struct sl_error *err)
{
    SL_AUTO_FREE struct batch *batch = malloc(sizeof *batch);
    size_t n_left = look->n_addresses;
    enum sl_status status = SL_OK;

    if (!batch)
        return sl_fail(err, SL_ENOMEM, "out of memory for goroutines");
    for (int round = 0; round < ROUNDS && n_left && !status; round++) {
        size_t n_again = 0;
        for (size_t at = 0; at < n_left && !status; at += BATCH) {
            if (sl_budget_is_over(&look->budget)) {
                look->n_left_out += n_left - at;
                n_again = 0;
                break;
            }
            status = read_batch(look, batch, look->addresses + at, SL_MIN(n_left - at, BATCH),
                                round == ROUNDS - 1, look->addresses, &n_again, err);
        }
        look->snapshot->stats.retried += (uint32_t) n_again;
        n_left = n_again;
    }
    qsort(look->threads, look->n_threads, sizeof *look->threads, compare_threads);
    return status ? status : check(look, err);
}
