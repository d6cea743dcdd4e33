/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/snapshot/target/maps.h"

#include <string.h>

#include "base/fail.h"
#include "base/grow.h"
#include "base/search.h"
#include "harness/snapshot/target/digits.h"

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
    mapping.executable = at[2] == 'x';
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
    *ret_maps = SL_TAKE(maps);
    return SL_OK;
}

void sl_maps_free(struct sl_maps *maps)
{
    if (!maps)
        return;
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
