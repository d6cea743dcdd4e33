/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which servers, and how to be let in: options that `strandline run` and `strandline agent` share.
 *
 * What is secret is best not an argument, which every user of the machine can see: it comes from
 * files, or from the variables that the nats tool reads, too.  A URL with a password is taken
 * nevertheless; asterisks replace it in the argument as soon as it was read.
 */
#ifndef SL_CLI_OPTIONS_SERVERS_H
#define SL_CLI_OPTIONS_SERVERS_H

#include <strandline/driver.h>

#include "cli/options/command.h"

/* Lines of a command's option table from index `first` on. */
enum servers_option {
    SERVERS_CREDS,
    SERVERS_TLSCA,
    SERVERS_TLSCERT,
    SERVERS_TLSKEY,
    SERVERS_URLS,
    N_SERVERS_OPTIONS
};
/* clang-format off */
#define SERVERS_OPTIONS(first, help)                                                               \
    [(first) + SERVERS_CREDS] = {"creds", "FILE", "credentials for --server: JWT and seed of a "   \
                                 "user ($NATS_CREDS)", 0, SL_ARGUMENT_FILE},                       \
    [(first) + SERVERS_TLSCA] = {"tlsca", "FILE", "certificates that --server is trusted by "      \
                                 "($NATS_CA)", 0, SL_ARGUMENT_FILE},                               \
    [(first) + SERVERS_TLSCERT] = {"tlscert", "FILE", "certificate to show to --server "           \
                                   "($NATS_CERT)", 0, SL_ARGUMENT_FILE},                           \
    [(first) + SERVERS_TLSKEY] = {"tlskey", "FILE", "key of --tlscert ($NATS_KEY)", 0,             \
                                  SL_ARGUMENT_FILE},                                               \
    [(first) + SERVERS_URLS] = {"server", "URL[,URL]", help, 's'}
/* clang-format on */

/* Of the help of a command that has them. */
#define SERVERS_TEXT                                                                               \
    "User and password of --server are read from NATS_USER and NATS_PASSWORD, or a token from\n"   \
    "NATS_TOKEN: what is part of a URL can be seen in lists of processes until it is read.\n"      \
    "tls:// as well as --tlsca and --tlscert ask for TLS.\n"

struct servers {
    char *urls;                        /* owned; complete after servers_complete(); NULL: none */
    struct sl_credentials credentials; /* borrows arguments and variables */
    bool exposed;                      /* a user, password or token was an argument */
};

/* @param argument  becomes what may be seen of it.  @return SL_EINVAL, SL_ENOMEM */
SL_CHECKED enum sl_status servers_read_option(enum servers_option option, char *argument,
                                              struct servers *servers, struct sl_error *err);

/*
 * Add what the environment has, and warn, on standard error, of what was exposed.
 *
 * @return SL_EINVAL options that do not go together; a file that can not be read; SL_ENOMEM
 */
SL_CHECKED enum sl_status
servers_complete(struct servers *servers, const char *command, struct sl_error *err);

void servers_release(struct servers *servers);

#endif
