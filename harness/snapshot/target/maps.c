/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/snapshot/target/maps.h"

#include <string.h>

#include "base/fail.h"
#include "base/grow.h"
#include "base/search.h"
#include "harness/snapshot/target/digits.h"

#define MAX_CANDIDATES 64 /* mappings of one file that are looked at for some bytes of it */

static const char deleted_mark[] = " (deleted)";

/* A number that ends at `stop`; *at moves behind the stop. */
static bool read_hex(const char **at, char stop, uint64_t *ret_value)
{
    return sl_digits_hex(at, ret_value) && *(*at)++ == stop;
}

static bool read_decimal(const char **at, char stop, uint64_t *ret_value)
{
    return sl_digits_decimal(at, ret_value) && *(*at)++ == stop;
}

/* "start-end rwxp offset major:minor inode   path" without its newline. */
static bool parse_line(char *line, struct sl_mapping *ret_mapping)
{
    struct sl_mapping mapping = {0};
    uint64_t major, minor;
    const char *at = line;

    if (!read_hex(&at, '-', &mapping.start) || !read_hex(&at, ' ', &mapping.end))
        return false;
    if (strnlen(at, 5) < 5 || at[4] != ' ' || mapping.end <= mapping.start)
        return false;
    mapping.readable = at[0] == 'r';
    mapping.writable = at[1] == 'w';
    mapping.executable = at[2] == 'x';
    mapping.shared = at[3] == 's';
    at += 5;
    if (!read_hex(&at, ' ', &mapping.offset) || !read_hex(&at, ':', &major) ||
        !read_hex(&at, ' ', &minor) || !read_decimal(&at, ' ', &mapping.inode))
        return false;
    mapping.major = (uint32_t) major;
    mapping.minor = (uint32_t) minor;

    at += strspn(at, " ");
    line += at - line;
    size_t length = strlen(line), mark = sizeof deleted_mark - 1;
    if (length > mark && mapping.inode && strcmp(line + length - mark, deleted_mark) == 0) {
        line[length - mark] = '\0';
        mapping.deleted = true;
    }
    mapping.path = length ? line : NULL;
    *ret_mapping = mapping;
    return true;
}

static bool has_file(const struct sl_mapping *mapping)
{
    return mapping->path && (mapping->inode || strcmp(mapping->path, "[vdso]") == 0);
}

bool sl_mapping_same_file(const struct sl_mapping *a, const struct sl_mapping *b)
{
    return a->inode == b->inode && a->major == b->major && a->minor == b->minor && has_file(a) &&
           has_file(b) && strcmp(a->path, b->path) == 0;
}

#define ORDER(a, b) (((a) > (b)) - ((a) < (b)))

static int compare_files(const struct sl_mapping *a, const struct sl_mapping *b)
{
    int order = ORDER(a->inode, b->inode);
    if (!order)
        order = ORDER(a->major, b->major);
    return order ? order : ORDER(a->minor, b->minor);
}

static int compare_offsets(const void *left, const void *right)
{
    const struct sl_mapping *a = *(const struct sl_mapping *const *) left;
    const struct sl_mapping *b = *(const struct sl_mapping *const *) right;
    int order = compare_files(a, b);
    if (!order)
        order = ORDER(a->offset, b->offset);
    return order ? order : ORDER(a->start, b->start);
}

/* @return false when memory is short */
static bool index_files(struct sl_maps *maps)
{
    uint32_t region = 1;

    maps->files = calloc(maps->n_mappings + 1, sizeof(const struct sl_mapping *));
    if (!maps->files)
        return false;
    for (size_t i = 0; i < maps->n_mappings; i++) {
        struct sl_mapping *mapping = &maps->mappings[i];
        mapping->region = region;
        region += mapping->executable && !mapping->inode;
        if (has_file(mapping))
            maps->files[maps->n_files++] = mapping;
    }
    qsort(maps->files, maps->n_files, sizeof(const struct sl_mapping *), compare_offsets);
    return true;
}

enum sl_status sl_maps_parse(char *text, struct sl_maps **ret_maps, struct sl_error *err)
{
    SL_AUTO(sl_maps) struct sl_maps *maps = calloc(1, sizeof *maps);
    size_t capacity = 0;
    unsigned number = 0;

    if (!maps) {
        free(text);
        return sl_fail(err, SL_ENOMEM, "out of memory for memory map");
    }
    maps->text = text;
    for (char *line = text, *next; *line; line = next) {
        next = strchr(line, '\n');
        number++;
        if (!next)
            return sl_fail_parse(err, number, 0, "memory map ends inside a line");
        *next++ = '\0';
        if (!sl_grow(&maps->mappings, &capacity, maps->n_mappings + 1))
            return sl_fail(err, SL_ENOMEM, "out of memory for memory map of %u lines", number);
        struct sl_mapping *mapping = &maps->mappings[maps->n_mappings];
        if (!parse_line(line, mapping))
            return sl_fail_parse(err, number, 0, "memory map has an unknown form");
        /* The kernel writes page by page: a map that changes meanwhile may repeat or overlap. */
        if (maps->n_mappings && mapping->start < mapping[-1].end)
            continue;
        maps->n_mappings++;
    }
    if (!index_files(maps))
        return sl_fail(err, SL_ENOMEM, "out of memory for memory map of %u lines", number);
    *ret_maps = SL_TAKE(maps);
    return SL_OK;
}

void sl_maps_free(struct sl_maps *maps)
{
    if (!maps)
        return;
    free(maps->files);
    free(maps->mappings);
    free(maps->text);
    free(maps);
}

const struct sl_mapping *sl_maps_find(const struct sl_maps *maps, uint64_t address)
{
    size_t at = SL_PARTITION_POINT(maps->n_mappings, i, maps->mappings[i].end <= address);
    if (at < maps->n_mappings && maps->mappings[at].start <= address)
        return &maps->mappings[at];
    return NULL;
}

static bool holds(const struct sl_mapping *mapping, uint64_t offset, size_t size)
{
    uint64_t length = mapping->end - mapping->start;
    return offset >= mapping->offset && offset - mapping->offset < length &&
           size <= length - (offset - mapping->offset);
}

const struct sl_mapping *sl_maps_find_bytes(const struct sl_maps *maps,
                                            const struct sl_mapping *mapping, uint64_t offset,
                                            size_t size)
{
    struct sl_mapping key = *mapping;
    const struct sl_mapping *at = &key, *found = NULL;
    size_t distance = SIZE_MAX;

    key.offset = offset;
    key.start = UINT64_MAX;
    size_t end = SL_PARTITION_POINT(maps->n_files, i, compare_offsets(&maps->files[i], &at) < 0);
    for (size_t i = end; i > 0 && end - i < MAX_CANDIDATES; i--) {
        const struct sl_mapping *one = maps->files[i - 1];
        size_t away = one > mapping ? (size_t) (one - mapping) : (size_t) (mapping - one);
        if (compare_files(one, mapping) != 0)
            break;
        if (away < distance && holds(one, offset, size) && sl_mapping_same_file(one, mapping)) {
            found = one;
            distance = away;
        }
    }
    return found;
}
