/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/proof/mark.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fail.h"
#include "base/grow.h"
#include "base/search.h"
#include "harness/snapshot/killable/courier.h"

/* Tags stand in the bits that addresses do not use. */
#define ADDRESS_BITS       UINT64_C(0x0000fffffffffff0)
#define SIGNAL_BIT(number) (UINT64_C(1) << ((number) -1))
/* What a thread gets for what it does itself, so never while it waits. */
#define FAULTS                                                                                     \
    (SIGNAL_BIT(SIGSEGV) | SIGNAL_BIT(SIGBUS) | SIGNAL_BIT(SIGFPE) | SIGNAL_BIT(SIGILL) |          \
     SIGNAL_BIT(SIGTRAP) | SIGNAL_BIT(SIGSYS))
#define FEW           16   /* ranges that are not worth a reading of their own together */
#define SMALL_AT_ONCE 1024 /* blocks until the clock is asked */
#define PLACE_SHIFT   26
#define N_PLACES      (1 << 15)

static const char unreadable[] = "some of its memory could not be read";

static void push(struct marker *marker, struct mark_range range)
{
    if (range.start >= range.end)
        return;
    if (!sl_grow(&marker->queue, &marker->capacity, marker->n_queue + 1)) {
        marker->short_of_memory = true;
        return;
    }
    marker->queue[marker->n_queue++] = range;
}

static void wake(struct marker *marker, size_t i, size_t by)
{
    struct proof_thread *thread = &marker->threads->threads[i];

    if (thread->awake)
        return;
    if (!sl_grow(&marker->woken, &marker->capacity_woken, marker->n_woken + 1)) {
        marker->short_of_memory = true;
        return;
    }
    thread->awake = true;
    thread->by = by;
    marker->woken[marker->n_woken++] = i;
}

/* Those that wait for a word in an object that was marked just now. */
static void wake_waiters(struct marker *marker, uint64_t object)
{
    size_t at = SL_PARTITION_POINT(marker->n_waiters, i, marker->waiters[i].object < object);
    for (; at < marker->n_waiters && marker->waiters[at].object == object; at++)
        wake(marker, marker->waiters[at].thread, PROOF_NOBODY);
}

static void mark_block(struct marker *marker, struct proof_heap *heap, size_t i, uint64_t at)
{
    if (!(heap->flags[i] & HEAP_USED) || heap->at[i])
        return;
    heap->at[i] = at;
    const uint64_t start = heap_block_start(heap, i);
    const uint64_t end = SL_MIN(heap_block_end(heap, i) + 8, heap->end);
    push(marker, (struct mark_range){.start = start + HEAP_HEADER, .end = end, .block = true});
    if (heap->flags[i] & HEAP_WAITED)
        wake_waiters(marker, start);
}

static void mark_area(struct marker *marker, struct proof_area *area, uint64_t at)
{
    if (area->at)
        return;
    area->at = at;
    push(marker, (struct mark_range){.start = area->start, .end = area->end});
    if (area->waited)
        wake_waiters(marker, area->start);
}

/* Rarely, so not a part of the loop over all words. */
__attribute__((noinline)) static void mark(struct marker *marker, uint64_t address, uint64_t at)
{
    const struct proof_area *last = marker->last;
    struct proof_area *area = last && address > last->start && address < last->end
                                  ? (struct proof_area *) last
                                  : space_find_object(marker->space, address);

    if (!area)
        return;
    marker->last = area;
    if (area->kind == AREA_HEAP)
        mark_block(marker, area->heap, heap_find(area->heap, address), at);
    else
        mark_area(marker, area, at);
}

static inline bool may_be_object(const struct marker *marker, uint64_t address)
{
    const uint64_t place = address >> PLACE_SHIFT & (N_PLACES - 1);
    return address - marker->low < marker->high - marker->low &&
           (marker->places[place / 64] >> (place % 64) & 1);
}

static inline void consider(struct marker *marker, uint64_t word, uint64_t at)
{
    const uint64_t address = word & ADDRESS_BITS;
    if (may_be_object(marker, address))
        mark(marker, address, at);
}

static void
look_through(struct marker *marker, const unsigned char *bytes, size_t size, uint64_t address)
{
    for (size_t i = 0; i + sizeof(uint64_t) <= size; i += sizeof(uint64_t)) {
        uint64_t word;
        memcpy(&word, bytes + i, sizeof word);
        consider(marker, word, address + i);
    }
}

/*
 * A block that was freed and waits for its next use holds, mixed with its own address, that of the
 * next such one: see "safe linking" in malloc.c of glibc.
 */
static void follow_free(struct marker *marker, const unsigned char *bytes, uint64_t address)
{
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
    word ^= address >> 12;
    consider(marker, word, MARK_FREED);
    consider(marker, word + HEAP_HEADER, MARK_FREED); /* fast bins lead to headers */
}

/* The next parts of the queue that are there, as many as are read at once. */
struct load {
    struct sl_copy copies[SL_COURIER_VECTORS];
    bool blocks[SL_COURIER_VECTORS];
    size_t n, size;
};

static void take_part(struct marker *marker, struct load *load, struct mark_range *range,
                      const struct resident_range *part)
{
    uint64_t start = SL_MAX(range->start, part->start);
    size_t size = SL_MIN(SL_MIN(range->end, part->end) - start, SL_COURIER_BYTES - load->size);

    load->blocks[load->n] = range->block && start == range->start;
    load->copies[load->n++] =
        (struct sl_copy){.address = start, .data = marker->bytes + load->size, .size = size};
    load->size += size;
    range->start = start + size;
    range->block = false;
}

static void fill(struct marker *marker, struct load *load)
{
    const struct resident *resident = marker->space->resident;

    load->n = load->size = 0;
    for (; marker->next < marker->n_queue; marker->next++) {
        struct mark_range *range = &marker->queue[marker->next];
        size_t at = resident_index(resident, range->start);
        while (range->start < range->end) {
            const struct resident_range *part = &resident->ranges[at];
            if (at == resident->n_ranges || part->start >= range->end)
                break;
            if (load->n == SL_COURIER_VECTORS || load->size == SL_COURIER_BYTES)
                return;
            if (range->changed && part->of_file)
                range->start = SL_MIN(part->end, range->end);
            else
                take_part(marker, load, range, part);
            at += range->start >= part->end;
        }
    }
    marker->next = marker->n_queue = 0; /* all were taken: the room is used again */
}

/*
 * The last of the queue, when it is a small block beside others that were read, or when little else
 * waits that could be read together with it.  So a list is followed to its end.
 */
static bool mark_small(struct marker *marker)
{
    const size_t n_left = marker->n_queue - marker->next;
    const struct mark_range range = marker->queue[marker->n_queue - 1];
    const unsigned char *bytes =
        range.block ? ahead_find(&marker->ahead, range.start, range.end, n_left < FEW) : NULL;

    if (!bytes)
        return false;
    if (--marker->n_queue == marker->next)
        marker->next = marker->n_queue = 0;
    const size_t size = (size_t) (range.end - range.start);
    look_through(marker, bytes, size, range.start);
    if (size >= sizeof(uint64_t))
        follow_free(marker, bytes, range.start);
    marker->n_bytes += size;
    return true;
}

static void drain(struct marker *marker, struct load *load)
{
    for (size_t n = 1; marker->n_queue && !marker->failed && !marker->short_of_memory; n++) {
        if (n % SMALL_AT_ONCE && mark_small(marker))
            continue;
        fill(marker, load);
        if (sl_budget_is_over(marker->budget)) {
            marker->failed = "the time of the look was over";
            return;
        }
        sl_reader_copy(marker->reader, load->copies, load->n);
        uint64_t begin_ns = sl_clock_now_ns();
        for (size_t i = 0; i < load->n; i++) {
            const struct sl_copy *copy = &load->copies[i];
            const struct proof_area *area = space_find(marker->space, copy->address);
            if (copy->copied < copy->size &&
                !(area && area->mapping->path && strncmp(area->mapping->path, "/dev/", 5) == 0))
                marker->failed = unreadable;
            look_through(marker, copy->data, copy->copied, copy->address);
            if (load->blocks[i] && copy->copied >= sizeof(uint64_t))
                follow_free(marker, copy->data, copy->address);
            marker->n_bytes += copy->copied;
        }
        marker->scan_ns += sl_clock_now_ns() - begin_ns;
    }
}

static void consider_registers(struct marker *marker, size_t i)
{
    const struct sl_registers *registers = &marker->threads->threads[i].sighting.registers;
    for (unsigned r = 0; r < SL_N_REGISTERS; r++)
        if (sl_registers_know(registers, r))
            consider(marker, registers->value[r], MARK_REGISTER | (uint64_t) i << 8 | r);
}

/* A thread lives: so does what it has, and who waits for it. */
static void follow(struct marker *marker, size_t i)
{
    struct proof_threads *threads = marker->threads;
    struct proof_thread *thread = &threads->threads[i];

    if (thread->blind && !marker->failed)
        marker->failed = "vector registers of living threads are not known";
    uint64_t start = (thread->sighting.call.sp - PROOF_RED_ZONE) & ~UINT64_C(7);
    const struct proof_area *end = marker->space->areas + marker->space->n_areas;
    struct proof_area *stack = thread->end ? space_find(marker->space, start) : NULL;
    if (stack && stack->kind == AREA_STACK) {
        mark_area(marker, stack, MARK_OWN);
        start = thread->top;
        for (struct proof_area *own = stack + 1; own < end && own->kind == AREA_LOCAL; own++)
            mark_area(marker, own, MARK_OWN);
    }
    if (stack)
        push(marker, (struct mark_range){start, thread->end, false, false});
    consider_registers(marker, i);
    size_t at = SL_PARTITION_POINT(marker->n_followers, k, marker->followers[k].object < i);
    for (; at < marker->n_followers && marker->followers[at].object == i; at++)
        wake(marker, marker->followers[at].thread, i);
}

static void add_place(struct marker *marker, const struct proof_area *area)
{
    marker->low = SL_MIN(marker->low, area->start & ~UINT64_C(15));
    marker->high = SL_MAX(marker->high, area->end + HEAP_HEADER);
    for (uint64_t place = area->start >> PLACE_SHIFT;
         place <= (area->end + HEAP_HEADER) >> PLACE_SHIFT &&
         place - (area->start >> PLACE_SHIFT) < N_PLACES;
         place++)
        marker->places[place % N_PLACES / 64] |= UINT64_C(1) << (place % 64);
}

/*
 * A handler runs on any thread that does not block its signal, and may use what is that thread's
 * own: variables of its static block, of others through their table, and values of keys.
 */
static void push_handlers(struct marker *marker, const struct proof_area *area)
{
    const struct proof_thread *thread = &marker->threads->threads[area->thread];
    const uint64_t descriptor = thread->descriptor;

    if (!(marker->threads->signals_handled & ~thread->sighting.signals_blocked & ~FAULTS))
        return;
    push(marker,
         (struct mark_range){SL_MAX(descriptor - marker->threads->variables.size, thread->block),
                             descriptor, false, false});
    push(marker,
         (struct mark_range){descriptor + PTHREAD_DTV, descriptor + PTHREAD_DTV + 8, false, false});
    push(marker, (struct mark_range){descriptor + PTHREAD_SPECIFIC,
                                     descriptor + PTHREAD_SPECIFIC_END, false, false});
}

/* Lists of blocks that were freed lead to their headers, and from one to the next. */
static void follow_fast_bins(struct marker *marker, const struct proof_heap *heap)
{
    uint64_t heads[HEAP_FAST_BINS];

    if (!sl_reader_read_all(marker->reader, heap->fast_bins, heads, sizeof heads)) {
        marker->failed = unreadable;
        return;
    }
    for (size_t i = 0; i < HEAP_FAST_BINS; i++)
        if (heads[i])
            consider(marker, heads[i] + HEAP_HEADER, MARK_FREED);
}

static void push_roots(struct marker *marker)
{
    const struct proof_space *space = marker->space;

    for (size_t i = 0; i < space->n_areas; i++) {
        const struct proof_area *area = &space->areas[i];
        if (area->kind == AREA_OF_FILE || area->kind == AREA_ROOT)
            push(marker,
                 (struct mark_range){area->start, area->end, area->kind == AREA_OF_FILE, false});
        else if (area->kind == AREA_PRIVATE && area->thread != PROOF_NOBODY)
            push_handlers(marker, area);
        else if (area->kind == AREA_HEAP && area->heap->fast_bins)
            follow_fast_bins(marker, area->heap);
    }
}

static int compare_waiters(const void *left, const void *right)
{
    const struct mark_waiter *a = left, *b = right;
    return (a->object > b->object) - (a->object < b->object);
}

uint64_t mark_object(const struct proof_space *space, uint64_t address, bool *ret_freed)
{
    const struct proof_area *area = space_find_object(space, address);

    *ret_freed = false;
    if (!area)
        return 0;
    if (area->kind != AREA_HEAP)
        return area->start;
    size_t i = heap_find(area->heap, address);
    *ret_freed = !(area->heap->flags[i] & HEAP_USED);
    return heap_block_start(area->heap, i);
}

static bool enter_waiter(struct marker *marker, size_t i)
{
    const uint64_t word = marker->threads->threads[i].word;
    struct proof_area *area = space_find_object(marker->space, word);
    bool freed;

    uint64_t object = mark_object(marker->space, word, &freed);
    if (!area || !object ||
        !sl_grow(&marker->waiters, &marker->capacity_waiters, marker->n_waiters + 1))
        return false;
    marker->waiters[marker->n_waiters++] = (struct mark_waiter){object, i};
    if (area->heap)
        area->heap->flags[heap_find(area->heap, word)] |= HEAP_WAITED;
    else
        area->waited = true;
    return true;
}

static bool enter_follower(struct marker *marker, size_t i)
{
    if (!sl_grow(&marker->followers, &marker->capacity_followers, marker->n_followers + 1))
        return false;
    marker->followers[marker->n_followers++] =
        (struct mark_waiter){marker->threads->threads[i].owner, i};
    return true;
}

/* Who waits in which object, who waits for whom, and who lives. */
static void enter_threads(struct marker *marker)
{
    const struct proof_threads *threads = marker->threads;

    for (size_t i = 0; i < threads->n_threads; i++) {
        const struct proof_thread *thread = &threads->threads[i];
        bool entered = thread->awake
                           ? sl_grow(&marker->woken, &marker->capacity_woken, marker->n_woken + 1)
                       : thread->wait == WAIT_WAKE ? enter_waiter(marker, i)
                                                   : enter_follower(marker, i);
        if (!entered) {
            marker->short_of_memory = true;
            return;
        }
        if (thread->awake)
            marker->woken[marker->n_woken++] = i;
    }
    if (marker->n_waiters)
        qsort(marker->waiters, marker->n_waiters, sizeof *marker->waiters, compare_waiters);
    if (marker->n_followers)
        qsort(marker->followers, marker->n_followers, sizeof *marker->followers, compare_waiters);
}

enum sl_status
mark_all(struct marker *marker, const uint64_t *kernel, size_t n_kernel, struct sl_error *err)
{
    SL_AUTO_FREE struct load *load = malloc(sizeof *load);

    marker->bytes = malloc(SL_COURIER_BYTES);
    if (!load || !marker->bytes ||
        !ahead_open(&marker->ahead, marker->reader, marker->space->resident))
        return sl_fail(err, SL_ENOMEM, "out of memory for marking");
    marker->low = UINT64_MAX;
    for (size_t i = 0; i < marker->space->n_areas; i++)
        if (marker->space->areas[i].kind >= AREA_HEAP && marker->space->areas[i].kind <= AREA_STACK)
            add_place(marker, &marker->space->areas[i]);
    if (marker->low > marker->high)
        marker->low = marker->high = 0;
    marker->kernel = kernel;
    enter_threads(marker);
    push_roots(marker);
    drain(marker, load);
    for (size_t i = 0; i < n_kernel; i++)
        consider(marker, kernel[i], MARK_KERNEL | i);
    drain(marker, load);
    while (marker->next_woken < marker->n_woken && !marker->failed && !marker->short_of_memory) {
        follow(marker, marker->woken[marker->next_woken++]);
        drain(marker, load);
    }
    return marker->short_of_memory ? sl_fail(err, SL_ENOMEM, "out of memory for marking") : SL_OK;
}

void mark_release(struct marker *marker)
{
    free(marker->queue);
    free(marker->waiters);
    free(marker->followers);
    free(marker->woken);
    free(marker->bytes);
    ahead_close(&marker->ahead);
}
