/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Filling struct sl_error.  The first description wins: an error that already
 * carries one is left alone.  All take a NULL err.
 */
#ifndef SL_BASE_FAIL_H
#define SL_BASE_FAIL_H

#include <strandline/error.h>

#include "base/macros.h"

/* Describe a failure.  @return status, so that callers write `return sl_fail(...)` */
enum sl_status sl_fail(struct sl_error *err, enum sl_status status, const char *format, ...)
    SL_PRINTF(3, 4);

/*
 * Describe a failed system call; appends ": " and the text of errno.  ENOMEM
 * becomes SL_ENOMEM, EPERM and EACCES SL_EPERM, ESRCH SL_EGONE, the rest SL_ESYS.
 */
enum sl_status sl_fail_errno(struct sl_error *err, const char *format, ...) SL_PRINTF(2, 3);

/* Malformed input at a 1-based line and byte column (0: not known). */
enum sl_status sl_fail_parse(struct sl_error *err, unsigned line, unsigned column,
                             const char *format, ...) SL_PRINTF(4, 5);

/* Put "PREFIX: " before the text of an error that is set; for adding the file or the trial. */
void sl_error_prefix(struct sl_error *err, const char *format, ...) SL_PRINTF(2, 3);

#endif
