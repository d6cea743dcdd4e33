/* SPDX-License-Identifier: Apache-2.0 */
#include "base/utf8.h"

#include <stdarg.h>
#include <string.h>

#define NO_CHARACTER 0xfffd

/* What is valid and still not shown; in order. */
static const struct {
    uint32_t first, last;
} hidden[] = {
    {0x0000, 0x001f},   /* C0 */
    {0x007f, 0x009f},   /* DEL and C1 */
    {0x00ad, 0x00ad},   /* soft hyphen */
    {0x061c, 0x061c},   /* mark of direction */
    {0x180e, 0x180e},   /* separator of no width */
    {0x200b, 0x200f},   /* no width, marks of direction */
    {0x2028, 0x202e},   /* line, paragraph, embedded and overridden direction */
    {0x2060, 0x206f},   /* no width, isolated direction */
    {0xfeff, 0xfeff},   /* no width: byte order mark */
    {0xfff9, 0xfffb},   /* marks of annotations */
    {0xe0000, 0xe0fff}, /* tags, variants */
};

static uint32_t decode(const unsigned char *bytes, size_t length)
{
    static const unsigned char masks[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    uint32_t code = bytes[0] & masks[length];

    for (size_t i = 1; i < length; i++)
        code = code << 6 | (bytes[i] & 0x3f);
    return code;
}

size_t sl_utf8_next(const char *text, uint32_t *ret_code, bool *ret_printable)
{
    size_t length = sl_utf8_length(text);

    if (!length) {
        *ret_code = NO_CHARACTER;
        *ret_printable = false;
        return *text ? 1 : 0;
    }
    *ret_code = decode((const unsigned char *) text, length);
    *ret_printable = true;
    for (size_t i = 0; i < SL_COUNT_OF(hidden) && hidden[i].first <= *ret_code; i++)
        if (*ret_code <= hidden[i].last)
            *ret_printable = false;
    return length;
}

void sl_utf8_clean(char *text)
{
    uint32_t code;
    bool printable;

    for (size_t length; (length = sl_utf8_next(text, &code, &printable)); text += length)
        if (!printable)
            memset(text, '?', length);
}

size_t sl_utf8_print(const char *text, FILE *out)
{
    size_t columns = 0;
    uint32_t code;
    bool printable;

    for (size_t length; (length = sl_utf8_next(text, &code, &printable)); text += length) {
        /* As many question marks as bytes. */
        for (size_t i = 0; i < length && out; i++)
            (void) putc_unlocked(printable ? text[i] : '?', out);
        columns += printable ? 1 : length;
    }
    return columns;
}

void sl_utf8_printf(FILE *out, const char *format, ...)
{
    SL_AUTO_FREE char *text = NULL;
    size_t length = strlen(format);
    bool newline = length && format[length - 1] == '\n';
    va_list args;

    va_start(args, format);
    int made = vasprintf(&text, format, args);
    va_end(args);
    if (made < 0) {
        (void) fputs("(no memory for a line)\n", out);
        text = NULL; /* it has no value then */
        return;
    }
    if (newline)
        text[made - 1] = '\0';
    sl_utf8_clean(text);
    if (newline)
        text[made - 1] = '\n';
    (void) fputs(text, out); /* at once: others may write to the same place */
}
