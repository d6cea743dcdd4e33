/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/goroutine/dump/input.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "base/fail.h"
#include "base/grow.h"
#include "base/macros.h"

#define BUFFER_SIZE ((size_t) 1024 * 1024) /* no line is longer */
#define PACKED_SIZE ((size_t) 64 * 1024)
#define LOOKED_AT   512 /* bytes that tell text from a profile */

struct dump_input {
    int fd; /* -1: memory */
    const char *data;
    size_t left; /* of data */
    uint64_t max_bytes;

    bool asked_packing, packed;
    z_stream unpacker;
    unsigned char from_packed[PACKED_SIZE];

    char *buffer;
    size_t capacity, begin, end;
    size_t searched; /* no line ends before this */
    bool ended;
    uint64_t n_bytes, number;
    struct dump_line line;
    size_t line_end; /* where the next one begins; 0: the line is not known yet */

    enum sl_status status;
    int error; /* of a failed read */
    const char *damage;
};

struct dump_input *input_new(int fd, const char *data, size_t size, uint64_t max_bytes)
{
    struct dump_input *input = calloc(1, sizeof *input);

    if (!input)
        return NULL;
    *input = (struct dump_input){
        .fd = fd, .data = data, .left = size, .max_bytes = max_bytes, .number = 1};
    if (!sl_grow(&input->buffer, &input->capacity, BUFFER_SIZE)) {
        free(input);
        return NULL;
    }
    return input;
}

void input_free(struct dump_input *input)
{
    if (!input)
        return;
    if (input->packed)
        (void) inflateEnd(&input->unpacker);
    free(input->buffer);
    free(input);
}

/* Bytes as they come.  @return how many; 0 at the end, or when it failed */
static size_t read_raw(struct dump_input *input, void *into, size_t size)
{
    if (input->fd < 0) {
        size = SL_MIN(size, input->left);
        if (size)
            memcpy(into, input->data, size);
        input->data += size;
        input->left -= size;
        return size;
    }
    for (;;) {
        ssize_t got = read(input->fd, into, size);
        if (got >= 0)
            return (size_t) got;
        if (errno != EINTR) {
            input->status = SL_ESYS;
            input->error = errno;
            return 0;
        }
    }
}

/* The next packed bytes.  @return false when there are none */
static bool feed(struct dump_input *input)
{
    z_stream *unpacker = &input->unpacker;

    if (unpacker->avail_in)
        return true;
    unpacker->next_in = input->from_packed;
    unpacker->avail_in = (uInt) read_raw(input, input->from_packed, PACKED_SIZE);
    return unpacker->avail_in;
}

/* Several packed files in a row are one, as for gzip. */
static size_t read_packed(struct dump_input *input, void *into, size_t size)
{
    z_stream *unpacker = &input->unpacker;

    unpacker->next_out = into;
    unpacker->avail_out = (uInt) size;
    while (unpacker->avail_out == size && !input->ended && !input->status) {
        if (!feed(input)) {
            input->ended = true;
            input->damage = "the packed file ends before its end";
            break;
        }
        int result = inflate(unpacker, Z_NO_FLUSH);
        if (result == Z_MEM_ERROR) {
            input->status = SL_ENOMEM;
        } else if (result == Z_STREAM_END) {
            input->ended = !feed(input) || inflateReset(unpacker) != Z_OK;
        } else if (result != Z_OK) {
            input->ended = true;
            input->damage = "the packed file is damaged";
        }
    }
    return size - unpacker->avail_out;
}

/* Is it packed?  Asked once, at the very beginning. */
static void ask_packing(struct dump_input *input)
{
    size_t got = 0;

    input->asked_packing = true;
    while (got < 2) {
        size_t more = read_raw(input, input->buffer + got, 2 - got);
        if (!more)
            break;
        got += more;
    }
    input->end = got;
    if (got < 2 || memcmp(input->buffer, "\x1f\x8b", 2) != 0)
        return;
    memcpy(input->from_packed, input->buffer, got);
    input->end = 0;
    input->unpacker.next_in = input->from_packed;
    input->unpacker.avail_in = (uInt) got;
    input->packed = inflateInit2(&input->unpacker, 16 + MAX_WBITS) == Z_OK;
    if (!input->packed)
        input->status = SL_ENOMEM;
}

/* More bytes at the end of the buffer, which has room.  @return false when there are none */
static bool fill(struct dump_input *input)
{
    size_t before = input->end, got = 0;
    if (!input->asked_packing)
        ask_packing(input);
    size_t room = input->capacity - input->end;
    if (input->n_bytes >= input->max_bytes)
        input->status = SL_ELIMIT;
    if (!input->ended && !input->status)
        got = input->packed ? read_packed(input, input->buffer + input->end, room)
                            : read_raw(input, input->buffer + input->end, room);
    input->end += got;
    input->n_bytes += got;
    input->ended |= !got;
    return input->end > before;
}

/* Make room for more of the line that begins the rest. */
static void move_up(struct dump_input *input)
{
    memmove(input->buffer, input->buffer + input->begin, input->end - input->begin);
    input->searched -= input->begin;
    input->end -= input->begin;
    input->begin = 0;
}

/* One that does not fit is cut, and the rest of it passed over. */
static void skip_long(struct dump_input *input)
{
    const char *found = NULL;

    input->damage = "a line is longer than 1 MiB";
    input->line.size = SL_MIN(input->line.size, BUFFER_SIZE / 2);
    do {
        input->end = BUFFER_SIZE / 2;
        if (!fill(input))
            break;
        found = memchr(input->buffer + BUFFER_SIZE / 2, '\n', input->end - BUFFER_SIZE / 2);
    } while (!found);
    input->line_end = found ? (size_t) (found + 1 - input->buffer) : input->end;
}

const struct dump_line *input_line(struct dump_input *input)
{
    const char *found = NULL;

    if (input->line_end)
        return &input->line;
    do {
        if (input->searched < input->end)
            found = memchr(input->buffer + input->searched, '\n', input->end - input->searched);
        if (found)
            break;
        input->searched = input->end;
        if (input->end == input->capacity && input->begin)
            move_up(input);
    } while (input->end < input->capacity && fill(input));

    const char *begin = input->buffer + input->begin;
    size_t size = found ? (size_t) (found - begin) : input->end - input->begin;
    if ((!found && !size) || input->status)
        return NULL;
    input->line = (struct dump_line){begin, size};
    input->line_end = input->begin + size + (found ? 1 : 0);
    if (!found && input->end == input->capacity)
        skip_long(input);
    if (input->line.size && begin[input->line.size - 1] == '\r')
        input->line.size--;
    return &input->line;
}

void input_advance(struct dump_input *input)
{
    input->begin = input->searched = input->line_end;
    input->line_end = 0;
    input->number++;
}

uint64_t input_number(const struct dump_input *input)
{
    return input->number;
}

uint64_t input_bytes(const struct dump_input *input)
{
    return input->n_bytes;
}

bool input_is_empty(struct dump_input *input)
{
    return input->begin == input->end && !fill(input);
}

bool input_is_text(struct dump_input *input)
{
    while (input->end - input->begin < LOOKED_AT && fill(input))
        ;
    size_t n = SL_MIN(input->end - input->begin, (size_t) LOOKED_AT);
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char) input->buffer[input->begin + i];
        if (c < 0x20 && c != '\t' && c != '\n' && c != '\r' && c != '\x1b')
            return false;
    }
    return true;
}

enum sl_status input_rest(struct dump_input *input, size_t most, const char **ret_data,
                          size_t *ret_size, struct sl_error *err)
{
    do {
        if (input->end - input->begin > most)
            return sl_fail(err, SL_ELIMIT, "it is larger than %zu bytes", most);
        if (input->end == input->capacity &&
            !sl_grow(&input->buffer, &input->capacity, input->capacity * 2))
            return sl_fail(err, SL_ENOMEM, "out of memory for %zu bytes", input->capacity * 2);
    } while (fill(input));
    *ret_data = input->buffer + input->begin;
    *ret_size = input->end - input->begin;
    return input_status(input, err);
}

enum sl_status input_status(const struct dump_input *input, struct sl_error *err)
{
    switch (input->status) {
    case SL_OK:
        return SL_OK;
    case SL_ESYS:
        errno = input->error;
        return sl_fail_errno(err, "cannot read it");
    case SL_ELIMIT:
        return sl_fail(err, SL_ELIMIT, "it has more than %llu bytes",
                       (unsigned long long) input->max_bytes);
    default:
        return sl_fail(err, SL_ENOMEM, "out of memory for unpacking");
    }
}

const char *input_damage(const struct dump_input *input)
{
    return input->damage;
}
