/* SPDX-License-Identifier: Apache-2.0 */
/*
 * strandline.report/1: struct sl_run_result as a JSON file, and back.
 *
 * JSON Schema: report.schema.json beside this file.  Readers ignore unknown keys
 * and refuse a higher major version.  A reader's result is as good as the
 * writer's: tables, verdicts and comparisons work on either.
 */
#ifndef SL_REPORTS_REPORT_H
#define SL_REPORTS_REPORT_H

#include <stddef.h>
#include <stdio.h>

#include <strandline/error.h>

#include "harness/model/result.h"

/* Where a report is going to be written. */
struct sl_report_place {
    char *target; /* the path, or what it is a link to */
    bool through; /* it is a device or a pipe */
    char *kept;   /* what the report that was there is called now; NULL: there was none */
};

/**
 * Make sure, before there is a report, that it can be written, and move an old one out of the way:
 * FILE becomes FILE.old, which a FILE.old of before does not survive.  From here on whatever is at
 * path is new.  A device or a pipe is looked at only, an empty file is no report.
 *
 * @param ret_place  set on SL_OK only; sl_report_place_release()
 * @return an error that names path; nothing was changed then
 */
SL_CHECKED enum sl_status
sl_report_place_open(const char *path, struct sl_report_place *ret_place, struct sl_error *err);

/* As sl_report_write(), to a place: a link that came there meanwhile is somebody else's, and is
   replaced, not followed. */
SL_CHECKED enum sl_status sl_report_place_write(const struct sl_report_place *place,
                                                const struct sl_run_result *result,
                                                struct sl_error *err);
void sl_report_place_release(struct sl_report_place *place); /* all zero is allowed */

/**
 * Write a report atomically: a temporary file beside path, fsync, rename.  On any
 * failure the old file at path is intact and no temporary file stays.  A path that
 * is a device or a pipe is written to directly.  SIGXFSZ has to be ignored for a
 * file size limit to be an error rather than the end of the process.
 *
 * @return SL_ESYS with the path and errno's text, for example on a full disk
 */
SL_CHECKED enum sl_status
sl_report_write(const struct sl_run_result *result, const char *path, struct sl_error *err);

/* The same of another document. */
struct sl_layout;
SL_CHECKED enum sl_status sl_report_write_document(const struct sl_layout *layout,
                                                   const void *document, const char *path,
                                                   struct sl_error *err);

/* The same to an open stream; flushes it. */
SL_CHECKED enum sl_status
sl_report_print(const struct sl_run_result *result, FILE *out, struct sl_error *err);

/**
 * Read a report.
 *
 * @param path  file, or "-" for standard input
 * @return SL_EPARSE truncated, foreign, higher major version, a key of the wrong type, or numbers
 *         that contradict each other; text names file, line and column or the key's path;
 *         SL_ESYS when it cannot be read
 */
SL_CHECKED enum sl_status
sl_report_read(const char *path, struct sl_run_result **ret_result, struct sl_error *err);

/*
 * The text at path, "-" for standard input, and what errors call it.
 *
 * @param ret_data  malloc; set on SL_OK only
 */
SL_CHECKED enum sl_status sl_report_load(const char *path, const char **ret_name, char **ret_data,
                                         size_t *ret_size, struct sl_error *err);

/*
 * The same from memory.
 *
 * @param name  what error texts call the input, for example its path
 */
SL_CHECKED enum sl_status sl_report_parse(const char *name, const char *data, size_t size,
                                          struct sl_run_result **ret_result, struct sl_error *err);

#endif
