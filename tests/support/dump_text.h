/* SPDX-License-Identifier: Apache-2.0 */
/* A dump that was read, as one text that tests compare. */
#ifndef SL_DUMP_TEXT_H
#define SL_DUMP_TEXT_H

#include "harness/goroutine/dump/dump.h"

/*
 * A line for each record, and one for what could not be read:
 *
 *     COUNT #ID [STATE] MINUTESm by CREATOR locked leaked LABELS / FUNCTION FILE:LINE / ...
 *         ! REASON < CREATED-BY ^ANCESTOR / ...
 *     N skipped, LINE
 *     more
 *
 * on one line each, without what a record has not.  To be freed.
 */
char *dump_text_of(const struct sl_snapshot *snapshot);

/* The same of bytes that have to be a dump. */
char *dump_text_read(const char *data, size_t size);

/* The text of these lines is that. */
#define dump_assert_reads(lines, expected)                                                         \
    do {                                                                                           \
        SL_AUTO_FREE char *got_ = dump_text_read((lines), strlen(lines));                          \
        cr_assert_str_eq(got_, (expected));                                                        \
    } while (0)

#endif
