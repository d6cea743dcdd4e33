/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/goroutine/dump/traceback.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/grow.h"
#include "harness/goroutine/dump/heading.h"
#include "harness/goroutine/dump/scan.h"
#include "harness/goroutine/state.h"

#define OLD_DEPTH_LOW  90 /* frames, of which a few that are hidden make a hundred */
#define OLD_DEPTH_HIGH 100

/* A goroutine while it is read. */
struct reading {
    struct dump_builder *builder;
    struct dump_input *input;
    struct dump_record *record;
    struct sl_goroutine *goroutine;
    size_t indent;
    const char *damage; /* why the stack that is being read is not complete */
    struct sl_ancestor *ancestors;
    size_t n_ancestors, capacity; /* the last is being read */
};

/* The line without the blanks that the whole goroutine has before it.  @return false at the end */
static bool look(struct reading *reading, struct dump_scan *ret_scan)
{
    const struct dump_line *line = input_line(reading->input);

    if (!line)
        return false;
    *ret_scan = (struct dump_scan){line->text, line->text + line->size};
    for (size_t i = 0; i < reading->indent; i++)
        if (!scan_ended(ret_scan) && (*ret_scan->at == ' ' || *ret_scan->at == '\t'))
            ret_scan->at++;
    return true;
}

static bool ends_in(const struct dump_scan *scan, const char *text)
{
    size_t size = strlen(text);

    return (size_t) (scan->end - scan->at) >= size && memcmp(scan->end - size, text, size) == 0;
}

/* "rax    0xfffffffffffffffc" */
static bool is_register(struct dump_scan scan)
{
    uint64_t value;

    while (!scan_ended(&scan) && *scan.at != ' ')
        scan.at++;
    return scan_blanks(&scan) && scan_address(&scan, &value) && scan_ended(&scan);
}

bool traceback_is_other(const struct dump_line *line)
{
    static const char *const begins[] = {
        "exit status ",   "FAIL",     "panic: ", "fatal error: ", "[signal ",
        "runtime stack:", "signal: ", "SIGQUIT", "PC=0x",         "\t/"};
    const struct dump_scan whole = {line->text, line->text + line->size};

    for (size_t i = 0; i < SL_COUNT_OF(begins); i++) {
        struct dump_scan scan = whole;
        if (scan_text(&scan, begins[i]))
            return true;
    }
    return is_register(whole);
}

/* Take " +0x1d", " pc=0x47f1c0" and the like off the end. */
static void strip_addresses(struct dump_scan *scan, struct sl_frame *frame)
{
    static const char *const marks[] = {"+", "fp=", "sp=", "pc="};

    for (const char *space; (space = memrchr(scan->at, ' ', (size_t) (scan->end - scan->at)));) {
        struct dump_scan word = {space + 1, scan->end};
        uint64_t address;
        size_t i = 0;
        while (i < SL_COUNT_OF(marks) && !scan_text(&word, marks[i]))
            i++;
        if (i == SL_COUNT_OF(marks) || !scan_address(&word, &address) || !scan_ended(&word))
            return;
        if (i == SL_COUNT_OF(marks) - 1)
            frame->address = address;
        scan->end = space;
    }
}

/* The line below a function: blanks, the place, addresses. */
static bool read_place(struct reading *reading, struct sl_frame *frame)
{
    struct dump_scan scan;

    if (!look(reading, &scan) || !scan_blanks(&scan))
        return false;
    strip_addresses(&scan, frame);
    /* Code that is not Go's may have no place: "\tpc=0x47f1c0". */
    if (!builder_place(reading->builder, scan.at, (size_t) (scan.end - scan.at), frame) &&
        !(scan_text(&scan, "pc=") && scan_address(&scan, &frame->address) && scan_ended(&scan)))
        return false;
    input_advance(reading->input);
    return true;
}

/* A function with its arguments, or code of others without, and the place below it. */
static bool read_frame(struct reading *reading, struct dump_scan scan)
{
    struct sl_frame frame = {0};
    const char *end = scan.end;

    if (ends_in(&scan, ")")) {
        /* Of ancestors it is not told. */
        frame.inlined = ends_in(&scan, "(...)") && !reading->n_ancestors;
        end = memrchr(scan.at, '(', (size_t) (scan.end - scan.at));
    }
    if (!end || end == scan.at)
        return false;
    frame.function = builder_function(reading->builder, scan.at, (size_t) (end - scan.at));
    input_advance(reading->input);
    if (!read_place(reading, &frame))
        return false;
    if (!goroutine_is_end(frame.function))
        builder_frame(reading->builder, &frame);
    return true;
}

/* "non-Go function at pc=0x47f1c0" */
static bool read_foreign(struct reading *reading, struct dump_scan scan)
{
    struct sl_frame frame = {0};

    if (!scan_text(&scan, "non-Go function at pc=") || !scan_address(&scan, &frame.address))
        return false;
    builder_frame(reading->builder, &frame);
    input_advance(reading->input);
    return true;
}

/* "...23 frames elided..." from the middle; before go1.21 "...additional frames elided..." */
static bool read_elided(struct reading *reading, struct dump_scan scan)
{
    uint64_t n;
    char text[64];

    if (!ends_in(&scan, " frames elided...") || !scan_text(&scan, "..."))
        return false;
    input_advance(reading->input);
    reading->damage = "the runtime left its outer frames out";
    if (scan_number(&scan, 10, &n)) {
        int size =
            snprintf(text, sizeof text, "the runtime left %" PRIu64 " frames out of its middle", n);
        reading->damage = builder_text(reading->builder, text, (size_t) size);
        reading->builder->tells_elided = true;
    }
    return true;
}

/* "created by main.run in goroutine 1" and its place.  Of an ancestor it is the next one. */
static bool read_created(struct reading *reading, struct dump_scan scan)
{
    static const char in_goroutine[] = " in goroutine ";
    struct sl_frame frame = {0};
    uint64_t creator = 0;

    if (!scan_text(&scan, "created by "))
        return false;
    const char *end =
        memmem(scan.at, (size_t) (scan.end - scan.at), in_goroutine, sizeof in_goroutine - 1);
    if (end) {
        struct dump_scan number = {end + sizeof in_goroutine - 1, scan.end};
        if (!scan_number(&number, 10, &creator) || !scan_ended(&number))
            return false;
        reading->builder->tells_elided = true; /* both are of go1.21 */
        scan.end = end;
    }
    frame.function = builder_function(reading->builder, scan.at, (size_t) (scan.end - scan.at));
    input_advance(reading->input);
    if (!read_place(reading, &frame))
        builder_skip(reading->builder, input_number(reading->input),
                     "not the place where a goroutine was started");
    if (!reading->n_ancestors) {
        reading->record->created_by = builder_created_by(reading->builder, &frame);
        reading->goroutine->creator = creator;
    }
    return true;
}

/* The frames so far are all of the goroutine, or of the ancestor that was begun last. */
static void close_stack(struct reading *reading)
{
    struct dump_builder *builder = reading->builder;
    const size_t n = builder->n_frames;

    if (!reading->damage && !builder->tells_elided && n >= OLD_DEPTH_LOW && n <= OLD_DEPTH_HIGH)
        reading->damage = "runtimes before go1.21 stop at 100 frames without a word";
    const struct sl_stack *stack = builder_stack(builder, reading->damage);
    if (reading->n_ancestors)
        reading->ancestors[reading->n_ancestors - 1].stack = stack;
    else
        reading->record->stack = stack;
    reading->damage = NULL;
}

/* "[originating from goroutine 7]:" */
static bool read_ancestor(struct reading *reading, struct dump_scan scan)
{
    uint64_t id;

    if (!scan_text(&scan, "[originating from goroutine ") || !scan_number(&scan, 10, &id) ||
        !scan_text(&scan, "]:"))
        return false;
    input_advance(reading->input);
    close_stack(reading);
    if (!sl_grow(&reading->ancestors, &reading->capacity, reading->n_ancestors + 1))
        reading->builder->out_of_memory = true;
    else
        reading->ancestors[reading->n_ancestors++] = (struct sl_ancestor){.id = id};
    return true;
}

static bool read_unavailable(struct reading *reading, struct dump_scan scan)
{
    (void) scan_blanks(&scan);
    if (!scan_text(&scan, "goroutine running on other thread; stack unavailable"))
        return false;
    reading->record->reason = "it ran on another thread, where the runtime could not look at it";
    input_advance(reading->input);
    return true;
}

/* What is no frame.  The line may have been passed already, where it looked like one. */
static void skip_line(struct reading *reading, uint64_t number)
{
    const struct dump_line *line = input_line(reading->input);
    bool passed = input_number(reading->input) != number;

    if (!passed && line && traceback_is_other(line)) {
        input_advance(reading->input);
        return;
    }
    builder_skip(reading->builder, number, "not a frame of a goroutine");
    reading->damage = "a part of it cannot be read";
    if (!passed)
        input_advance(reading->input);
}

/* All lines up to an empty one, or the next goroutine. */
static void read_lines(struct reading *reading)
{
    struct dump_scan scan;

    while (look(reading, &scan)) {
        const uint64_t number = input_number(reading->input);
        if (scan_ended(&scan)) {
            input_advance(reading->input);
            return;
        }
        if (heading_is(input_line(reading->input)))
            return;
        if (!read_created(reading, scan) && !read_ancestor(reading, scan) &&
            !read_elided(reading, scan) && !read_foreign(reading, scan) &&
            !read_unavailable(reading, scan) &&
            ((!ends_in(&scan, ")") && traceback_is_other(input_line(reading->input))) ||
             !read_frame(reading, scan)))
            skip_line(reading, number);
    }
    /* Each one but the first was started by somebody, which is the last that is told. */
    if (!reading->record->created_by && reading->record->id != 1 && !reading->damage)
        reading->damage = "the dump ends before it tells who started it";
}

static void keep_ancestors(struct reading *reading)
{
    struct sl_ancestor *kept =
        sl_arena_array(reading->builder->arena, reading->n_ancestors, sizeof *kept);

    if (!kept) {
        reading->builder->out_of_memory = true;
        return;
    }
    memcpy(kept, reading->ancestors, reading->n_ancestors * sizeof *kept);
    reading->goroutine->ancestors = kept;
    reading->goroutine->n_ancestors = reading->n_ancestors;
}

enum dump_added traceback_read(struct dump_builder *builder, struct dump_input *input)
{
    const uint64_t number = input_number(input);
    struct dump_record record = {.count = 1};
    struct sl_goroutine goroutine = {0};
    struct reading reading = {
        .builder = builder, .input = input, .record = &record, .goroutine = &goroutine};
    struct dump_heading heading;

    if (!heading_read(builder, input_line(input), &heading)) {
        builder_skip(builder, number, "not the first line of a goroutine");
        input_advance(input);
        return DUMP_ADDED;
    }
    record.id = heading.id;
    record.state = builder_text(builder, heading.state, heading.state_size);
    record.minutes = heading.minutes;
    goroutine.labels = heading.labels;
    goroutine.locked = heading.locked;
    goroutine.leaked = heading.leaked;
    reading.indent = heading.indent;
    builder->tells_elided |= heading.has_addresses;
    builder->n_frames = 0;
    input_advance(input);
    read_lines(&reading);
    close_stack(&reading);
    if (reading.n_ancestors)
        keep_ancestors(&reading);
    free(reading.ancestors);
    record.goroutine = builder_goroutine(builder, &goroutine);
    if (!record.stack && !record.reason)
        record.reason = "the dump shows no frame of it";
    /* The stack on which a thread's runtime schedules has the number 0, and is no goroutine. */
    return record.id ? builder_add(builder, number, &record) : DUMP_ADDED;
}
