/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/snapshot/cache/known.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/hash.h"

#define BUCKETS     1024
#define MAX_ENTRIES 4096 /* some hundred KiB */
#define MIN_ID      16   /* bytes of a build-id that is a digest, not a number of somebody's */

struct entry {
    struct entry *next;
    uint64_t address;
    const uint8_t *build_id;
    size_t build_id_size;
    struct sl_file_identity file;
    const char *path;
    const struct sl_frame *frames;
    size_t n_frames;
    uint64_t source;
};

/* Held for look-ups and copies, never over reading a file. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct sl_arena *arena;
static struct entry *buckets[BUCKETS];
static size_t n_entries;

bool sl_known_is_named(const struct sl_image *image)
{
    return image->build_id_size >= MIN_ID;
}

static struct entry **bucket_of(const struct sl_module *module, uint64_t address)
{
    uint64_t hash = sl_fnv64(SL_FNV64_BASIS, module->image.build_id, module->image.build_id_size);
    return &buckets[sl_fnv64(hash, &address, sizeof address) % BUCKETS];
}

static bool is_of(const struct entry *entry, const struct sl_module *module,
                  const struct sl_file_identity *file)
{
    return entry->build_id_size == module->image.build_id_size &&
           memcmp(entry->build_id, module->image.build_id, entry->build_id_size) == 0 &&
           memcmp(&entry->file, file, sizeof *file) == 0 && strcmp(entry->path, module->path) == 0;
}

static bool may_be_known(const struct sl_module *module, const struct sl_file_identity *file)
{
    return file && sl_known_is_named(&module->image);
}

static const struct entry *
find(const struct sl_module *module, const struct sl_file_identity *file, uint64_t address)
{
    const struct entry *entry = *bucket_of(module, address);
    while (entry && (entry->address != address || !is_of(entry, module, file)))
        entry = entry->next;
    return entry;
}

size_t sl_known_find(const struct sl_module *module, const struct sl_file_identity *file,
                     uint64_t address, struct sl_frame *frames, size_t capacity)
{
    size_t n = 0;

    if (!may_be_known(module, file))
        return 0;
    (void) pthread_mutex_lock(&lock);
    const struct entry *entry = find(module, file, address);
    if (entry && entry->n_frames <= capacity) {
        n = entry->n_frames;
        memcpy(frames, entry->frames, n * sizeof *frames);
    }
    (void) pthread_mutex_unlock(&lock);
    return n;
}

bool sl_known_has(const struct sl_module *module, const struct sl_file_identity *file)
{
    bool known = false;

    if (!may_be_known(module, file))
        return false;
    (void) pthread_mutex_lock(&lock);
    for (size_t i = 0; i < BUCKETS && !known; i++)
        for (const struct entry *entry = buckets[i]; entry && !known; entry = entry->next)
            known = is_of(entry, module, file);
    (void) pthread_mutex_unlock(&lock);
    return known;
}

/* Deep: the strings too.  @return NULL when memory is short */
static struct sl_frame *copy_frames(const struct sl_frame *frames, size_t n_frames)
{
    struct sl_frame *copy = sl_arena_array(arena, n_frames, sizeof *copy);
    for (size_t i = 0; copy && i < n_frames; i++) {
        copy[i] = (struct sl_frame){.function = sl_arena_strdup(arena, frames[i].function),
                                    .file = sl_arena_strdup(arena, frames[i].file),
                                    .line = frames[i].line,
                                    .inlined = frames[i].inlined};
        if (!copy[i].function != !frames[i].function || !copy[i].file != !frames[i].file)
            return NULL;
    }
    return copy;
}

static void add(const struct sl_module *module, const struct sl_file_identity *file,
                uint64_t address, const struct sl_frame *frames, size_t n_frames, uint64_t source)
{
    struct entry **bucket = bucket_of(module, address);
    struct entry *entry = sl_arena_alloc(arena, sizeof *entry);
    uint8_t *build_id = sl_arena_alloc(arena, module->image.build_id_size);
    const char *path = sl_arena_strdup(arena, module->path);
    struct sl_frame *copy = copy_frames(frames, n_frames);

    if (!entry || !build_id || !path || !copy)
        return; /* then it is looked up again */
    memcpy(build_id, module->image.build_id, module->image.build_id_size);
    *entry = (struct entry){.next = *bucket,
                            .address = address,
                            .build_id = build_id,
                            .build_id_size = module->image.build_id_size,
                            .file = *file,
                            .path = path,
                            .frames = copy,
                            .n_frames = n_frames,
                            .source = source};
    *bucket = entry;
    n_entries++;
}

void sl_known_add(const struct sl_module *module, const struct sl_file_identity *file,
                  uint64_t address, const struct sl_frame *frames, size_t n_frames, uint64_t source)
{
    if (!may_be_known(module, file))
        return;
    (void) pthread_mutex_lock(&lock);
    if (!arena)
        arena = sl_arena_new();
    if (arena && n_entries < MAX_ENTRIES && !find(module, file, address))
        add(module, file, address, frames, n_frames, source);
    (void) pthread_mutex_unlock(&lock);
}

struct sl_known_code *sl_known_list(const struct sl_module *module,
                                    const struct sl_file_identity *file, uint64_t source,
                                    size_t *ret_n)
{
    size_t n = 0;

    if (!may_be_known(module, file))
        return NULL;
    (void) pthread_mutex_lock(&lock);
    struct sl_known_code *list = calloc(n_entries + 1, sizeof *list);
    for (size_t i = 0; list && i < BUCKETS; i++)
        for (const struct entry *entry = buckets[i]; entry; entry = entry->next)
            if (entry->source == source && is_of(entry, module, file))
                list[n++] = (struct sl_known_code){entry->address, entry->frames, entry->n_frames};
    (void) pthread_mutex_unlock(&lock);
    *ret_n = n;
    return list;
}
