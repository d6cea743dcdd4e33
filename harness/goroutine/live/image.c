/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/goroutine/live/image.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"

#define MAX_SEGMENTS 64
#define MAX_DATA     ((uint64_t) 64 << 20) /* of a segment */
#define MAX_TABLE    ((uint64_t) 1 << 30)
#define HEADER_SIZE  4096 /* at most, of the table of functions */

static const char build_info[] = "\xff Go buildinf:";

#define INFO_SIZE    32
#define INFO_FLAGS   15
#define INFO_IS_TEXT 2 /* of the flags: the version follows, else a pointer to it */
#define INFO_POINTER 16
#define INFO_ALIGNED 16

/* Words of moduledata. */
enum {
    WORD_HEADER,
    WORD_NAMES,
    WORD_UNITS = 4,
    WORD_FILES = 7,
    WORD_VALUES = 10,
    WORD_RECORDS = 13,
    WORD_INDEX = 16,
    WORD_TEXT = 22,
    WORD_TEXT_END,
    N_WORDS = 64
};

struct program {
    struct sl_target *target;
    struct sl_reader *reader;
    Elf64_Phdr segments[MAX_SEGMENTS];
    size_t n_segments;
    uint64_t bias;
};

static enum sl_status load_segments(struct program *program, struct sl_error *err)
{
    const long pid = (long) program->target->pid;
    uint64_t at = sl_target_auxiliary(program->target, AT_PHDR);
    uint64_t n = sl_target_auxiliary(program->target, AT_PHNUM);

    if (sl_target_auxiliary(program->target, AT_PHENT) != sizeof(Elf64_Phdr) || !at || !n ||
        n > MAX_SEGMENTS)
        return sl_fail(err, SL_ENOENT, "process %ld has no 64-bit x86 program just now", pid);
    if (!sl_reader_read_all(program->reader, at, program->segments, n * sizeof(Elf64_Phdr)))
        return sl_fail(err, SL_EPERM, "not allowed to read the memory of process %ld", pid);
    program->n_segments = n;
    for (size_t i = 0; i < n; i++)
        if (program->segments[i].p_type == PT_PHDR)
            program->bias = at - program->segments[i].p_vaddr;
    return SL_OK;
}

/* What the file had of a segment that may be written to; NULL: nothing, or memory is short. */
static uint8_t *
load_data(struct program *program, size_t i, uint64_t *ret_address, size_t *ret_size)
{
    const Elf64_Phdr *segment = &program->segments[i];

    if (segment->p_type != PT_LOAD || !(segment->p_flags & PF_W) || segment->p_filesz < 8 ||
        segment->p_filesz > MAX_DATA)
        return NULL;
    uint8_t *data = malloc(segment->p_filesz);
    if (!data)
        return NULL;
    *ret_address = program->bias + segment->p_vaddr;
    *ret_size = sl_reader_read(program->reader, *ret_address, data, segment->p_filesz);
    return data;
}

/* Of the bytes behind what the linker noted. */
static bool
read_version(struct program *program, const uint8_t *info, size_t left, struct live_image *image)
{
    uint64_t text[2] = {0};
    const size_t most = sizeof image->version - 1;

    memset(image->version, 0, sizeof image->version);
    if (info[INFO_FLAGS] & INFO_IS_TEXT) {
        size_t size = left > INFO_SIZE ? info[INFO_SIZE] : 0; /* a varint; one byte will do */
        if (!size || size > most || left < INFO_SIZE + 1 + size)
            return false;
        memcpy(image->version, info + INFO_SIZE + 1, size);
    } else {
        uint64_t at;
        memcpy(&at, info + INFO_POINTER, sizeof at);
        if (!sl_reader_read_all(program->reader, at, text, sizeof text) || !text[1] ||
            text[1] > most ||
            !sl_reader_read_all(program->reader, text[0], image->version, text[1]))
            return false;
    }
    return true;
}

static enum sl_status
find_version(struct program *program, struct live_image *image, struct sl_error *err)
{
    const long pid = (long) program->target->pid;

    for (size_t i = 0; i < program->n_segments; i++) {
        uint64_t address = 0;
        size_t size = 0;
        SL_AUTO_FREE uint8_t *data = load_data(program, i, &address, &size);
        /* A segment may begin between two places of this alignment. */
        for (size_t at = -address % INFO_ALIGNED; data && at + INFO_SIZE <= size;
             at += INFO_ALIGNED)
            if (memcmp(data + at, build_info, sizeof build_info - 1) == 0)
                return read_version(program, data + at, size - at, image)
                           ? SL_OK
                           : sl_fail(
                                 err, SL_ENOTSUP,
                                 "process %ld is a Go program that does not say of what release",
                                 pid);
    }
    return sl_fail(err, SL_ENOENT, "process %ld runs no Go program", pid);
}

static uint64_t word_at(const uint8_t *data, size_t index)
{
    uint64_t word;
    memcpy(&word, data + index * sizeof word, sizeof word);
    return word;
}

/* A slice of elements of this size.  @return false when it is none */
static bool
read_slice(const uint8_t *data, size_t index, size_t element, struct live_span *ret_span)
{
    uint64_t n = word_at(data, index + 1);

    if (!n || n != word_at(data, index + 2) || n > MAX_TABLE / element)
        return false;
    *ret_span = (struct live_span){word_at(data, index), n * element};
    return true;
}

/* Is it the runtime's description of the program? */
static bool read_moduledata(struct program *program, const uint8_t *data, struct live_image *image)
{
    const struct live_layout *layout = image->layout;
    const size_t index_size = layout->func->wide ? 16 : 8;
    const uint64_t header = word_at(data, WORD_HEADER), names = word_at(data, WORD_NAMES);
    uint32_t magic;

    if (names <= header || names - header > HEADER_SIZE ||
        !read_slice(data, WORD_NAMES, 1, &image->names) ||
        !read_slice(data, WORD_UNITS, 4, &image->units) ||
        !read_slice(data, WORD_FILES, 1, &image->files) ||
        !read_slice(data, WORD_VALUES, 1, &image->values) ||
        !read_slice(data, WORD_RECORDS, 1, &image->records) ||
        !read_slice(data, WORD_INDEX, index_size, &image->index) ||
        !sl_reader_read_all(program->reader, header, &magic, sizeof magic) ||
        magic != layout->magic)
        return false;
    image->text.start = word_at(data, WORD_TEXT);
    image->text.size = word_at(data, WORD_TEXT_END) - image->text.start;
    image->funcdata = layout->gofunc ? word_at(data, layout->gofunc / sizeof(uint64_t)) : 0;
    return image->text.size <= MAX_TABLE;
}

static enum sl_status
find_moduledata(struct program *program, struct live_image *image, struct sl_error *err)
{
    for (size_t i = 0; i < program->n_segments; i++) {
        uint64_t address = 0;
        size_t size = 0;
        SL_AUTO_FREE uint8_t *data = load_data(program, i, &address, &size);
        for (size_t at = -address % sizeof(uint64_t);
             data && at + N_WORDS * sizeof(uint64_t) <= size; at += sizeof(uint64_t))
            if (read_moduledata(program, data + at, image))
                return SL_OK;
    }
    return sl_fail(err, SL_ENOTSUP,
                   "process %ld is a program of %s without the table of functions that it has",
                   (long) program->target->pid, image->version);
}

enum sl_status image_find(struct sl_target *target, struct sl_reader *reader,
                          struct live_image *ret_image, struct sl_error *err)
{
    struct program program = {.target = target, .reader = reader};
    struct live_image image = {0};
    char known[128];

    enum sl_status status = load_segments(&program, err);
    if (!status)
        status = find_version(&program, &image, err);
    if (status)
        return status;
    image.layout = layout_find(image.version);
    if (!image.layout) {
        layout_list(known, sizeof known);
        return sl_fail(err, SL_ENOTSUP,
                       "process %ld is a program of %s, of which it is not known where its "
                       "goroutines are; it is of %s",
                       (long) target->pid, image.version, known);
    }
    status = find_moduledata(&program, &image, err);
    if (!status)
        *ret_image = image;
    return status;
}

bool image_read(struct sl_reader *reader, const struct live_span *span, uint64_t offset, void *data,
                size_t size)
{
    return offset <= span->size && size <= span->size - offset &&
           sl_reader_read_cached(reader, span->start + offset, data, size);
}
