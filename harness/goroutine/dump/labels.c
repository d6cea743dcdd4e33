/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/goroutine/dump/labels.h"

#include <stdlib.h>

#include "base/grow.h"

/* Go on behind a text in quotes, or one without that ends before one of these characters. */
static bool
scan_token(struct dump_scan *scan, const char *ends, const char **ret_text, size_t *ret_size)
{
    const char *at = scan->at;

    *ret_text = at;
    if (at < scan->end && *at == '"') {
        for (at++; at < scan->end && *at != '"'; at++)
            at += *at == '\\';
        if (at >= scan->end)
            return false;
        at++;
    } else {
        while (at < scan->end && !strchr(ends, *at)) {
            if (*at == '"' || *at == '\\')
                return false;
            at++;
        }
    }
    scan->at = at;
    *ret_size = (size_t) (at - *ret_text);
    return true;
}

bool labels_scan(struct dump_scan *scan, const char *ends, struct dump_label *ret_label)
{
    if (!scan_token(scan, ":", &ret_label->key, &ret_label->key_size) || !scan_text(scan, ":"))
        return false;
    (void) scan_blanks(scan);
    return scan_token(scan, ends, &ret_label->value, &ret_label->value_size);
}

const char *labels_read(struct dump_builder *builder, struct dump_scan *scan)
{
    struct dump_label labels[DUMP_MAX_LABELS];
    struct dump_scan at = *scan;
    size_t n = 0;

    if (!scan_text(&at, "{"))
        return NULL;
    do {
        (void) scan_blanks(&at);
        if (n == DUMP_MAX_LABELS || !labels_scan(&at, ",}", &labels[n++]))
            return NULL;
    } while (scan_text(&at, ","));
    if (!scan_text(&at, "}"))
        return NULL;
    *scan = at;
    return labels_join(builder, labels, n);
}

static int compare_labels(const void *left, const void *right)
{
    const struct dump_label *a = left, *b = right;
    const size_t size = SL_MIN(a->key_size, b->key_size);
    const int order = size ? memcmp(a->key, b->key, size) : 0;

    return order ? order : (a->key_size > b->key_size) - (a->key_size < b->key_size);
}

/* Copy a text with quotes around it. */
static char *quote(char *to, const char *text, size_t size)
{
    const bool quoted = size && *text == '"';

    if (!quoted)
        *to++ = '"';
    if (size)
        memcpy(to, text, size);
    to += size;
    if (!quoted)
        *to++ = '"';
    return to;
}

const char *labels_join(struct dump_builder *builder, struct dump_label *labels, size_t n)
{
    size_t size = 2;

    qsort(labels, n, sizeof *labels, compare_labels);
    for (size_t i = 0; i < n; i++)
        size += labels[i].key_size + labels[i].value_size + strlen("\"\":\"\", ");
    if (!sl_grow(&builder->text, &builder->text_capacity, size)) {
        builder->out_of_memory = true;
        return NULL;
    }
    char *to = builder->text;
    *to++ = '{';
    for (size_t i = 0; i < n; i++) {
        if (i)
            to = stpcpy(to, ", ");
        to = quote(to, labels[i].key, labels[i].key_size);
        *to++ = ':';
        to = quote(to, labels[i].value, labels[i].value_size);
    }
    *to++ = '}';
    return builder_text(builder, builder->text, (size_t) (to - builder->text));
}
