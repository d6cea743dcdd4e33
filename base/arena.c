/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define BLOCK_SIZE ((size_t) 64 * 1024)

struct block {
    struct block *next;
    size_t used, capacity;
    alignas(max_align_t) unsigned char data[];
};

struct sl_arena {
    struct block *blocks; /* the first one is filled */
    size_t used;
    bool (*may_take)(void *context, size_t size);
    void *context;
};

struct sl_arena *sl_arena_new(void)
{
    return calloc(1, sizeof(struct sl_arena));
}

void sl_arena_free(struct sl_arena *arena)
{
    if (!arena)
        return;
    for (struct block *block = arena->blocks, *next; block; block = next) {
        next = block->next;
        free(block);
    }
    free(arena);
}

void sl_arena_ask(struct sl_arena *arena, bool (*may_take)(void *context, size_t size),
                  void *context)
{
    arena->may_take = may_take;
    arena->context = context;
}

static struct block *add_block(struct sl_arena *arena, size_t size)
{
    size_t capacity = SL_MAX(size, BLOCK_SIZE);
    if (capacity > SIZE_MAX - sizeof(struct block) ||
        (arena->may_take && !arena->may_take(arena->context, capacity)))
        return NULL;
    struct block *block = calloc(1, sizeof *block + capacity);
    if (!block)
        return NULL;
    block->capacity = capacity;
    /* A large block that is full at once goes behind the one still being filled. */
    if (arena->blocks && size >= BLOCK_SIZE) {
        block->next = arena->blocks->next;
        arena->blocks->next = block;
    } else {
        block->next = arena->blocks;
        arena->blocks = block;
    }
    return block;
}

void *sl_arena_alloc(struct sl_arena *arena, size_t size)
{
    const size_t align = alignof(max_align_t);
    if (size > SIZE_MAX - align)
        return NULL;
    size = (SL_MAX(size, 1) + align - 1) / align * align;

    struct block *block = arena->blocks;
    if (!block || block->capacity - block->used < size)
        block = add_block(arena, size);
    if (!block)
        return NULL;
    void *memory = block->data + block->used;
    block->used += size;
    arena->used += size;
    return memory;
}

void *sl_arena_array(struct sl_arena *arena, size_t n, size_t size)
{
    if (size && n > SIZE_MAX / size)
        return NULL;
    return sl_arena_alloc(arena, n * size);
}

char *sl_arena_strdup(struct sl_arena *arena, const char *text)
{
    if (!text)
        return NULL;
    size_t size = strlen(text) + 1;
    char *copy = sl_arena_alloc(arena, size);
    if (copy)
        memcpy(copy, text, size);
    return copy;
}

char *sl_arena_vprintf(struct sl_arena *arena, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, args);
    char *text = length < 0 ? NULL : sl_arena_alloc(arena, (size_t) length + 1);
    if (text)
        (void) vsnprintf(text, (size_t) length + 1, format, again);
    va_end(again);
    return text;
}

char *sl_arena_printf(struct sl_arena *arena, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text = sl_arena_vprintf(arena, format, args);
    va_end(args);
    return text;
}

size_t sl_arena_used(const struct sl_arena *arena)
{
    return arena->used;
}
