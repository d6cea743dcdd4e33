/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/goroutine/dump/profile.h"

#include <stdio.h>

#include "harness/goroutine/dump/labels.h"
#include "harness/goroutine/dump/scan.h"

#define MAX_ADDRESSES 2048 /* of one record; Go keeps 128, and 1024 when it is asked */

/* A record while it is read. */
struct record {
    uint64_t line; /* at which it begins */
    uint64_t count;
    uint64_t addresses[MAX_ADDRESSES];
    size_t n_addresses;
    size_t named; /* addresses up to here have frames */
    const char *labels;
    bool damaged;
};

static struct dump_scan scan_of(const struct dump_line *line)
{
    return (struct dump_scan){line->text, line->text + line->size};
}

/* "NAME profile: " */
static bool scan_name(struct dump_scan *scan, struct dump_line *ret_name)
{
    static const char profile[] = " profile: ";
    const char *space = memchr(scan->at, ' ', (size_t) (scan->end - scan->at));

    if (!space || space == scan->at)
        return false;
    *ret_name = (struct dump_line){scan->at, (size_t) (space - scan->at)};
    scan->at = space;
    return scan_text(scan, profile);
}

static bool is_name(const struct dump_line *name, const char *text)
{
    return name->size == strlen(text) && memcmp(name->text, text, name->size) == 0;
}

bool profile_begins(const struct dump_line *line, struct dump_profile *ret_profile)
{
    struct dump_scan scan = scan_of(line);
    struct dump_line name;

    return scan_name(&scan, &name) &&
           (is_name(&name, "goroutine") || is_name(&name, "goroutineleak")) &&
           scan_text(&scan, "total ") && scan_number(&scan, 10, &ret_profile->total) &&
           scan_ended(&scan);
}

bool profile_is_other(const struct dump_line *line)
{
    struct dump_scan scan = scan_of(line);
    struct dump_profile profile;
    struct dump_line name;

    return (scan_name(&scan, &name) && !profile_begins(line, &profile)) ||
           (scan_text(&scan, "--- ") && scan.end[-1] == ':');
}

static bool scan_count(struct dump_scan *scan, uint64_t *ret_count)
{
    return scan_number(scan, 10, ret_count) && scan_text(scan, " @");
}

bool profile_has_record(const struct dump_line *line)
{
    struct dump_scan scan = scan_of(line);
    uint64_t count;

    return line->size && scan_count(&scan, &count);
}

static void read_addresses(struct record *record, struct dump_scan *scan)
{
    for (uint64_t address; scan_blanks(scan) && scan_address(scan, &address);) {
        if (record->n_addresses == MAX_ADDRESSES)
            break;
        record->addresses[record->n_addresses++] = address;
    }
    record->damaged = !scan_ended(scan);
}

static bool is_address_of(uint64_t address, uint64_t pc)
{
    return address == pc + 1 || address == pc; /* of a call; of the innermost, or at a signal */
}

/*
 * Which address of the record a frame has: a call returns behind its own.  Where the next
 * address is not of the same place as the frame before, that one was inlined into this.
 */
static void place_frame(struct dump_builder *builder, struct record *record, uint64_t pc,
                        struct sl_frame *frame)
{
    struct sl_frame *before = builder->n_frames ? &builder->frames[builder->n_frames - 1] : NULL;
    const size_t next = record->named;

    if (before && is_address_of(before->address, pc) &&
        (next == record->n_addresses || record->addresses[next] != before->address)) {
        before->inlined = true;
        frame->address = before->address;
        return;
    }
    for (size_t i = next; i < record->n_addresses; i++)
        if (is_address_of(record->addresses[i], pc)) {
            record->named = i + 1;
            frame->address = record->addresses[i];
            return;
        }
    frame->address = pc;
}

/* "#", an address, and a function and a place where they are known. */
static bool
read_frame(struct dump_builder *builder, struct record *record, const struct dump_line *line)
{
    static const char plus[] = "+0x";
    struct dump_scan scan = scan_of(line);
    struct sl_frame frame = {0};
    uint64_t pc;

    if (!scan_text(&scan, "#") || !scan_blanks(&scan) || !scan_address(&scan, &pc))
        return false;
    if (scan_blanks(&scan)) {
        const char *function = scan.at, *end = function, *offset = NULL;
        while (end < scan.end && *end != '\t' && *end != ' ')
            end++;
        for (const char *at = end; at-- > function && !offset;)
            if (*at == '+')
                offset = at;
        if (!offset || (size_t) (end - offset) < sizeof plus ||
            memcmp(offset, plus, sizeof plus - 1) != 0)
            return false;
        scan.at = end;
        (void) scan_blanks(&scan);
        if (!builder_place(builder, scan.at, (size_t) (scan.end - scan.at), &frame))
            return false;
        frame.function = builder_function(builder, function, (size_t) (offset - function));
    } else if (!scan_ended(&scan)) {
        return false;
    }
    place_frame(builder, record, pc, &frame);
    builder_frame(builder, &frame);
    return true;
}

/* Lines with a '#': labels, then frames. */
static void
read_lines(struct dump_builder *builder, struct dump_input *input, struct record *record)
{
    const struct dump_line *line;

    for (; (line = input_line(input)) && line->size && *line->text == '#'; input_advance(input)) {
        struct dump_scan scan = scan_of(line);
        bool good;
        if (scan_text(&scan, "# labels: ")) {
            record->labels = labels_read(builder, &scan);
            good = record->labels && scan_ended(&scan);
        } else {
            good = read_frame(builder, record, line);
        }
        if (!good && !record->damaged)
            builder_skip(builder, input_number(input), "not a frame of a profile");
        record->damaged |= !good;
    }
}

/* Why the frames are not all; NULL when they are.  One address is never named, that of the end. */
static const char *find_reason(struct dump_builder *builder, const struct record *record)
{
    char text[80];

    if (record->damaged)
        return "a part of its record cannot be read";
    if (record->named + 1 == record->n_addresses)
        return NULL;
    int size = record->named < record->n_addresses
                   ? snprintf(text, sizeof text, "the profile names only %zu of its %zu addresses",
                              record->named, record->n_addresses)
                   : snprintf(text, sizeof text, "the profile has only its %zu inner addresses",
                              record->n_addresses);
    return builder_text(builder, text, (size_t) size);
}

void profile_read_record(struct dump_builder *builder, struct dump_input *input)
{
    struct record record;
    struct dump_scan scan = scan_of(input_line(input));

    record.line = input_number(input);
    record.n_addresses = record.named = 0;
    record.labels = NULL;
    if (!scan_count(&scan, &record.count) || !record.count || record.count > UINT32_MAX) {
        builder_skip(builder, record.line, "a record of no or of too many goroutines");
        input_advance(input);
        return;
    }
    read_addresses(&record, &scan);
    if (record.damaged)
        builder_skip(builder, record.line, "more in a record than addresses");
    input_advance(input);
    builder->n_frames = 0;
    read_lines(builder, input, &record);

    const struct sl_goroutine goroutine = {.labels = record.labels};
    struct dump_record made = {.count = (uint32_t) record.count,
                               .goroutine = builder_goroutine(builder, &goroutine)};
    made.stack = builder_stack(builder, find_reason(builder, &record));
    if (!made.stack)
        made.reason = "the profile shows no frame of it";
    (void) builder_add(builder, record.line, &made);
}
