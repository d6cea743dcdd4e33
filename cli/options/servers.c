/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/options/servers.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/url.h"

static enum sl_status read_urls(char *argument, struct servers *servers, struct sl_error *err)
{
    free(servers->urls);
    servers->urls = strdup(argument);
    if (!servers->urls)
        return sl_fail(err, SL_ENOMEM, "out of memory for a list of servers");
    sl_url_hide_list(argument);
    servers->exposed = strcmp(argument, servers->urls) != 0;
    if (!sl_url_is_list(servers->urls))
        return sl_fail(err, SL_EINVAL,
                       "not a list of server addresses: nats://HOST[:PORT][,...] is expected");
    return SL_OK;
}

enum sl_status servers_read_option(enum servers_option option, char *argument,
                                   struct servers *servers, struct sl_error *err)
{
    struct sl_credentials *credentials = &servers->credentials;

    if (!*argument)
        return sl_fail(err, SL_EINVAL, "must not be empty");
    switch (option) {
    case SERVERS_URLS:
        return read_urls(argument, servers, err);
    case SERVERS_CREDS:
        credentials->creds = argument;
        break;
    case SERVERS_TLSCA:
        credentials->tls_ca = argument;
        break;
    case SERVERS_TLSCERT:
        credentials->tls_cert = argument;
        break;
    case SERVERS_TLSKEY:
        credentials->tls_key = argument;
        break;
    case N_SERVERS_OPTIONS:
        break;
    }
    return SL_OK;
}

/* NULL when it is empty, too. */
static const char *variable(const char *name)
{
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

static void print_encoded(FILE *out, const char *text)
{
    for (; *text; text++) {
        unsigned char byte = (unsigned char) *text;
        bool plain = byte < 0x80 && (isalnum(byte) || strchr("-._~", byte));
        (void) fprintf(out, plain ? "%c" : "%%%02X", byte);
    }
}

/* "USER:PASSWORD", "TOKEN" or "". */
static void print_user(FILE *out, bool has_creds)
{
    const char *token = variable("NATS_TOKEN");
    const char *user = variable("NATS_USER");
    const char *password = variable("NATS_PASSWORD");

    if (has_creds || (!token && !user))
        return;
    print_encoded(out, token ? token : user);
    if (!token && password) { /* without one, a user is a token: so says the nats tool, too */
        (void) fputc(':', out);
        print_encoded(out, password);
    }
    (void) fputc('@', out);
}

/* The list again, each URL with a user where there is one. */
static enum sl_status add_user(struct servers *servers, struct sl_error *err)
{
    SL_AUTO_FREE char *given = SL_TAKE(servers->urls);
    const char *rest = given;
    size_t size;

    FILE *out = open_memstream(&servers->urls, &size);
    if (!out)
        return sl_fail(err, SL_ENOMEM, "out of memory for a list of servers");
    while (rest) {
        struct sl_url url;
        (void) sl_url_take(&rest, &url); /* it is a list */
        const char *host = strstr(url.text, "://") + strlen("://");
        (void) fprintf(out, "%.*s", (int) (host - url.text), url.text);
        if (url.user_length)
            (void) fprintf(out, "%.*s@", (int) url.user_length, url.user);
        else
            print_user(out, servers->credentials.creds != NULL);
        (void) fprintf(out, "%s%s", host, rest ? "," : "");
    }
    return fclose(out) == 0 ? SL_OK
                            : sl_fail(err, SL_ENOMEM, "out of memory for a list of servers");
}

static enum sl_status check_file(const char *option, const char *path, struct sl_error *err)
{
    if (!path || access(path, R_OK) == 0)
        return SL_OK;
    (void) sl_fail_errno(err, "--%s: cannot read '%s'", option, path);
    return SL_EINVAL;
}

enum sl_status servers_complete(struct servers *servers, const char *command, struct sl_error *err)
{
    struct sl_credentials *files = &servers->credentials;
    struct {
        const char **path, *option, *variable;
    } const all[] = {{&files->creds, "creds", "NATS_CREDS"},
                     {&files->tls_ca, "tlsca", "NATS_CA"},
                     {&files->tls_cert, "tlscert", "NATS_CERT"},
                     {&files->tls_key, "tlskey", "NATS_KEY"}};
    enum sl_status status = SL_OK;

    files->size = sizeof *files;
    for (size_t i = 0; i < SL_COUNT_OF(all); i++) {
        if (*all[i].path && !servers->urls)
            return sl_fail(err, SL_EINVAL, "--%s is of a server that --server names",
                           all[i].option);
        if (!*all[i].path && servers->urls)
            *all[i].path = variable(all[i].variable);
        status = status ? status : check_file(all[i].option, *all[i].path, err);
    }
    if (status || !servers->urls)
        return status;
    if (!files->tls_cert != !files->tls_key)
        return sl_fail(err, SL_EINVAL, "--tlscert and --tlskey need one another");
    if (servers->exposed)
        (void) fprintf(stderr,
                       "strandline %s: warning: a password or token in the URL of --server can be "
                       "seen by other users; NATS_USER and NATS_PASSWORD, NATS_TOKEN or --creds "
                       "can not\n",
                       command);
    return add_user(servers, err);
}

void servers_release(struct servers *servers)
{
    free(servers->urls);
}
