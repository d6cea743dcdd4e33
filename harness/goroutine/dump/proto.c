/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/goroutine/dump/proto.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "base/search.h"
#include "harness/goroutine/dump/labels.h"
#include "harness/goroutine/dump/wire.h"

/* The fields that are read, by their numbers in the messages. */
enum {
    PROFILE_SAMPLE_TYPE = 1,
    PROFILE_SAMPLE,
    PROFILE_LOCATION = 4,
    PROFILE_FUNCTION,
    PROFILE_STRING
};
enum { TYPE_TYPE = 1 };
enum { SAMPLE_LOCATION = 1, SAMPLE_VALUE, SAMPLE_LABEL };
enum { LABEL_KEY = 1, LABEL_TEXT, LABEL_NUMBER };
enum { LOCATION_ID = 1, LOCATION_ADDRESS = 3, LOCATION_LINE };
enum { LINE_FUNCTION = 1, LINE_LINE };
enum { FUNCTION_ID = 1, FUNCTION_NAME, FUNCTION_FILE = 4 };

#define SURE_DEPTH 31 /* frames; with their end no more than the 32 addresses at which Go stops */
/* How much is read again for what refers to it, so that no profile takes for ever. */
#define BYTES_PER_BYTE 256
#define MOST_BYTES     ((uint64_t) 512 << 20)
#define MAX_NAME       4096 /* of a function or a file */

/* A message that others name by its id. */
struct entry {
    uint64_t id;
    struct dump_wire bytes;
};

struct entries {
    struct entry *entries; /* ascending id; of strings in their order */
    size_t n;
};

struct proto {
    struct dump_builder *builder;
    struct dump_wire whole;
    struct entries strings, locations, functions;
    uint64_t n_samples;  /* so far */
    uint64_t bytes_left; /* that may still be read again */
};

static int compare_entries(const void *left, const void *right)
{
    const struct entry *a = left, *b = right;
    return (a->id > b->id) - (a->id < b->id);
}

static const struct entry *find_entry(const struct entries *entries, uint64_t id)
{
    size_t at = SL_PARTITION_POINT(entries->n, i, entries->entries[i].id < id);
    return at < entries->n && entries->entries[at].id == id ? &entries->entries[at] : NULL;
}

static uint64_t read_id(struct dump_wire bytes)
{
    struct dump_field field;

    while (wire_next(&bytes, &field))
        if (field.tag == LOCATION_ID) /* and FUNCTION_ID */
            return field.number;
    return 0;
}

/* All fields with this tag, by id, or in their order.  @return false when memory is short */
static bool collect(struct proto *proto, uint32_t tag, bool by_id, struct entries *ret_entries)
{
    struct dump_wire wire = proto->whole;
    struct entries found = {0};
    struct dump_field field;
    size_t n = 0;

    while (wire_next(&wire, &field))
        n += field.tag == tag && !field.is_number;
    found.entries = sl_arena_array(proto->builder->scratch, n, sizeof *found.entries);
    if (!found.entries)
        return false;
    wire = proto->whole;
    while (wire_next(&wire, &field)) {
        if (field.tag != tag || field.is_number)
            continue;
        found.entries[found.n] =
            (struct entry){by_id ? read_id(field.bytes) : found.n, field.bytes};
        found.n++;
    }
    if (by_id)
        qsort(found.entries, found.n, sizeof *found.entries, compare_entries);
    *ret_entries = found;
    return true;
}

/* Something is read once more.  @return false when that was too often */
static bool charge(struct proto *proto, size_t size)
{
    bool good = size < proto->bytes_left;

    proto->bytes_left = good ? proto->bytes_left - size : 0;
    return good;
}

static struct dump_line string_of(struct proto *proto, uint64_t index)
{
    const struct entry *entry = index < proto->strings.n ? &proto->strings.entries[index] : NULL;

    if (!entry || !charge(proto, wire_size(&entry->bytes)))
        return (struct dump_line){"", 0};
    return (struct dump_line){(const char *) entry->bytes.at, wire_size(&entry->bytes)};
}

/* What the samples count. */
static struct dump_line read_type(struct proto *proto)
{
    struct dump_wire wire = proto->whole;
    struct dump_field field;

    while (wire_next(&wire, &field)) {
        if (field.tag != PROFILE_SAMPLE_TYPE)
            continue;
        for (struct dump_wire type = field.bytes; wire_next(&type, &field);)
            if (field.tag == TYPE_TYPE)
                return string_of(proto, field.number);
        break;
    }
    return (struct dump_line){"", 0};
}

static bool read_function(struct proto *proto, uint64_t id, struct sl_frame *frame)
{
    const struct entry *function = find_entry(&proto->functions, id);
    struct dump_field field;

    if (!function || !charge(proto, wire_size(&function->bytes)))
        return false;
    for (struct dump_wire wire = function->bytes; wire_next(&wire, &field);) {
        struct dump_line text = string_of(proto, field.number);
        if (text.size > MAX_NAME)
            return false;
        if (field.tag == FUNCTION_NAME && text.size)
            frame->function = builder_function(proto->builder, text.text, text.size);
        if (field.tag == FUNCTION_FILE && text.size)
            frame->file = builder_text(proto->builder, text.text, text.size);
    }
    return true;
}

static bool read_line(struct proto *proto, struct dump_wire wire, struct sl_frame *frame)
{
    struct dump_field field;
    bool good = true;

    while (wire_next(&wire, &field)) {
        if (field.tag == LINE_FUNCTION)
            good &= read_function(proto, field.number, frame);
        if (field.tag == LINE_LINE && field.number <= UINT32_MAX)
            frame->line = (uint32_t) field.number;
    }
    return good && wire_ended(&wire);
}

/* The frames of one place: those that were inlined there, and then the one that has them. */
static bool read_location(struct proto *proto, uint64_t id)
{
    const struct entry *location = find_entry(&proto->locations, id);
    struct sl_frame frame = {0}, next;
    struct dump_field field;
    bool any = false, good = true;
    struct dump_wire wire = location ? location->bytes : (struct dump_wire){0};

    if (!location || !charge(proto, wire_size(&wire)))
        return false;
    while (wire_next(&wire, &field)) /* Go tells the call, and we where it returns */
        if (field.tag == LOCATION_ADDRESS)
            frame.address = field.number + 1;
    for (wire = location->bytes; wire_next(&wire, &field);) {
        if (field.tag != LOCATION_LINE)
            continue;
        next = (struct sl_frame){.address = frame.address};
        good &= read_line(proto, field.bytes, &next);
        if (any) {
            frame.inlined = true;
            builder_frame(proto->builder, &frame);
        }
        frame = next;
        any = true;
    }
    builder_frame(proto->builder, &frame);
    return good;
}

/* A text as Go quotes it, so that labels are those of every other form. */
static bool
quote(struct proto *proto, struct dump_line text, const char **ret_text, size_t *ret_size)
{
    char *quoted = sl_arena_alloc(proto->builder->scratch, 4 * text.size + 3), *to = quoted;

    if (!quoted) {
        proto->builder->out_of_memory = true;
        return false;
    }
    *to++ = '"';
    for (size_t i = 0; i < text.size; i++) {
        unsigned char c = (unsigned char) text.text[i];
        if (c == '"' || c == '\\')
            *to++ = '\\';
        if (c == '\n')
            to = stpcpy(to, "\\n");
        else if (c == '\t')
            to = stpcpy(to, "\\t");
        else if (c < ' ' || c == 0x7f)
            to += snprintf(to, 5, "\\x%02x", c);
        else
            *to++ = (char) c;
    }
    *to++ = '"';
    *ret_text = quoted;
    *ret_size = (size_t) (to - quoted);
    return true;
}

static bool read_label(struct proto *proto, struct dump_wire wire, struct dump_label *ret_label)
{
    struct dump_line key = {"", 0}, value = {"", 0};
    struct dump_field field;
    char number[24];

    while (wire_next(&wire, &field)) {
        if (field.tag == LABEL_KEY)
            key = string_of(proto, field.number);
        if (field.tag == LABEL_TEXT)
            value = string_of(proto, field.number);
        if (field.tag == LABEL_NUMBER) {
            int size = snprintf(number, sizeof number, "%" PRId64, (int64_t) field.number);
            value = (struct dump_line){number, (size_t) size};
        }
    }
    return quote(proto, key, &ret_label->key, &ret_label->key_size) &&
           quote(proto, value, &ret_label->value, &ret_label->value_size);
}

/* Frames, a count and labels.  What is wrong with it is counted once. */
static void read_sample(struct proto *proto, struct dump_wire wire)
{
    static const char unsure[] = "a profile of this form does not tell whether more than 31 "
                                 "frames are all";
    struct dump_label labels[DUMP_MAX_LABELS];
    struct sl_goroutine goroutine = {0};
    struct dump_record record = {0};
    struct dump_field field;
    uint64_t number, count = 0;
    size_t n_values = 0, n_labels = 0;
    bool good = true;

    proto->n_samples++;
    proto->builder->n_frames = 0;
    while (wire_next(&wire, &field)) {
        if (field.tag == SAMPLE_LABEL && n_labels < DUMP_MAX_LABELS) {
            good &= read_label(proto, field.bytes, &labels[n_labels]);
            n_labels += good;
        }
        while (field.tag == SAMPLE_LOCATION && good && wire_number(&field, &number))
            good = read_location(proto, number);
        while (field.tag == SAMPLE_VALUE && wire_number(&field, &number))
            if (n_values++ == 0)
                count = number;
    }
    good &= wire_ended(&wire) && count && count <= UINT32_MAX;
    if (!good)
        builder_skip(proto->builder, proto->n_samples, "a sample that cannot be read");
    if (!count || count > UINT32_MAX)
        return;
    record.count = (uint32_t) count;
    if (n_labels)
        goroutine.labels = labels_join(proto->builder, labels, n_labels);
    record.goroutine = builder_goroutine(proto->builder, &goroutine);
    record.stack = builder_stack(proto->builder, !good ? "a part of it cannot be read"
                                                 : proto->builder->n_frames > SURE_DEPTH ? unsure
                                                                                         : NULL);
    if (!record.stack)
        record.reason = "the profile shows no frame of it";
    (void) builder_add(proto->builder, proto->n_samples, &record);
}

enum sl_status
proto_read(struct dump_builder *builder, const char *data, size_t size, struct sl_error *err)
{
    const unsigned char *bytes = (const unsigned char *) data;
    struct proto proto = {.builder = builder,
                          .whole = {bytes, bytes + size},
                          .bytes_left = SL_MIN(BYTES_PER_BYTE * (uint64_t) size, MOST_BYTES)};
    struct dump_field field;

    if (!collect(&proto, PROFILE_STRING, false, &proto.strings) ||
        !collect(&proto, PROFILE_LOCATION, true, &proto.locations) ||
        !collect(&proto, PROFILE_FUNCTION, true, &proto.functions)) {
        builder->out_of_memory = true;
        return builder_status(builder, err);
    }
    struct dump_line type = read_type(&proto);
    if ((type.size != strlen("goroutine") && type.size != strlen("goroutineleak")) ||
        memcmp(type.text, "goroutineleak", type.size) != 0)
        return sl_fail(err, SL_EPARSE,
                       type.size ? "it is a profile of '%.*s', not of goroutines"
                                 : "no goroutines are in it%.*s",
                       (int) SL_MIN(type.size, (size_t) 40), type.text);
    struct dump_wire wire = proto.whole;
    while (wire_next(&wire, &field))
        if (field.tag == PROFILE_SAMPLE)
            read_sample(&proto, field.bytes);
    if (!wire_ended(&wire))
        builder_skip(builder, proto.n_samples, "the profile ends before its end");
    return SL_OK;
}
