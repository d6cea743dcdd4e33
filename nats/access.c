/* SPDX-License-Identifier: Apache-2.0 */
#include "nats/access.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "base/url.h"

#define MAX_SERVERS 32
/* Since 3.9 the library decodes %XX; before, it takes what stands in a URL as it stands. */
#define LIBRARY_DECODES (NATS_VERSION_NUMBER >= 0x030900)

static int hex_digit(char digit)
{
    return isdigit((unsigned char) digit) ? digit - '0' : (digit | 0x20) - 'a' + 10;
}

/*
 * One byte of user or password, as the library has to be given it.  It puts what it has between
 * the quotes of a JSON text, whatever it is.
 */
static char *put_byte(char *to, unsigned char byte)
{
    if (byte < ' ')
        to += sprintf(to, "\\u%04x", byte);
    else if (byte == '%' && LIBRARY_DECODES)
        to = stpcpy(to, "%25");
    else {
        if (byte == '"' || byte == '\\')
            *to++ = '\\';
        *to++ = (char) byte;
    }
    return to;
}

static char *put_user(char *to, const char *user, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        bool encoded = user[i] == '%' && i + 2 < length && isxdigit((unsigned char) user[i + 1]) &&
                       isxdigit((unsigned char) user[i + 2]);
        unsigned char byte = (unsigned char) user[i];
        if (encoded) {
            byte = (unsigned char) (hex_digit(user[i + 1]) << 4 | hex_digit(user[i + 2]));
            i += 2;
        }
        to = put_byte(to, byte);
    }
    return to;
}

/* From malloc; NULL when memory is short. */
static char *make_url(const struct sl_url *url)
{
    const char *host = strstr(url->text, "://") + strlen("://");
    char *text = malloc(strlen("nats://@") + 6 * url->user_length + strlen(host) + 1);

    if (!text)
        return NULL;
    char *at = stpcpy(text, "nats://");
    if (url->user_length) {
        at = put_user(at, url->user, url->user_length);
        *at++ = '@';
    }
    (void) strcpy(at, host);
    return text;
}

static natsStatus set_files(natsOptions *options, const struct sl_credentials *from)
{
    natsStatus status = NATS_OK;

    if (from->tls_ca)
        status = natsOptions_LoadCATrustedCertificates(options, from->tls_ca);
    if (!status && from->tls_cert)
        status = natsOptions_LoadCertificatesChain(options, from->tls_cert, from->tls_key);
    if (!status && from->creds)
        status = natsOptions_SetUserCredentialsFromFiles(options, from->creds, NULL);
    return status;
}

natsStatus sl_nats_set_access(natsOptions *options, const char *servers,
                              const struct sl_credentials *credentials)
{
    struct sl_credentials own = {.size = sizeof own};
    char *urls[MAX_SERVERS];
    int n = 0;
    natsStatus status = NATS_OK;

    if (credentials)
        memcpy(&own, credentials, SL_MIN(credentials->size, sizeof own));
    bool tls = own.tls_ca || own.tls_cert;
    while (servers && !status) {
        struct sl_url url;
        if (n == MAX_SERVERS || !sl_url_take(&servers, &url)) {
            status = NATS_INVALID_ARG;
            break;
        }
        tls |= url.tls;
        urls[n] = make_url(&url);
        status = urls[n] ? NATS_OK : NATS_NO_MEMORY;
        n += !status;
    }
    if (!status)
        status = natsOptions_SetServers(options, (const char **) urls, n);
    if (!status && tls)
        status = natsOptions_SetSecure(options, true);
    if (!status)
        status = set_files(options, &own);
    while (n > 0)
        free(urls[--n]);
    return status;
}

const char *sl_nats_describe(natsStatus status, char *ret_text, size_t size)
{
    const char *detail = nats_GetLastError(NULL);

    if (detail && *detail == '(' && strstr(detail, "): "))
        detail = strstr(detail, "): ") + 3;
    if (!detail || !*detail)
        detail = natsStatus_GetText(status);
    (void) snprintf(ret_text, size, "%s", detail);
    return ret_text;
}
