/* SPDX-License-Identifier: Apache-2.0 */
#include "sl_test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/macros.h"
#include "harness/server/server.h"

#define VERSION_SIZE 32
#define LONG_NS      (60 * SL_NS_PER_S)
#define SHORT_NS     (20 * SL_NS_PER_MS)

/* A peer on loopback that accepts one connection, says its lines and closes. */
struct peer {
    const char *const *lines; /* sent one by one, ended by NULL */
    bool stays;               /* closes once the other one has */
    int fd;
    pthread_t thread;
    char url[64];
};

static int listen_on_loopback(uint16_t *ret_port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;

    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_geq(fd, 0);
    cr_assert_eq(bind(fd, (struct sockaddr *) &address, size), 0);
    cr_assert_eq(listen(fd, 1), 0);
    cr_assert_eq(getsockname(fd, (struct sockaddr *) &address, &size), 0);
    *ret_port = ntohs(address.sin_port);
    return fd;
}

static void *play_peer(void *data)
{
    const struct peer *peer = data;
    SL_AUTO_FD int fd = accept(peer->fd, NULL, NULL);

    for (const char *const *line = peer->lines; fd >= 0 && *line; line++)
        (void) send(fd, *line, strlen(*line), MSG_NOSIGNAL);
    if (peer->stays)
        (void) recv(fd, &(char){0}, 1, 0);
    return NULL;
}

static void start_peer(struct peer *peer, const char *const *lines)
{
    uint16_t port;

    peer->lines = lines;
    peer->fd = listen_on_loopback(&port);
    (void) snprintf(peer->url, sizeof peer->url, "nats://127.0.0.1:%u", port);
    cr_assert_eq(pthread_create(&peer->thread, NULL, play_peer, peer), 0);
}

static void end_peer(struct peer *peer)
{
    (void) shutdown(peer->fd, SHUT_RDWR); /* ends an accept that nobody answered */
    (void) pthread_join(peer->thread, NULL);
    (void) close(peer->fd);
}

/* URL of a port that refuses: it was bound a moment ago and is closed. */
static void make_refusing_url(char url[64], const char *user)
{
    uint16_t port;

    (void) close(listen_on_loopback(&port));
    (void) snprintf(url, 64, "nats://%s127.0.0.1:%u", user, port);
}

static void probe_peer_saying(const char *const *lines, const char *expected_version)
{
    struct sl_error err = {0};
    char version[VERSION_SIZE] = "untouched";
    struct peer peer = {.stays = false};

    start_peer(&peer, lines);
    sl_assert_ok(sl_server_probe(peer.url, LONG_NS, version, sizeof version, &err), &err);
    cr_assert_str_eq(version, expected_version);
    end_peer(&peer);
}

SL_TEST(server_probe, the_version_is_read_from_a_line_that_comes_in_pieces)
{
    static const char *const lines[] = {"INFO {\"server_id\":\"X\",\"ver", "sion\":\"2.9.10\",",
                                        "\"proto\":1}\r\n", NULL};
    probe_peer_saying(lines, "2.9.10");
}

SL_TEST(server_probe, a_key_within_a_string_is_not_the_version)
{
    static const char *const lines[] = {
        "INFO {\"server_name\":\"\\\"version\\\":\\\"9\\\"\",\"version\": \"2.10.1\"}\r\n", NULL};
    probe_peer_saying(lines, "2.10.1");
}

SL_TEST(server_probe, a_version_that_is_absent_or_does_not_fit_is_empty)
{
    static const char *const absent[] = {"INFO {\"server_id\":\"X\"}\r\n", NULL};
    static const char *const number[] = {"INFO {\"version\":2}\r\n", NULL};
    static const char *const unended[] = {"INFO {\"version\":\"2.9.1", NULL};
    static const char *const longer[] = {
        "INFO {\"version\":\"12345678901234567890123456789012\"}\r\n", NULL};

    probe_peer_saying(absent, "");
    probe_peer_saying(number, "");
    probe_peer_saying(unended, "");
    probe_peer_saying(longer, "");
}

SL_TEST(server_probe, a_version_that_the_caller_has_no_room_for_is_empty)
{
    static const char *const lines[] = {"INFO {\"version\":\"2.9.10\"}\r\n", NULL};
    struct sl_error err = {0};
    char version[6] = "other";
    struct peer peer = {.stays = false};

    start_peer(&peer, lines);
    sl_assert_ok(sl_server_probe(peer.url, LONG_NS, version, sizeof version, &err), &err);
    cr_assert_str_eq(version, "");
    end_peer(&peer);
}

SL_TEST(server_probe, who_does_not_speak_nats_is_told_apart)
{
    static const char *const http[] = {"HTTP/1.1 400 Bad Request\r\n", NULL};
    static const char *const nothing[] = {NULL};
    static const char *const *const cases[] = {http, nothing};

    for (size_t i = 0; i < SL_COUNT_OF(cases); i++) {
        struct sl_error err = {0};
        char version[VERSION_SIZE] = "untouched";
        struct peer peer = {.stays = false};

        start_peer(&peer, cases[i]);
        sl_assert_fails(sl_server_probe(peer.url, LONG_NS, version, sizeof version, &err),
                        SL_EPROTO, &err, "does not speak NATS");
        cr_assert_str_eq(version, "untouched");
        end_peer(&peer);
    }
}

SL_TEST(server_probe, a_refusal_names_the_server_without_the_password)
{
    struct sl_error err = {0};
    char version[VERSION_SIZE], url[64], shown[64];

    make_refusing_url(url, "user:secret@");
    (void) snprintf(shown, sizeof shown, "'nats://%s': Connection refused", strchr(url, '@') + 1);
    sl_assert_fails(sl_server_probe(url, LONG_NS, version, sizeof version, &err), SL_ECONNECT, &err,
                    shown);
    cr_assert_not(strstr(err.text, "secret"));
}

SL_TEST(server_probe, who_accepts_and_says_nothing_is_given_up)
{
    struct sl_error err = {0};
    char version[VERSION_SIZE], url[64];
    uint16_t port;

    SL_AUTO_FD int fd = listen_on_loopback(&port);
    cr_assert_geq(fd, 0);
    (void) snprintf(url, sizeof url, "127.0.0.1:%u", port);
    sl_assert_fails(sl_server_probe(url, SHORT_NS, version, sizeof version, &err), SL_ECONNECT,
                    &err, "Connection timed out");
}

SL_TEST(server_probe, who_does_not_end_its_line_is_given_up)
{
    static const char *const begun[] = {"INFO {\"version\":\"2.9.10\",", NULL};
    struct sl_error err = {0};
    char version[VERSION_SIZE] = "untouched";
    struct peer peer = {.stays = true};

    start_peer(&peer, begun);
    sl_assert_fails(sl_server_probe(peer.url, 10 * SHORT_NS, version, sizeof version, &err),
                    SL_ECONNECT, &err, "Connection timed out");
    cr_assert_str_eq(version, "untouched");
    end_peer(&peer);
}

SL_TEST(server_probe, the_first_of_a_list_that_answers_is_believed)
{
    static const char *const lines[] = {"INFO {\"version\":\"2.9.10\"}\r\n", NULL};
    struct sl_error err = {0};
    char version[VERSION_SIZE], refusing[64], list[160];
    struct peer peer = {.stays = false};

    make_refusing_url(refusing, "");
    start_peer(&peer, lines);
    (void) snprintf(list, sizeof list, "%s,%s/", refusing, peer.url);
    sl_assert_ok(sl_server_probe(list, LONG_NS, version, sizeof version, &err), &err);
    cr_assert_str_eq(version, "2.9.10");
    cr_assert_eq(err.status, SL_OK, "no error is left behind by the one that refused");
    end_peer(&peer);
}

SL_TEST(server_probe, what_is_not_a_list_of_addresses_is_refused_before_any_connection)
{
    static const char *const cases[] = {"",
                                        ",",
                                        "nats://",
                                        "127.0.0.1:4222,",
                                        "http://127.0.0.1:4222",
                                        "127.0.0.1:0",
                                        "127.0.0.1:65536",
                                        "127.0.0.1:",
                                        "127.0.0.1:x",
                                        "127.0.0.1:1/x",
                                        "[::1",
                                        "[::1]x",
                                        "::1",
                                        "user@:4222"};
    for (size_t i = 0; i < SL_COUNT_OF(cases); i++) {
        struct sl_error err = {0};
        char version[VERSION_SIZE] = "untouched";

        enum sl_status status = sl_server_probe(cases[i], LONG_NS, version, sizeof version, &err);
        cr_assert_eq(status, SL_EINVAL, "%s: %s", cases[i], err.text);
        cr_assert_str_eq(version, "untouched");
    }
}
