/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/goroutine/dump/dump.h"

#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/macros.h"
#include "harness/goroutine/dump/builder.h"
#include "harness/goroutine/dump/heading.h"
#include "harness/goroutine/dump/profile.h"
#include "harness/goroutine/dump/proto.h"
#include "harness/goroutine/dump/threadz.h"
#include "harness/goroutine/dump/traceback.h"

#define DEFAULT_MEMORY ((uint64_t) 3 << 29)
#define DEFAULT_BYTES  ((uint64_t) 4 << 30)
#define STACK_BUFFER   ((uint64_t) 64 << 20) /* of runtime.Stack, which is cut there */

static const char debug_0[] = "goroutine profile, debug=0";
static const char debug_1[] = "goroutine profile, debug=1";
static const char debug_2[] = "goroutine profile, debug=2";
static const char threadz[] = "threadz";

/* A dump while it is read. */
struct reader {
    struct dump_builder builder;
    struct dump_input *input;
    const char *format; /* NULL: nothing was found yet */
    bool ended;         /* another dump begins */
    struct dump_profile profile;
    bool in_other;   /* in a profile of something else */
    bool in_foreign; /* in lines that are of no dump */
};

/* A dump of this form begins or goes on.  @return false where it is another one */
static bool begin(struct reader *reader, const char *format, bool first)
{
    reader->in_other = reader->in_foreign = false;
    if (reader->format && (first || reader->format != format)) {
        reader->ended = true;
        return false;
    }
    reader->format = format;
    return true;
}

/* What is of no dump, counted once a place.  What stands before everything is somebody's log. */
static void pass_over(struct reader *reader, const struct dump_line *line)
{
    const bool blank = !line->size;

    reader->in_other |= profile_is_other(line);
    if (!blank && !reader->in_foreign && reader->format && !reader->in_other &&
        !traceback_is_other(line)) {
        builder_skip(&reader->builder, input_number(reader->input), "not of a goroutine");
        reader->in_foreign = true;
    }
    reader->in_foreign &= !blank;
    input_advance(reader->input);
}

static void read_line(struct reader *reader, const struct dump_line *line)
{
    struct dump_profile profile;

    if (profile_begins(line, &profile)) {
        if (!begin(reader, debug_1, true))
            return;
        reader->profile = profile;
        input_advance(reader->input);
    } else if (reader->format == debug_1 && !reader->in_other && profile_has_record(line)) {
        reader->in_foreign = false;
        profile_read_record(&reader->builder, reader->input);
    } else if (threadz_begins(line)) {
        if (begin(reader, threadz, true))
            threadz_read(&reader->builder, reader->input);
    } else if (heading_is(line)) {
        if (begin(reader, debug_2, false) &&
            traceback_read(&reader->builder, reader->input) == DUMP_KNOWN)
            reader->ended = true;
    } else {
        pass_over(reader, line);
    }
}

/* What only the end can tell. */
static void check_end(struct reader *reader)
{
    struct dump_builder *builder = &reader->builder;
    const uint64_t line = input_number(reader->input);

    if (input_damage(reader->input))
        builder_skip(builder, line, "%s", input_damage(reader->input));
    if (reader->format == debug_1 && reader->profile.total != builder->n_goroutines)
        builder_skip(builder, line,
                     "the profile says %" PRIu64 " goroutines, its records are of %" PRIu64,
                     reader->profile.total, builder->n_goroutines);
    if (reader->format == debug_2 && !reader->ended && input_bytes(reader->input) == STACK_BUFFER)
        builder_skip(builder, line, "the runtime writes 64 MiB at most, so goroutines are missing");
}

static enum sl_status read_text(struct reader *reader, struct sl_error *err)
{
    const struct dump_line *line;
    enum sl_status status = SL_OK;

    while (!status && !reader->ended && (line = input_line(reader->input))) {
        read_line(reader, line);
        status = builder_status(&reader->builder, err);
    }
    return status;
}

static enum sl_status read_binary(struct reader *reader, struct sl_error *err)
{
    const char *data;
    size_t size;

    enum sl_status status =
        input_rest(reader->input, (size_t) reader->builder.max_memory / 2, &data, &size, err);
    if (status)
        return status;
    reader->format = debug_0;
    reader->builder.unit = "sample";
    return proto_read(&reader->builder, data, size, err);
}

static enum sl_status
read_all(struct reader *reader, struct sl_snapshot **ret_snapshot, struct sl_error *err)
{
    enum sl_status status = SL_OK;

    if (input_is_empty(reader->input)) {
        status = input_status(reader->input, err);
        return status ? status : sl_fail(err, SL_EPARSE, "it is empty");
    }
    status = input_is_text(reader->input) ? read_text(reader, err) : read_binary(reader, err);
    if (!status)
        status = builder_status(&reader->builder, err);
    if (!status)
        status = input_status(reader->input, err);
    if (status)
        return status;
    if (!reader->format)
        return sl_fail(err, SL_EPARSE, "no goroutines are in it");
    check_end(reader);
    return builder_finish(&reader->builder,
                          reader->format == threadz ? SL_SNAPSHOT_THREADS : SL_SNAPSHOT_GOROUTINES,
                          reader->format, reader->ended, ret_snapshot, err);
}
static enum sl_status read_input(const char *name, struct dump_input *input, uint64_t max_memory,
                                 struct sl_snapshot **ret_snapshot, struct sl_error *err)
{
    struct reader reader = {.input = input};
    enum sl_status status = input && builder_init(&reader.builder, max_memory)
                                ? read_all(&reader, ret_snapshot, err)
                                : sl_fail(err, SL_ENOMEM, "out of memory for a dump");

    if (input)
        builder_release(&reader.builder);
    input_free(input);
    if (status)
        sl_error_prefix(err, "'%s'", name);
    return status;
}

static uint64_t max_bytes_of(const struct sl_dump_opts *opts)
{
    return opts && opts->max_bytes ? opts->max_bytes : DEFAULT_BYTES;
}

static uint64_t max_memory_of(const struct sl_dump_opts *opts)
{
    return opts && opts->max_memory ? opts->max_memory : DEFAULT_MEMORY;
}

enum sl_status sl_dump_parse(const char *name, const char *data, size_t size,
                             const struct sl_dump_opts *opts, struct sl_snapshot **ret_snapshot,
                             struct sl_error *err)
{
    struct dump_input *input = input_new(-1, data, size, max_bytes_of(opts));
    return read_input(name, input, max_memory_of(opts), ret_snapshot, err);
}

enum sl_status sl_dump_read(const char *path, const struct sl_dump_opts *opts,
                            struct sl_snapshot **ret_snapshot, struct sl_error *err)
{
    const bool standard = strcmp(path, "-") == 0;
    SL_AUTO_FD int fd = standard ? -1 : open(path, O_RDONLY | O_CLOEXEC);

    if (!standard && fd < 0)
        return sl_fail_errno(err, "cannot open '%s'", path);
    struct dump_input *input = input_new(standard ? STDIN_FILENO : fd, NULL, 0, max_bytes_of(opts));
    return read_input(standard ? "standard input" : path, input, max_memory_of(opts), ret_snapshot,
                      err);
}
