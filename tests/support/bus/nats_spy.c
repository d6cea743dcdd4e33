/* SPDX-License-Identifier: Apache-2.0 */
#include "nats_spy.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define WAIT_MS 10000

static bool send_text(int fd, const char *text)
{
    size_t size = strlen(text);
    return send(fd, text, size, MSG_NOSIGNAL) == (ssize_t) size;
}

/* Count what looks like the header of a message: the payloads here never do. */
static void scan(struct nats_spy *spy, const char *bytes, size_t size)
{
    char text[sizeof spy->tail + 4096 + 1];
    size_t used = strlen(spy->tail);
    memcpy(text, spy->tail, used);
    memcpy(text + used, bytes, size);
    used += size;
    text[used] = '\0';
    const char *rest = text;
    for (const char *at; (at = strstr(rest, "\nMSG ")) != NULL; rest = at + 5)
        spy->n_messages++;
    size_t kept = strlen(rest) < 4 ? strlen(rest) : 4;
    memcpy(spy->tail, text + used - kept, kept);
    spy->tail[kept] = '\0';
}

/* Read until `until` has come, or with NULL what is there.  @return false when it did not come */
static bool read_until(struct nats_spy *spy, const char *until)
{
    char bytes[4096];
    struct pollfd ready = {.fd = spy->fd, .events = POLLIN};
    while (poll(&ready, 1, until ? WAIT_MS : 0) > 0) {
        ssize_t size = recv(spy->fd, bytes, sizeof bytes - 1, 0);
        if (size <= 0)
            return false;
        bytes[size] = '\0';
        scan(spy, bytes, (size_t) size);
        if (until && strstr(bytes, until))
            return true;
    }
    return !until;
}

static bool ping(struct nats_spy *spy)
{
    return send_text(spy->fd, "PING\r\n") && read_until(spy, "PONG");
}

bool nats_spy_open(struct nats_spy *spy, const char *url, const char *subject)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    char user[64] = "", password[64] = "", host[64], line[256];
    unsigned short port = 0;

    *spy = (struct nats_spy){.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    bool named =
        sscanf(url, "nats://%63[^:@]:%63[^@]@%63[^:]:%hu", user, password, host, &port) == 4;
    if ((!named && sscanf(url, "nats://%63[^:]:%hu", host, &port) != 2) ||
        inet_pton(AF_INET, host, &address.sin_addr) != 1)
        return false;
    address.sin_port = htons(port);
    (void) snprintf(line, sizeof line,
                    "CONNECT {\"verbose\":false,\"user\":\"%s\",\"pass\":\"%s\"}\r\n", user,
                    password);
    if (connect(spy->fd, (struct sockaddr *) &address, sizeof address) || !send_text(spy->fd, line))
        return false;
    (void) snprintf(line, sizeof line, "SUB %s 1\r\n", subject ? subject : "unused");
    return send_text(spy->fd, line) && ping(spy);
}

void nats_spy_close(struct nats_spy *spy)
{
    (void) close(spy->fd);
}

unsigned nats_spy_count(struct nats_spy *spy)
{
    (void) read_until(spy, NULL);
    return spy->n_messages;
}

bool nats_spy_publish(struct nats_spy *spy, const char *subject, const char *payload)
{
    char line[1024];
    (void) snprintf(line, sizeof line, "PUB %s spy.answers %zu\r\n%s\r\n", subject, strlen(payload),
                    payload);
    return send_text(spy->fd, line) && ping(spy);
}
