/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Go program that a process runs, found in its memory: by the headers of the program, what
 * the linker noted of the build, and the table of functions that the runtime itself uses.  So it
 * makes no difference whether the file was stripped, replaced or deleted.
 */
#ifndef SL_GOROUTINE_LIVE_IMAGE_H
#define SL_GOROUTINE_LIVE_IMAGE_H

#include <strandline/error.h>

#include "harness/goroutine/live/layout.h"
#include "harness/snapshot/target/reader.h"
#include "harness/snapshot/target/target.h"

struct live_span {
    uint64_t start, size; /* bytes */
};

struct live_image {
    char version[64]; /* "go1.19.8" */
    const struct live_layout *layout;
    struct live_span names, units, files, values, records, index; /* of the table of functions */
    struct live_span text;
    uint64_t funcdata; /* what offsets of funcdata count from */
};

/**
 * @return SL_OK
 *         SL_ENOENT   it is no Go program
 *         SL_ENOTSUP  it is one, and cannot be read: the release is not known, a part is missing
 *         SL_EGONE, SL_EPERM, SL_ENOMEM
 */
SL_CHECKED enum sl_status image_find(struct sl_target *target, struct sl_reader *reader,
                                     struct live_image *ret_image, struct sl_error *err);

/* All of the span.  @return false when it is out of bounds, or cannot be read */
bool image_read(struct sl_reader *reader, const struct live_span *span, uint64_t offset, void *data,
                size_t size);

#endif
