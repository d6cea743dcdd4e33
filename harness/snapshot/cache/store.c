/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/snapshot/cache/store.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/grow.h"
#include "base/hash.h"
#include "harness/snapshot/cache/folder.h"
#include "harness/snapshot/dwarf/inline.h"

#define MAX_FRAMES ((size_t) SL_MAX_INLINED + 1)

static const char magic[8] = "SLNAMES";
#define VERSION 1

/* A file: the head, codes, frames, text.  In the byte order of the machine, whose cache it is. */
struct head {
    char magic[sizeof magic];
    uint64_t version;
    struct sl_store_key key;
    uint64_t n_codes, n_frames, text_size;
    uint64_t checksum; /* of all bytes, this one as 0 */
};

struct code {
    uint64_t address;
    uint32_t first, n; /* frames */
};

struct frame {
    uint32_t function, file; /* in the text, counted from 1; 0: none */
    uint32_t line, inlined;
};

struct sl_store {
    int folder; /* -1: it is made when something is to be kept */
};

/* Of the program or library that this is linked into; its notes lie in the first page. */
extern const unsigned char __ehdr_start[] __attribute__((visibility("hidden")));
#define MAPPED 4096

static bool read_own(void *context, uint64_t offset, void *data, size_t size)
{
    (void) context;
    if (offset > MAPPED || size > MAPPED - offset)
        return false;
    memcpy(data, __ehdr_start + offset, size);
    return true;
}

static bool find_own_build_id(struct sl_store_key *key)
{
    SL_AUTO(sl_arena) struct sl_arena *arena = sl_arena_new();
    const struct sl_image_bytes bytes = {.read = read_own};
    struct sl_image image;

    if (!arena || !sl_image_load(&bytes, arena, &image) || !image.build_id_size)
        return false;
    memcpy(key->made_by, image.build_id, image.build_id_size);
    key->made_by_size = image.build_id_size;
    return true;
}

bool sl_store_key_init(struct sl_store_key *key, const struct sl_target *target,
                       const struct sl_image *image, const int fds[SL_STORE_FILES])
{
    memset(key, 0, sizeof *key);
    if (!sl_known_is_named(image) || !find_own_build_id(key))
        return false;
    memcpy(key->build_id, image->build_id, image->build_id_size);
    key->build_id_size = image->build_id_size;
    key->segments =
        sl_fnv64(SL_FNV64_BASIS, image->segments, image->header.e_phnum * sizeof *image->segments);
    for (size_t i = 0; i < SL_STORE_FILES; i++)
        if (fds[i] >= 0 && !sl_file_identity_of(target, fds[i], &key->files[i]))
            return false;
    return true;
}

struct sl_store *sl_store_open(void)
{
    int folder = sl_folder_open(false);
    if (folder < 0 && errno != ENOENT)
        return NULL;
    struct sl_store *store = calloc(1, sizeof *store);
    if (store)
        store->folder = folder;
    else if (folder >= 0)
        (void) close(folder);
    return store;
}

void sl_store_close(struct sl_store *store)
{
    if (!store)
        return;
    if (store->folder >= 0)
        (void) close(store->folder);
    free(store);
}

uint64_t sl_store_key_digest(const struct sl_store_key *key)
{
    return sl_fnv64(SL_FNV64_BASIS, key, sizeof *key);
}

static void name_file(const struct sl_store_key *key, char *ret_name, size_t size)
{
    (void) snprintf(ret_name, size, "names-%016" PRIx64, sl_store_key_digest(key));
}

static uint64_t sum_up(const void *data, size_t size)
{
    static const uint64_t zero;
    const size_t at = offsetof(struct head, checksum), behind = at + sizeof zero;

    uint64_t sum = sl_fnv64(SL_FNV64_BASIS, data, at);
    sum = sl_fnv64(sum, &zero, sizeof zero);
    return sl_fnv64(sum, (const char *) data + behind, size - behind);
}

void sl_store_seal(void *data, size_t size)
{
    uint64_t checksum = sum_up(data, size);
    memcpy((char *) data + offsetof(struct head, checksum), &checksum, sizeof checksum);
}

/* Where its parts are, once they are known to be there. */
struct file {
    const struct head *head;
    const struct code *codes;
    const struct frame *frames;
    const char *text;
};

static bool is_whole(const void *data, size_t size, struct file *ret_file)
{
    const struct head *head = data;

    if (size < sizeof *head || memcmp(head->magic, magic, sizeof magic) != 0 ||
        head->version != VERSION || head->n_codes > size || head->n_frames > size ||
        head->text_size > size ||
        size != sizeof *head + head->n_codes * sizeof(struct code) +
                    head->n_frames * sizeof(struct frame) + head->text_size ||
        head->checksum != sum_up(data, size))
        return false;
    const struct code *codes = (const struct code *) (head + 1);
    const struct frame *frames = (const struct frame *) (codes + head->n_codes);
    *ret_file = (struct file){head, codes, frames, (const char *) (frames + head->n_frames)};
    return !head->text_size || !ret_file->text[head->text_size - 1];
}

static bool is_sound(const struct file *file)
{
    const struct head *head = file->head;

    for (size_t i = 0; i < head->n_codes; i++) {
        const struct code *code = &file->codes[i];
        if (!code->n || code->n > MAX_FRAMES || code->n > head->n_frames ||
            code->first > head->n_frames - code->n)
            return false;
    }
    for (size_t i = 0; i < head->n_frames; i++)
        if (file->frames[i].function > head->text_size || file->frames[i].file > head->text_size)
            return false;
    return true;
}

bool sl_store_parse(const void *data, size_t size, const struct sl_store_key *key,
                    sl_store_taker *take, void *context)
{
    struct sl_frame frames[MAX_FRAMES];
    struct file file;

    if (!is_whole(data, size, &file) || memcmp(&file.head->key, key, sizeof *key) != 0 ||
        !is_sound(&file))
        return false;
    for (size_t i = 0; i < file.head->n_codes; i++) {
        const struct code *code = &file.codes[i];
        for (size_t k = 0; k < code->n; k++) {
            const struct frame *frame = &file.frames[code->first + k];
            frames[k] = (struct sl_frame){
                .function = frame->function ? file.text + frame->function - 1 : NULL,
                .file = frame->file ? file.text + frame->file - 1 : NULL,
                .line = frame->line,
                .inlined = frame->inlined};
        }
        take(context, code->address, frames, code->n);
    }
    return true;
}

void sl_store_read(const struct sl_store *store, const struct sl_store_key *key,
                   sl_store_taker *take, void *context)
{
    char name[64];
    size_t size;

    if (store->folder < 0)
        return;
    name_file(key, name, sizeof name);
    SL_AUTO_FREE void *data = sl_folder_read(store->folder, name, &size);
    if (data)
        (void) sl_store_parse(data, size, key, take, context);
}

/* The parts of a file being put together. */
struct draft {
    struct code *codes;
    struct frame *frames;
    char *text;
    size_t n_codes, n_frames, text_size;
    size_t codes_room, frames_room, text_room;
};

static void draft_release(struct draft *draft)
{
    free(draft->codes);
    free(draft->frames);
    free(draft->text);
}

static bool put_text(struct draft *draft, const char *text, uint32_t *ret_at)
{
    size_t size = text ? strlen(text) + 1 : 0;

    *ret_at = size ? (uint32_t) draft->text_size + 1 : 0;
    if (!size)
        return true;
    if (draft->text_size + size > SL_FOLDER_MAX_FILE ||
        !sl_grow(&draft->text, &draft->text_room, draft->text_size + size))
        return false;
    memcpy(draft->text + draft->text_size, text, size);
    draft->text_size += size;
    return true;
}

static bool put_code(struct draft *draft, const struct sl_known_code *known)
{
    if (!sl_grow(&draft->codes, &draft->codes_room, draft->n_codes + 1) ||
        !sl_grow(&draft->frames, &draft->frames_room, draft->n_frames + known->n_frames))
        return false;
    draft->codes[draft->n_codes++] =
        (struct code){known->address, (uint32_t) draft->n_frames, (uint32_t) known->n_frames};
    for (size_t i = 0; i < known->n_frames; i++) {
        const struct sl_frame *from = &known->frames[i];
        struct frame frame = {.line = from->line, .inlined = from->inlined};
        if (!put_text(draft, from->function, &frame.function) ||
            !put_text(draft, from->file, &frame.file))
            return false;
        draft->frames[draft->n_frames++] = frame;
    }
    return true;
}

static void
write_draft(struct sl_store *store, const struct sl_store_key *key, const struct draft *draft)
{
    const size_t codes = draft->n_codes * sizeof *draft->codes;
    const size_t frames = draft->n_frames * sizeof *draft->frames;
    const size_t size = sizeof(struct head) + codes + frames + draft->text_size;
    SL_AUTO_FREE char *data = size <= SL_FOLDER_MAX_FILE ? calloc(1, size) : NULL;
    char name[64];

    if (store->folder < 0)
        store->folder = sl_folder_open(true);
    if (!data || store->folder < 0)
        return;
    struct head *head = (struct head *) data;
    memcpy(head->magic, magic, sizeof magic);
    head->version = VERSION;
    head->key = *key;
    head->n_codes = draft->n_codes;
    head->n_frames = draft->n_frames;
    head->text_size = draft->text_size;
    memcpy(data + sizeof *head, draft->codes, codes);
    memcpy(data + sizeof *head + codes, draft->frames, frames);
    if (draft->text_size)
        memcpy(data + sizeof *head + codes + frames, draft->text, draft->text_size);
    sl_store_seal(data, size);
    name_file(key, name, sizeof name);
    (void) sl_folder_write(store->folder, name, data, size);
}

void sl_store_write(struct sl_store *store, const struct sl_store_key *key,
                    const struct sl_known_code *codes, size_t n_codes)
{
    SL_CLEANUP(draft_release) struct draft draft = {0};

    for (size_t i = 0; i < n_codes; i++)
        if (!put_code(&draft, &codes[i]))
            return;
    if (n_codes)
        write_draft(store, key, &draft);
}
