/* SPDX-License-Identifier: Apache-2.0 */
/* Servers that begin well and do not go on: a run and an agent say so before they begin. */
#include "sl_test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/macros.h"
#include "strandline.h"

#define INFO(more) "INFO {\"server_id\":\"X\",\"version\":\"2.9.10\"," more "\"proto\":1}\r\n"
/* Two questions of 5 s each; a subject that hangs is given up after 20 s, and looked at then. */
#define LIMIT_NS (20 * SL_NS_PER_S)

static const char scenario[] = "{\"load\": {\"events\": 50, \"topics\": 4, \"aggregates\": 8},\n"
                               " \"limits\": {\"timeout\": \"20s\", \"settle\": \"500ms\"},\n"
                               " \"modes\": {\"direct\": {}}, \"play\": [\"direct\"]}\n";

struct peer {
    const char *greeting; /* said once */
    const char *flood;    /* then again and again; NULL: silence */
    int fd;
    char url[64];
};

static void talk(const struct peer *peer, int fd)
{
    char ignored[4096];

    if (send(fd, peer->greeting, strlen(peer->greeting), MSG_NOSIGNAL) < 0)
        return;
    while (peer->flood && send(fd, peer->flood, strlen(peer->flood), MSG_NOSIGNAL) > 0)
        ;
    while (recv(fd, ignored, sizeof ignored, 0) > 0)
        ;
}

static void *serve(void *data)
{
    const struct peer *peer = data;

    for (int fd; (fd = accept(peer->fd, NULL, NULL)) >= 0; (void) close(fd))
        talk(peer, fd);
    return NULL;
}

/* It serves until the test's process ends, so the peer is static. */
static void start(struct peer *peer)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    pthread_t thread;

    peer->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_geq(peer->fd, 0);
    cr_assert_eq(bind(peer->fd, (const struct sockaddr *) &address, size), 0);
    cr_assert_eq(listen(peer->fd, 8), 0);
    cr_assert_eq(getsockname(peer->fd, (struct sockaddr *) &address, &size), 0);
    (void) snprintf(peer->url, sizeof peer->url, "nats://127.0.0.1:%u", ntohs(address.sin_port));
    cr_assert_eq(pthread_create(&thread, NULL, serve, peer), 0);
    (void) pthread_detach(thread);
}

static void enter(void)
{
    strandline_enter();
    (void) strandline_file("few.json", scenario);
    (void) prctl(PR_SET_CHILD_SUBREAPER, 1); /* what is left of a run is then a child of ours */
}

#define MUTE_TEST(name) SL_TEST(server_mute, name, .init = enter, .fini = strandline_leave)

/* @param before, after  of the server's URL in the sentence */
static void expect_cause(const struct peer *peer, const struct command_result *result,
                         uint64_t began_ns, const char *before, const char *after)
{
    char cause[256];

    (void) snprintf(cause, sizeof cause, "%s'%s'%s\n", before, peer->url, after);
    cr_assert_eq(result->status, 3, "%d: %s", result->status, result->errors);
    cr_assert(strstr(result->errors, cause), "%sis not:\n%s", cause, result->errors);
    cr_assert_lt(sl_clock_now_ns() - began_ns, LIMIT_NS);
    cr_assert_eq(waitpid(-1, NULL, 0), -1, "a process was left");
    cr_assert_eq(errno, ECHILD);
}

/* For a run and for an agent. */
static void expect(struct peer greeting, const char *before, const char *after)
{
    static struct peer peer;

    peer = greeting;
    start(&peer);
    uint64_t began_ns = sl_clock_now_ns();
    struct command_result run = strandline_run("run", "few.json", "--server", peer.url, NULL);
    expect_cause(&peer, &run, began_ns, before, after);
    began_ns = sl_clock_now_ns();
    struct command_result agent = strandline_run("agent", "--server", peer.url, NULL);
    expect_cause(&peer, &agent, began_ns, before, after);
}

MUTE_TEST(silence_after_the_first_line_is_told)
{
    expect((struct peer){.greeting = INFO()}, "the server at ", " does not answer a PING");
}

MUTE_TEST(silence_of_a_server_that_wants_credentials_is_told)
{
    expect((struct peer){.greeting = INFO("\"auth_required\":true,")}, "the server at ",
           " does not answer a PING");
}

MUTE_TEST(silence_of_a_server_that_wants_tls_is_told)
{
    expect((struct peer){.greeting = INFO("\"tls_required\": true,")}, "the server at ",
           " asks for TLS and does not answer it");
}

MUTE_TEST(pings_without_end_are_told)
{
    expect((struct peer){.greeting = INFO(), .flood = "PING\r\n"}, "the server at ",
           " answers a PING with something else than PONG");
}

MUTE_TEST(first_lines_without_end_are_told)
{
    expect((struct peer){.greeting = INFO(), .flood = INFO()}, "the server at ",
           " answers a PING with something else than PONG");
}

MUTE_TEST(a_first_line_without_end_is_told)
{
    expect((struct peer){.greeting = "INFO {", .flood = "\"version\":\"2.9.10\","}, "",
           " sends an INFO line that has no end");
}

MUTE_TEST(one_of_several_servers_that_falls_silent_is_told)
{
    static struct peer refuses = {.greeting = ""}, mute = {.greeting = INFO()};
    char list[160];

    start(&mute);
    start(&refuses);
    (void) shutdown(refuses.fd, SHUT_RDWR);
    (void) close(refuses.fd);
    (void) snprintf(list, sizeof list, "%s,%s", refuses.url, mute.url);
    uint64_t began_ns = sl_clock_now_ns();
    struct command_result run = strandline_run("run", "few.json", "--server", list, NULL);
    expect_cause(&mute, &run, began_ns, "the server at ", " does not answer a PING");
}

MUTE_TEST(nothing_and_nonsense_are_told_by_a_run)
{
    static struct peer silent = {.greeting = ""};
    static struct peer nonsense = {.greeting = "\x7f", .flood = "ELF\1\1\n"};

    start(&silent);
    uint64_t began_ns = sl_clock_now_ns();
    struct command_result run = strandline_run("run", "few.json", "-s", silent.url, NULL);
    expect_cause(&silent, &run, began_ns, "cannot read from ", ": Connection timed out");
    start(&nonsense);
    began_ns = sl_clock_now_ns();
    run = strandline_run("run", "few.json", "-s", nonsense.url, NULL);
    expect_cause(&nonsense, &run, began_ns, "", " does not speak NATS");
}
