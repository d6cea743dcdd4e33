/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of server addresses, and which of the servers answers. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/fail.h"
#include "base/macros.h"
#include "base/parse.h"
#include "harness/server/info.h"
#include "harness/server/server.h"

#define DEFAULT_PORT "4222"

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

static const char *skip_scheme(const char *url)
{
    static const char *const schemes[] = {"nats://", "tls://"};

    for (size_t i = 0; i < SL_COUNT_OF(schemes); i++)
        if (strncmp(url, schemes[i], strlen(schemes[i])) == 0)
            return url + strlen(schemes[i]);
    return url;
}

/* Copy the host, in brackets or not.  @return what follows it, or NULL */
static const char *take_host(const char *text, struct sl_server_address *ret_address)
{
    bool bracketed = *text == '[';
    const char *host = text + bracketed;
    size_t length = strcspn(host, bracketed ? "]" : ":/");

    if ((bracketed && host[length] != ']') ||
        !copy(ret_address->host, sizeof ret_address->host, host, length))
        return NULL;
    return host + length + bracketed;
}

static bool parse_url(const char *url, struct sl_server_address *ret_address)
{
    const char *port = DEFAULT_PORT;
    uint64_t number;

    const char *text = skip_scheme(url);
    const char *user_end = strrchr(text, '@');
    const char *rest = take_host(user_end ? user_end + 1 : text, ret_address);
    if (!rest)
        return false;
    if (*rest == ':') {
        port = rest + 1;
        rest += strcspn(rest, "/");
    }
    if (strcmp(rest, "") != 0 && strcmp(rest, "/") != 0)
        return false;
    if (!copy(ret_address->port, sizeof ret_address->port, port, strcspn(port, "/")) ||
        sl_parse_number(ret_address->port, 1, UINT16_MAX, &number, NULL))
        return false;

    bool brackets = strchr(ret_address->host, ':');
    int length =
        snprintf(ret_address->url, sizeof ret_address->url, "nats://%s%s%s:%s", brackets ? "[" : "",
                 ret_address->host, brackets ? "]" : "", ret_address->port);
    return length < (int) sizeof ret_address->url;
}

/* Take the first address off a list; *list becomes NULL after the last one. */
static bool take_address(const char **list, struct sl_server_address *ret_address)
{
    char url[512];
    size_t length = strcspn(*list, ",");

    if (!copy(url, sizeof url, *list, length) || !parse_url(url, ret_address))
        return false;
    *list = (*list)[length] ? *list + length + 1 : NULL;
    return true;
}

static bool is_list(const char *list)
{
    struct sl_server_address address;

    while (list)
        if (!take_address(&list, &address))
            return false;
    return true;
}

enum sl_status sl_server_probe(const char *servers, uint64_t timeout_ns, char *ret_version,
                               size_t size, struct sl_error *err)
{
    struct sl_server_address address;
    struct sl_server_info info;
    struct sl_error first = {0}; /* reason of the first server that failed */
    enum sl_status status;

    /*
     * All of it is read first: a mistake is one, whichever server answers.  It is not quoted,
     * since it may have a password in it.
     */
    if (!is_list(servers))
        return sl_fail(err, SL_EINVAL,
                       "not a list of server addresses: nats://HOST[:PORT][,...] is expected");
    do {
        (void) take_address(&servers, &address);
        status = sl_server_info_read(&address, sl_clock_now_ns() + timeout_ns, &info, &first);
    } while (status && servers);
    if (!status)
        (void) copy(ret_version, size, info.version, strlen(info.version));
    else if (err && !err->status)
        *err = first;
    return status ? first.status : SL_OK;
}
