/* SPDX-License-Identifier: Apache-2.0 */
/* Which of several servers answers, and which would be waited for in vain. */
#include <string.h>

#include "base/clock.h"
#include "base/fail.h"
#include "base/url.h"
#include "harness/server/info.h"
#include "harness/server/server.h"

enum sl_status sl_server_probe(const char *servers, uint64_t timeout_ns, char *ret_version,
                               size_t size, struct sl_error *err)
{
    struct sl_url url;
    struct sl_server_info info;
    struct sl_error first = {0}; /* reason of the first server that failed */
    enum sl_status status;

    /*
     * All of it is read first: a mistake is one, whichever server answers.  It is not quoted,
     * since it may have a password in it.
     */
    if (!sl_url_is_list(servers))
        return sl_fail(err, SL_EINVAL,
                       "not a list of server addresses: nats://HOST[:PORT][,...] is expected");
    do {
        (void) sl_url_take(&servers, &url);
        status = sl_server_info_read(&url, sl_clock_now_ns() + timeout_ns, &info, &first);
    } while (status && servers);
    if (status) {
        if (err && !err->status)
            *err = first;
        return first.status;
    }
    size_t length = strlen(info.version);
    if (length >= size) /* cut short it would be another one; unknown is better */
        length = 0;
    memcpy(ret_version, info.version, length);
    ret_version[length] = '\0';
    return SL_OK;
}

enum sl_status sl_server_ask(const char *servers, uint64_t timeout_ns, struct sl_error *err)
{
    struct sl_url url;
    enum sl_status status = SL_OK;

    while (!status && servers && sl_url_take(&servers, &url))
        status = sl_server_info_ask(&url, sl_clock_now_ns() + timeout_ns, err);
    return status;
}
