/* SPDX-License-Identifier: Apache-2.0 */
#include "base/url.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"

#define DEFAULT_PORT "4222"
#define SCHEME_END   "://"
#define HIDDEN       3u /* asterisks: the number tells nothing of what they stand for */

/* @return false, with an empty copy, when there is nothing to copy or it does not fit */
static bool copy(char *ret_text, size_t size, const char *text, size_t length)
{
    ret_text[0] = '\0';
    if (length == 0 || length >= size)
        return false;
    memcpy(ret_text, text, length);
    ret_text[length] = '\0';
    return true;
}

static const char *skip_scheme(const char *text, bool *ret_tls)
{
    static const char nats[] = "nats" SCHEME_END, tls[] = "tls" SCHEME_END;

    *ret_tls = strncmp(text, tls, strlen(tls)) == 0;
    if (*ret_tls)
        return text + strlen(tls);
    return strncmp(text, nats, strlen(nats)) == 0 ? text + strlen(nats) : text;
}

/* Copy the host, in brackets or not.  @return what follows it, or NULL */
static const char *take_host(const char *text, const char *end, struct sl_url *ret_url)
{
    bool bracketed = text < end && *text == '[';
    const char *host = text + bracketed;
    size_t length = strcspn(host, bracketed ? "]" : ":/ \t");

    if (host + length > end)
        length = (size_t) (end - host);
    if ((bracketed && (host + length == end || host[length] != ']')) ||
        !copy(ret_url->host, sizeof ret_url->host, host, length))
        return NULL;
    return host + length + bracketed;
}

/* What follows the host: ":PORT", "/", both or neither. */
static bool take_port(const char *text, const char *end, struct sl_url *ret_url)
{
    const char *port = DEFAULT_PORT;
    size_t length = strlen(DEFAULT_PORT);

    if (text < end && *text == ':') {
        port = text + 1;
        length = SL_MIN(strcspn(port, "/"), (size_t) (end - port));
        text = port + length;
    }
    text += text < end && *text == '/';
    if (text != end || strspn(port, "0123456789") < length ||
        !copy(ret_url->port, sizeof ret_url->port, port, length))
        return false;
    unsigned long number = strtoul(ret_url->port, NULL, 10);
    return number > 0 && number <= UINT16_MAX;
}

static bool parse(const char *text, const char *end, struct sl_url *ret_url)
{
    text = skip_scheme(text, &ret_url->tls);
    const char *at = memrchr(text, '@', (size_t) (end - text));
    ret_url->user = text;
    ret_url->user_length = at ? (size_t) (at - text) : 0;
    const char *rest = take_host(at ? at + 1 : text, end, ret_url);
    if (!rest || !take_port(rest, end, ret_url))
        return false;
    bool brackets = strchr(ret_url->host, ':');
    int length = snprintf(ret_url->text, sizeof ret_url->text, "%s" SCHEME_END "%s%s%s:%s",
                          ret_url->tls ? "tls" : "nats", brackets ? "[" : "", ret_url->host,
                          brackets ? "]" : "", ret_url->port);
    return length < (int) sizeof ret_url->text;
}

bool sl_url_take(const char **list, struct sl_url *ret_url)
{
    const char *text = *list + strspn(*list, " ");
    const char *end = text + strcspn(text, ",");

    *list = *end ? end + 1 : NULL;
    while (end > text && end[-1] == ' ')
        end--;
    return parse(text, end, ret_url); /* which takes no empty host */
}

bool sl_url_is_list(const char *list)
{
    struct sl_url url;

    while (list)
        if (!sl_url_take(&list, &url))
            return false;
    return true;
}

/* Hide what stands before the last '@' of [from, end).  @return where `end` is now */
static char *hide_user(char *from, char *end)
{
    char *at = memrchr(from, '@', (size_t) (end - from));

    if (!at)
        return end;
    size_t length = (size_t) (at - from), left = SL_MIN(length, HIDDEN);
    size_t rest = strlen(at);
    memset(from, '*', left);
    memmove(from + left, at, rest);
    memset(from + left + rest, 0, length - left + 1); /* nothing of it stays behind the text, too */
    return end - (length - left);
}

void sl_url_hide(char *text)
{
    for (char *at = text; (at = strstr(at, SCHEME_END));) {
        at += strlen(SCHEME_END);
        char *end = at + strcspn(at, " \t\r\n"), *next = strstr(at, SCHEME_END);
        /* A comma may be part of a password; before another URL it is none. */
        char *comma = next && next < end ? memrchr(at, ',', (size_t) (next - at)) : NULL;
        at = hide_user(at, comma ? comma : end);
    }
}

void sl_url_hide_list(char *list)
{
    for (char *at = list;; at++) {
        char *end = at + strcspn(at, ",");
        char *scheme = memmem(at, (size_t) (end - at), SCHEME_END, strlen(SCHEME_END));
        at = hide_user(scheme ? scheme + strlen(SCHEME_END) : at, end);
        if (!*at)
            return;
    }
}
