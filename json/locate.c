/* SPDX-License-Identifier: Apache-2.0 */
#include "json/locate.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "base/macros.h"
#include "base/utf8.h"

#define SHOWN_BYTES 40 /* of a key or a word of the input */
#define SHOWN_STEPS 8  /* of a way found in the text; no scenario is deeper */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_structure(char c)
{
    return memchr("{}[],:\"", c, 7) != NULL;
}

static size_t skip_blank(const struct sl_locate_text *text, size_t at)
{
    while (at < text->size && is_blank(text->data[at]))
        at++;
    return at;
}

static char char_at(const struct sl_locate_text *text, size_t at)
{
    return at < text->size ? text->data[at] : '\0';
}

/* From the start of a token to behind it: a string, one structural character, or a word. */
static size_t skip_token(const struct sl_locate_text *text, size_t at)
{
    if (at >= text->size)
        return text->size;
    if (text->data[at] == '"') {
        for (at++; at < text->size && text->data[at] != '"'; at++) {
            if (text->data[at] == '\\')
                at++;
        }
        return SL_MIN(at + 1, text->size);
    }
    if (is_structure(text->data[at]))
        return at + 1;
    while (at < text->size && !is_blank(text->data[at]) && !is_structure(text->data[at]))
        at++;
    return at;
}

/* From the start of a value to behind it. */
static size_t skip_value(const struct sl_locate_text *text, size_t at)
{
    size_t depth = 0;
    do {
        at = skip_blank(text, at);
        char c = char_at(text, at);
        if (c == '{' || c == '[')
            depth++;
        else if ((c == '}' || c == ']') && depth > 0)
            depth--;
        at = skip_token(text, at);
    } while (depth > 0 && at < text->size);
    return at;
}

/*
 * One member of an object or element of an array after another.  `key` and
 * `value` are the offsets of the current one; an element's key is its value.
 */
struct walk {
    const struct sl_locate_text *text;
    bool in_object;
    size_t index, key, value, end;
};

static bool walk_step(struct walk *walk, size_t at)
{
    const struct sl_locate_text *text = walk->text;

    walk->key = walk->value = at = skip_blank(text, at);
    char c = char_at(text, at);
    if (at >= text->size || c == '}' || c == ']')
        return false;
    if (walk->in_object) {
        at = skip_blank(text, skip_token(text, at));
        if (c != '"' || char_at(text, at) != ':')
            return false;
        walk->value = skip_blank(text, at + 1);
    }
    walk->end = skip_value(text, walk->value);
    return true;
}

/* @return false for an empty container and for a value that is none */
static bool walk_start(struct walk *walk, const struct sl_locate_text *text, size_t container)
{
    char c = char_at(text, container);
    *walk = (struct walk){.text = text, .in_object = c == '{'};
    return (c == '{' || c == '[') && walk_step(walk, container + 1);
}

static bool walk_next(struct walk *walk)
{
    size_t at = skip_blank(walk->text, walk->end);
    walk->index++;
    return char_at(walk->text, at) == ',' && walk_step(walk, at + 1);
}

/* Is the string token at this offset the key?  Escapes are read by who reads them else. */
static bool key_equals(const struct sl_locate_text *text, size_t at, const char *key)
{
    const char *token = text->data + at;
    size_t size = skip_token(text, at) - at;
    if (!memchr(token, '\\', size))
        return size == strlen(key) + 2 && memcmp(token + 1, key, size - 2) == 0;

    json_t *decoded = json_loadb(token, size, JSON_DECODE_ANY, NULL);
    bool equals = decoded && strcmp(json_string_value(decoded), key) == 0;
    json_decref(decoded);
    return equals;
}

/* The member or element that a path ends with; its container when it is not there. */
static struct walk find(const struct sl_locate_text *text, const struct sl_locate_path *path)
{
    struct walk walk = {.text = text};
    if (!path->parent) {
        walk.key = walk.value = skip_blank(text, 0);
        return walk;
    }
    struct walk container = find(text, path->parent);
    for (bool more = walk_start(&walk, text, container.value); more; more = walk_next(&walk)) {
        if (path->key ? walk.in_object && key_equals(text, walk.key, path->key)
                      : walk.index == path->index)
            return walk;
    }
    return container;
}

size_t sl_locate_value(const struct sl_locate_text *text, const struct sl_locate_path *path)
{
    return find(text, path).value;
}

size_t sl_locate_key(const struct sl_locate_text *text, const struct sl_locate_path *path)
{
    return find(text, path).key;
}

size_t sl_locate_token(const struct sl_locate_text *text, size_t end)
{
    size_t at = skip_blank(text, 0);
    while (at < end) {
        size_t behind = skip_token(text, at);
        if (behind >= end)
            return at;
        at = skip_blank(text, behind);
    }
    return end;
}

void sl_locate_position(const struct sl_locate_text *text, size_t offset, unsigned *ret_line,
                        unsigned *ret_column)
{
    size_t line_start = 0;

    *ret_line = 1;
    for (size_t at = 0; at < offset && at < text->size; at++) {
        if (text->data[at] == '\n') {
            (*ret_line)++;
            line_start = at + 1;
        }
    }
    *ret_column = (unsigned) (offset - line_start) + 1;
}

void sl_locate_append_quoted(char *text, size_t size, const char *data, size_t data_size)
{
    size_t used = strlen(text);
    size_t shown = SL_MIN(data_size, SHOWN_BYTES);
    while (shown < data_size && shown > 0 && ((unsigned char) data[shown] & 0xc0) == 0x80)
        shown--; /* not through the middle of a character */
    (void) snprintf(text + used, size - used, "%.*s%s", (int) shown, data,
                    shown < data_size ? "..." : "");
    sl_utf8_clean(text + used);
}

static void append_key(char *text, size_t size, const char *key, size_t key_size)
{
    size_t used = strlen(text);
    if (used > 0)
        (void) snprintf(text + used, size - used, ".");
    sl_locate_append_quoted(text, size, key, key_size);
}

static void append_index(char *text, size_t size, size_t index)
{
    size_t used = strlen(text);
    (void) snprintf(text + used, size - used, "[%zu]", index);
}

void sl_locate_format(const struct sl_locate_path *path, char *ret_text, size_t size)
{
    ret_text[0] = '\0';
    if (!path->parent)
        return;
    sl_locate_format(path->parent, ret_text, size);
    if (path->key)
        append_key(ret_text, size, path->key, strlen(path->key));
    else
        append_index(ret_text, size, path->index);
}

void sl_locate_describe(const struct sl_locate_text *text, size_t offset, char *ret_text,
                        size_t size)
{
    struct walk walk;

    ret_text[0] = '\0';
    size_t steps = 0;
    bool more = walk_start(&walk, text, skip_blank(text, 0));
    while (more && walk.key <= offset && steps < SHOWN_STEPS) {
        if (offset >= walk.end && walk.end < text->size) {
            more = walk_next(&walk);
            continue;
        }
        steps++;
        if (walk.in_object)
            append_key(ret_text, size, text->data + walk.key + 1,
                       skip_token(text, walk.key) - walk.key - 2);
        else
            append_index(ret_text, size, walk.index);
        more = walk_start(&walk, text, walk.value);
    }
}
