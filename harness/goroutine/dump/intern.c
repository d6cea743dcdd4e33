/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/goroutine/dump/intern.h"

#include <string.h>
#include <sys/random.h>

#define FEWEST 1024
#define FACTOR UINT64_C(0x9e3779b97f4a7c15) /* odd, of the golden ratio */

/* A text that is kept. */
struct text {
    size_t size;
    char bytes[];
};

void intern_init(struct intern *intern, struct sl_arena *arena)
{
    *intern = (struct intern){.arena = arena};
    if (getrandom(&intern->seed, sizeof intern->seed, GRND_NONBLOCK) < 0)
        intern->seed = (uintptr_t) intern; /* of a random place, too */
}

void intern_release(struct intern *intern)
{
    free(intern->texts.slots);
    free(intern->stacks.slots);
}

static uint64_t fold(uint64_t value)
{
    unsigned __int128 product = (unsigned __int128) value * FACTOR;
    return (uint64_t) product ^ (uint64_t) (product >> 64);
}

uint64_t intern_hash(const struct intern *intern, const void *data, size_t size)
{
    const char *bytes = data;
    uint64_t hash = intern->seed + size, word;

    for (; size >= sizeof word; size -= sizeof word, bytes += sizeof word) {
        memcpy(&word, bytes, sizeof word);
        hash = fold(hash ^ word) + intern->seed;
    }
    word = 0;
    memcpy(&word, bytes, size);
    return fold(hash ^ word);
}

struct intern_slot *intern_probe(struct intern_table *table, uint64_t hash, size_t *at)
{
    for (size_t mask = table->capacity - 1;; ++*at) {
        struct intern_slot *slot = &table->slots[(hash + *at) & mask];
        if (slot->item && slot->hash != hash)
            continue;
        ++*at;
        return slot;
    }
}

bool intern_reserve(struct intern_table *table)
{
    struct intern_table larger = {.n = table->n,
                                  .capacity = SL_MAX(table->capacity * 2, (size_t) FEWEST)};

    if (table->n < table->capacity / 2)
        return true;
    larger.slots = calloc(larger.capacity, sizeof *larger.slots);
    if (!larger.slots)
        return false;
    for (size_t i = 0; i < table->capacity; i++) {
        uint64_t hash = table->slots[i].hash;
        for (size_t at = hash; table->slots[i].item; at++) {
            struct intern_slot *slot = &larger.slots[at & (larger.capacity - 1)];
            if (slot->item)
                continue;
            *slot = table->slots[i];
            break;
        }
    }
    free(table->slots);
    *table = larger;
    return true;
}

const char *intern_text(struct intern *intern, const char *text, size_t size)
{
    const uint64_t hash = intern_hash(intern, text, size);
    struct intern_slot *slot;

    if (!intern_reserve(&intern->texts))
        return NULL;
    for (size_t at = 0; (slot = intern_probe(&intern->texts, hash, &at))->item;) {
        const struct text *kept = slot->item;
        if (kept->size == size && memcmp(kept->bytes, text, size) == 0)
            return kept->bytes;
    }
    struct text *kept = sl_arena_alloc(intern->arena, sizeof *kept + size + 1);
    if (!kept)
        return NULL;
    kept->size = size;
    memcpy(kept->bytes, text, size);
    *slot = (struct intern_slot){hash, kept};
    intern->texts.n++;
    return kept->bytes;
}

static bool same_frames(const struct sl_frame *a, const struct sl_frame *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (a[i].function != b[i].function || a[i].file != b[i].file || a[i].line != b[i].line ||
            a[i].address != b[i].address || a[i].inlined != b[i].inlined)
            return false;
    return true;
}

static uint64_t
hash_stack(const struct intern *intern, const struct sl_frame *frames, size_t n, const char *reason)
{
    uint64_t hash = intern->seed ^ (uintptr_t) reason;

    for (size_t i = 0; i < n; i++) {
        hash = fold(hash ^ (uintptr_t) frames[i].function) + (uintptr_t) frames[i].file;
        hash = fold(hash ^ frames[i].line) + frames[i].address + frames[i].inlined;
    }
    return fold(hash);
}

const struct sl_stack *intern_stack(struct intern *intern, const struct sl_frame *frames,
                                    size_t n_frames, const char *reason)
{
    const uint64_t hash = hash_stack(intern, frames, n_frames, reason);
    struct intern_slot *slot;

    if (!intern_reserve(&intern->stacks))
        return NULL;
    for (size_t at = 0; (slot = intern_probe(&intern->stacks, hash, &at))->item;) {
        const struct sl_stack *kept = slot->item;
        if (kept->n_frames == n_frames && kept->reason == reason &&
            same_frames(kept->frames, frames, n_frames))
            return kept;
    }
    struct sl_stack *kept = sl_arena_alloc(intern->arena, sizeof *kept);
    struct sl_frame *copy = sl_arena_array(intern->arena, n_frames, sizeof *copy);
    if (!kept || !copy)
        return NULL;
    memcpy(copy, frames, n_frames * sizeof *copy);
    *kept = (struct sl_stack){.frames = copy,
                              .n_frames = n_frames,
                              .complete = !reason,
                              .grade = reason ? SL_GRADE_PARTIAL : SL_GRADE_COMPLETE,
                              .reason = reason};
    *slot = (struct intern_slot){hash, kept};
    intern->stacks.n++;
    return kept;
}
