/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists of servers, "nats://[USER[:PASSWORD]@]HOST[:PORT][,...]", and what of them nobody may see.
 * "nats://" may be left out; the port is 4222 then, too.
 */
#ifndef SL_BASE_URL_H
#define SL_BASE_URL_H

#include <stdbool.h>
#include <stddef.h>

struct sl_url {
    const char *user;   /* what stands before the '@', as it was given; into the list */
    size_t user_length; /* 0: there is none */
    bool tls;           /* "tls://" */
    char host[256];     /* name or address, IPv6 without brackets */
    char port[8];       /* decimal */
    char text[288];     /* "nats://HOST:PORT", for people: no user, no password */
};

/* Take the first URL off a list; *list becomes NULL after the last one.  @return it is one */
bool sl_url_take(const char **list, struct sl_url *ret_url);
bool sl_url_is_list(const char *list);

/*
 * Asterisks take the place of user and password, or token, in whatever looks like a URL; in place,
 * since no text becomes longer.  A list needs no "nats://" to look like URLs.
 */
void sl_url_hide(char *text);
void sl_url_hide_list(char *list);

#endif
