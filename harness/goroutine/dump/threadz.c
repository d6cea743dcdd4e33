/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/goroutine/dump/threadz.h"

#include "base/grow.h"
#include "base/search.h"
#include "harness/goroutine/dump/scan.h"

/* A mapping of code. */
struct mapping {
    uint64_t start, end, offset;
    const char *path; /* NULL: of no file */
};

struct mappings {
    struct mapping *mappings; /* ascending, as the kernel lists them */
    size_t n, capacity;
};

static const char unsure[] = "the format does not tell whether a stack is all";

static struct dump_scan scan_of(const struct dump_line *line)
{
    return (struct dump_scan){line->text, line->text + line->size};
}

bool threadz_begins(const struct dump_line *line)
{
    struct dump_scan scan = scan_of(line);
    uint64_t number;

    return scan_text(&scan, "--- threadz ") && scan_number(&scan, 10, &number) &&
           scan_text(&scan, " ---") && scan_ended(&scan);
}

/* "--- Thread 68fd (name: worker/812) stack: ---" */
static bool read_heading(struct dump_builder *builder, const struct dump_line *line,
                         struct dump_record *ret_record)
{
    static const char tail[] = ") stack: ---";
    struct dump_scan scan = scan_of(line);
    uint64_t handle;

    if (!scan_text(&scan, "--- Thread ") || !scan_number(&scan, 16, &handle) ||
        !scan_text(&scan, " (name: ") || (size_t) (scan.end - scan.at) < sizeof tail - 1 ||
        memcmp(scan.end - (sizeof tail - 1), tail, sizeof tail - 1) != 0)
        return false;
    scan.end -= sizeof tail - 1;
    *ret_record = (struct dump_record){.count = 1};
    const char *slash = memrchr(scan.at, '/', (size_t) (scan.end - scan.at));
    struct dump_scan id = {slash ? slash + 1 : scan.end, scan.end};
    if (!scan_number(&id, 10, &ret_record->id) || !scan_ended(&id)) {
        ret_record->id = 0;
        slash = scan.end;
    }
    ret_record->name = builder_text(builder, scan.at, (size_t) (slash - scan.at));
    return true;
}

/* Every hexadecimal number of a line is an address, whatever stands between them. */
static bool read_addresses(struct dump_builder *builder, const struct dump_line *line)
{
    struct dump_scan scan = scan_of(line);
    struct sl_frame frame = {0};
    bool any = false;

    while (!scan_ended(&scan)) {
        if (!scan_address(&scan, &frame.address)) {
            scan.at++;
            continue;
        }
        builder_frame(builder, &frame);
        any = true;
    }
    return any;
}

static bool is_creator(const struct dump_line *line, struct sl_frame *ret_frame)
{
    struct dump_scan scan = scan_of(line);

    (void) scan_blanks(&scan);
    if (!scan_text(&scan, "creator: ") || !scan_address(&scan, &ret_frame->address))
        return false;
    return true;
}

/* The lines of one thread.  @param last  stack of the thread before it */
static void read_thread(struct dump_builder *builder, struct dump_input *input,
                        struct dump_record *record, const struct sl_stack *last)
{
    const struct dump_line *line;

    builder->n_frames = 0;
    for (; (line = input_line(input)) && line->size && *line->text != '-'; input_advance(input)) {
        struct sl_frame creator = {0};
        if (memmem(line->text, line->size, "[same as previous thread]", 25))
            record->stack = last;
        else if (is_creator(line, &creator))
            record->created_by = builder_created_by(builder, &creator);
        else if (*line->text != '#' && !read_addresses(builder, line))
            builder_skip(builder, input_number(input), "no address of a thread");
    }
    if (builder->n_frames)
        record->stack = builder_stack(builder, unsure);
    if (!record->stack)
        record->reason = "the dump shows no frame of it";
}

/* "557a65cc8000-557a65d98000 r-xp 0001a000 fe:00 5334482    /usr/bin/x" */
static void
read_mapping(struct dump_builder *builder, const struct dump_line *line, struct mappings *mappings)
{
    struct dump_scan scan = scan_of(line);
    struct mapping mapping = {0};
    uint64_t major, minor, inode;

    (void) scan_blanks(&scan);
    if (!scan_number(&scan, 16, &mapping.start) || !scan_text(&scan, "-") ||
        !scan_number(&scan, 16, &mapping.end) || !scan_text(&scan, " ") || scan.end - scan.at < 5 ||
        scan.at[2] != 'x')
        return;
    scan.at += 4;
    if (!scan_blanks(&scan) || !scan_number(&scan, 16, &mapping.offset) || !scan_blanks(&scan) ||
        !scan_number(&scan, 16, &major) || !scan_text(&scan, ":") ||
        !scan_number(&scan, 16, &minor) || !scan_blanks(&scan) || !scan_number(&scan, 10, &inode))
        return;
    (void) scan_blanks(&scan);
    if (!scan_ended(&scan))
        mapping.path = builder_text(builder, scan.at, (size_t) (scan.end - scan.at));
    if (mappings->n && mappings->mappings[mappings->n - 1].end > mapping.start)
        return; /* not in their order */
    if (!sl_grow(&mappings->mappings, &mappings->capacity, mappings->n + 1))
        builder->out_of_memory = true;
    else
        mappings->mappings[mappings->n++] = mapping;
}

/* Which file an address belongs to, and where in it: where it was loaded differs from run to run.
 */
static void place_frame(const struct mappings *mappings, struct sl_frame *frame)
{
    size_t at = SL_PARTITION_POINT(mappings->n, i, mappings->mappings[i].end <= frame->address);
    const struct mapping *mapping = at < mappings->n ? &mappings->mappings[at] : NULL;

    frame->offset = frame->address;
    if (!mapping || frame->address < mapping->start)
        return;
    frame->module = mapping->path;
    frame->region = mapping->path ? 0 : (uint32_t) at + 1;
    frame->offset = frame->address - mapping->start + mapping->offset;
}

/* The stacks are known by their addresses; the map comes behind them. */
static void place_stacks(struct dump_builder *builder, const struct mappings *mappings)
{
    const struct intern_table *stacks = &builder->intern.stacks;

    for (size_t s = 0; s < stacks->capacity; s++) {
        const struct sl_stack *stack = stacks->slots[s].item;
        for (size_t i = 0; stack && i < stack->n_frames; i++)
            place_frame(mappings, (struct sl_frame *) &stack->frames[i]);
    }
}

void threadz_read(struct dump_builder *builder, struct dump_input *input)
{
    struct mappings mappings = {0};
    const struct sl_stack *last = NULL;
    const struct dump_line *line;
    struct dump_record record;
    bool in_map = false;

    input_advance(input);
    while ((line = input_line(input))) {
        const uint64_t number = input_number(input);
        struct dump_scan scan = scan_of(line);
        if (!in_map && read_heading(builder, line, &record)) {
            input_advance(input);
            read_thread(builder, input, &record, last);
            last = record.stack;
            if (builder_add(builder, number, &record) == DUMP_KNOWN)
                builder_skip(builder, number, "a thread that was there before");
            continue;
        }
        if (in_map)
            read_mapping(builder, line, &mappings);
        else if (line->size && *line->text != '#' && !scan_text(&scan, "--- Memory map: ---"))
            builder_skip(builder, number, "not of a thread");
        in_map |= scan.at != line->text;
        input_advance(input);
    }
    place_stacks(builder, &mappings);
    free(mappings.mappings);
}
