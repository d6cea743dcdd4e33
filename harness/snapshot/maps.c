/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/snapshot/maps.h"

#include <string.h>

#include "base/fail.h"
#include "base/grow.h"

static const char deleted_mark[] = " (deleted)";

/* A number of the given base that ends at `stop`; *at moves behind the stop. */
static bool read_number(char **at, unsigned base, char stop, uint64_t *ret_value)
{
    char *start = *at;
    uint64_t value = 0;
    for (;; (*at)++) {
        unsigned digit;
        if (**at >= '0' && **at <= '9')
            digit = (unsigned) (**at - '0');
        else if (base == 16 && **at >= 'a' && **at <= 'f')
            digit = (unsigned) (**at - 'a') + 10;
        else
            break;
        value = value * base + digit;
    }
    if (*at == start || **at != stop)
        return false;
    (*at)++;
    *ret_value = value;
    return true;
}

/* "start-end rwxp offset major:minor inode   path" without its newline. */
static bool parse_line(char *line, struct sl_mapping *ret_mapping)
{
    struct sl_mapping mapping = {0};
    uint64_t major, minor;

    if (!read_number(&line, 16, '-', &mapping.start) || !read_number(&line, 16, ' ', &mapping.end))
        return false;
    if (strnlen(line, 5) < 5 || line[4] != ' ' || mapping.end <= mapping.start)
        return false;
    mapping.readable = line[0] == 'r';
    mapping.executable = line[2] == 'x';
    line += 5;
    if (!read_number(&line, 16, ' ', &mapping.offset) || !read_number(&line, 16, ':', &major) ||
        !read_number(&line, 16, ' ', &minor) || !read_number(&line, 10, ' ', &mapping.inode))
        return false;
    mapping.major = (uint32_t) major;
    mapping.minor = (uint32_t) minor;

    line += strspn(line, " ");
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
        return sl_fail(err, SL_ENOMEM, "memory map");
    }
    maps->text = text;
    for (char *line = text, *next; *line; line = next) {
        next = strchr(line, '\n');
        number++;
        if (!next)
            return sl_fail_parse(err, number, 0, "memory map ends inside a line");
        *next++ = '\0';
        if (!sl_grow(&maps->mappings, &capacity, maps->n_mappings + 1))
            return sl_fail(err, SL_ENOMEM, "memory map of %u lines", number);
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
    size_t low = 0, high = maps->n_mappings;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (maps->mappings[middle].end <= address)
            low = middle + 1;
        else
            high = middle;
    }
    if (low < maps->n_mappings && maps->mappings[low].start <= address)
        return &maps->mappings[low];
    return NULL;
}
