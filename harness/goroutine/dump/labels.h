/* SPDX-License-Identifier: Apache-2.0 */
/* Labels of goroutines, as each version of Go writes them. */
#ifndef SL_GOROUTINE_DUMP_LABELS_H
#define SL_GOROUTINE_DUMP_LABELS_H

#include "harness/goroutine/dump/builder.h"
#include "harness/goroutine/dump/scan.h"

/* A label; neither of its texts ends in a NUL. */
struct dump_label {
    const char *key, *value;
    size_t key_size, value_size;
};

#define DUMP_MAX_LABELS 256 /* of one goroutine */

/*
 * Go on behind labels in braces: {"key":"value", "key2":"value2"}, with or without the quotes and
 * the spaces, in any order.
 *
 * @return them in the one form that struct sl_goroutine has; NULL: these are none, and the scan
 *         stays
 */
const char *labels_read(struct dump_builder *builder, struct dump_scan *scan);

/* Go on behind one, key and value, that ends before one of these characters. */
bool labels_scan(struct dump_scan *scan, const char *ends, struct dump_label *ret_label);

/* The one form of labels, which are put in order. */
const char *labels_join(struct dump_builder *builder, struct dump_label *labels, size_t n);

#endif
