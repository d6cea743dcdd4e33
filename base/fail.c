/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fail.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/url.h"
#include "base/utf8.h"

static const char *const status_texts[] = {
#define X(name, text) [SL_##name] = (text),
    SL_STATUS_MAP(X)
#undef X
};

const char *sl_status_text(enum sl_status status)
{
    if ((size_t) status >= SL_COUNT_OF(status_texts))
        return "unknown status";
    return status_texts[status];
}

/*
 * What a text names may be called anything, or be a URL with a password, which is hidden before
 * the text is cut: a part of it would not look like one.
 */
static void put_text(struct sl_error *err, const char *format, va_list args)
{
    char text[1024] = ""; /* errors travel whole: nothing of the stack goes with them */

    (void) vsnprintf(text, sizeof text, format, args);
    sl_url_hide(text);
    text[sizeof err->text - 1] = '\0';
    memcpy(err->text, text, sizeof err->text);
    sl_utf8_clean(err->text); /* a cut may go through a character */
}

static void describe(struct sl_error *err, enum sl_status status, const char *format, va_list args)
{
    err->status = status;
    err->sys_errno = 0;
    err->line = 0;
    err->column = 0;
    put_text(err, format, args);
}

enum sl_status sl_fail(struct sl_error *err, enum sl_status status, const char *format, ...)
{
    if (!err || err->status)
        return status;
    va_list args;
    va_start(args, format);
    describe(err, status, format, args);
    va_end(args);
    return status;
}

static enum sl_status status_of_errno(int number)
{
    switch (number) {
    case ENOMEM:
        return SL_ENOMEM;
    case EPERM:
    case EACCES:
        return SL_EPERM;
    case ESRCH:
        return SL_EGONE;
    default:
        return SL_ESYS;
    }
}

enum sl_status sl_fail_errno(struct sl_error *err, const char *format, ...)
{
    int number = errno;
    enum sl_status status = status_of_errno(number);

    if (!err || err->status)
        return status;
    va_list args;
    va_start(args, format);
    describe(err, status, format, args);
    va_end(args);
    err->sys_errno = number;
    size_t used = strlen(err->text);
    char buffer[96];
    (void) snprintf(err->text + used, sizeof err->text - used, ": %s",
                    strerror_r(number, buffer, sizeof buffer));
    return status;
}

enum sl_status
sl_fail_parse(struct sl_error *err, unsigned line, unsigned column, const char *format, ...)
{
    if (!err || err->status)
        return SL_EPARSE;
    va_list args;
    va_start(args, format);
    describe(err, SL_EPARSE, format, args);
    va_end(args);
    err->line = line;
    err->column = column;
    return SL_EPARSE;
}

void sl_error_prefix(struct sl_error *err, const char *format, ...)
{
    if (!err || !err->status)
        return;
    char old[sizeof err->text];
    memcpy(old, err->text, sizeof old);

    va_list args;
    va_start(args, format);
    put_text(err, format, args);
    va_end(args);
    size_t used = strlen(err->text);
    (void) snprintf(err->text + used, sizeof err->text - used, ": %s", old);
    sl_utf8_clean(err->text);
}
