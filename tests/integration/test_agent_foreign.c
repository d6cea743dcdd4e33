/* SPDX-License-Identifier: Apache-2.0 */
/* Agents and observers that are not like us: another version, another clock, no sense at all. */
#include "sl_test.h"

#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "agent_scene.h"
#include "harness/agent/fleet.h"
#include "harness/agent/peer.h"

static struct sl_error err; /* of the call made last; a test is a process of its own */

/* Bytes that a peer of version 9 would send: what every version begins with. */
static void send_foreign(struct sl_peer *peer, const char *subject, uint64_t run)
{
    SL_CLEANUP(sl_packer_release) struct sl_packer packer = {0};
    sl_pack_bytes(&packer, "SLAG", 4);
    sl_pack_number(&packer, 9);
    sl_pack_number(&packer, run);
    sl_pack_text(&packer, "newer on north");
    sl_pack_bytes(&packer, "\1\2\3", 3);
    sl_assert_ok(sl_link_send(peer->link, subject, packer.data, packer.size, &err), &err);
}

static bool queue_all(void *user, const void *data, size_t size)
{
    (void) user;
    (void) data;
    (void) size;
    return false;
}

static struct sl_wire_header await_header(struct sl_link *link)
{
    struct pollfd fd = {.fd = sl_link_fd(link), .events = POLLIN};
    struct sl_wire_header header;

    cr_assert_eq(poll(&fd, 1, 60000), 1, "no message within a minute");
    struct sl_link_message *message = sl_link_take(link);
    struct sl_unpacker unpacker = {.at = message->data, .left = message->size};
    cr_assert(sl_wire_unpack_header(&unpacker, &header));
    free(message);
    return header;
}

AGENT_TEST(agent_foreign, an_observer_of_another_version_is_refused_and_told_ours)
{
    struct sl_peer peer = {0};
    char subject[SL_WIRE_SUBJECT_MAX];

    agent_server_start(1);
    (void) agent_start("east", "load", NULL);
    agent_wait_until_said("east", "waits for a run");
    sl_wire_observer_subject(77, subject);
    const struct sl_link_opts opts = {.servers = sl_server_url(agent_server()),
                                      .name = "test",
                                      .subjects = {subject},
                                      .intercept = queue_all};
    sl_assert_ok(sl_link_open(&opts, &peer.link, &err), &err);
    const struct sl_wire_header own = {.run = 77, .kind = SL_WIRE_KIND_CALL, .part = 9};
    sl_assert_ok(sl_peer_send(&peer, subject, &own, NULL, &err), &err);
    struct sl_wire_header header = await_header(peer.link);
    cr_assert(header.run == 77 && header.part == 0 && !header.more, "its own, whole");
    send_foreign(&peer, SL_WIRE_CALL, 77);
    header = await_header(peer.link);
    cr_assert_eq(header.protocol, SL_WIRE_PROTOCOL);
    cr_assert(strstr(header.from, "east on "), "%s", header.from);
    agent_wait_until_said("east", "refused a run of newer on north: it speaks version 9");
    sl_link_close(peer.link);
}

AGENT_TEST(agent_foreign, an_agent_of_another_version_is_named_when_agents_are_missing)
{
    struct sl_peer peer = {0};
    char subject[SL_WIRE_SUBJECT_MAX];

    agent_server_start(1);
    const struct sl_link_opts opts = {.servers = sl_server_url(agent_server()),
                                      .name = "test",
                                      .subjects = {SL_WIRE_CALL},
                                      .intercept = queue_all};
    sl_assert_ok(sl_link_open(&opts, &peer.link, &err), &err);
    const char *const argv[] = {"sh",
                                "-c",
                                "exec \"$0\" \"$@\" 2>run.log",
                                strandline_program(),
                                "run",
                                "./quick.json",
                                "--server",
                                sl_server_url(agent_server()),
                                "--agents",
                                "1",
                                "--agents-wait",
                                "2s",
                                NULL};
    const struct command command = {.argv = argv, .directory = strandline_directory()};
    pid_t observer = command_start(&command);
    struct sl_wire_header header = await_header(peer.link);
    sl_wire_observer_subject(header.run, subject);
    send_foreign(&peer, subject, header.run);
    cr_assert_eq(command_wait(observer, 60), 3);
    agent_wait_until_said("run", "newer on north speaks version 9 of the protocol, not 2");
    sl_link_close(peer.link);
}

/* Bytes of no sense at all, to everyone who listens. */
AGENT_TEST(agent_foreign, noise_on_its_subjects_moves_nobody)
{
    struct sl_peer peer = {0};
    unsigned char noise[300];

    agent_server_start(1);
    (void) agent_start("east", "load", NULL);
    agent_wait_until_said("east", "waits for a run");
    const struct sl_link_opts opts = {
        .servers = sl_server_url(agent_server()), .name = "test", .intercept = queue_all};
    sl_assert_ok(sl_link_open(&opts, &peer.link, &err), &err);
    for (unsigned i = 0; i < sizeof noise; i++) {
        memcpy(noise, "SLAG\1", 5);
        for (unsigned j = i % 6; j < sizeof noise; j++)
            noise[j] = (unsigned char) (i * 7 + j * j);
        sl_assert_ok(sl_link_send(peer.link, SL_WIRE_CALL, noise, i, &err), &err);
    }
    struct command_result result = agent_run_shared("./quick.json", "1");
    cr_assert_eq(result.status, 0, "%s\n%s", result.output, result.errors);
    sl_link_close(peer.link);
}

/* A CLOCK_MONOTONIC of its own, 1000 s ahead. */
#define SHIFTED "unshare --time --monotonic 1000 --fork --kill-child -- "

AGENT_TEST(agent_foreign, a_clock_of_another_machine_is_measured_and_corrected)
{
    agent_server_start(1);
    if (system(SHIFTED "true 2>/dev/null") != 0) {
        agent_leave(); /* a test that is skipped has no .fini */
        cr_skip_test("no time namespace can be made here");
    }
    (void) agent_start_by(SHIFTED, "east", "load", NULL);
    (void) agent_start_by(SHIFTED, "west", "load", NULL);
    struct command_result result = agent_run_shared("./quick.json", "load=2");
    cr_assert_eq(result.status, 0, "%s\n%s", result.output, result.errors);

    json_auto_t *root = strandline_json("report.json");
    const json_t *trial = json_at(root, "cells.0.trials.0");
    for (size_t i = 0; i < 2; i++) {
        const json_t *agent = json_array_get(json_at(trial, "agents"), i);
        long offset = json_number_at(agent, "clock.offset_ns");
        long uncertainty = json_number_at(agent, "clock.uncertainty_ns");
        cr_assert_gt(uncertainty, 0);
        cr_assert_leq(labs(offset + 1000000000000L), uncertainty, "off by %ld, known to within %ld",
                      offset + 1000000000000L, uncertainty);
    }
    /* Either the clocks were known well enough, and latencies are what they can be, or not. */
    const json_t *p50 = json_at(trial, "latency.end_to_end.p50");
    if (json_is_null(p50))
        cr_assert(strstr(json_text_at(trial, "latency.end_to_end.missing.p50"), "clocks"));
    else
        cr_assert_lt(json_integer_value(p50), 60000000000, "not 1000 s");
    agent_assert_valid("report.json");
}

/* The linker gives them their names: they are called for pthread_create and pthread_join. */
int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*run)(void *),
                          void *argument);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*run)(void *),
                          void *argument);
int __real_pthread_join(pthread_t thread, void **result);
int __wrap_pthread_join(pthread_t thread, void **result);

static int n_unjoined;

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*run)(void *),
                          void *argument)
{
    n_unjoined++;
    return __real_pthread_create(thread, attr, run, argument);
}

int __wrap_pthread_join(pthread_t thread, void **result)
{
    n_unjoined--;
    return __real_pthread_join(thread, result);
}

AGENT_TEST(agent_foreign, a_fleet_joins_its_thread_when_it_is_closed)
{
    struct sl_fleet *fleet = NULL;

    agent_server_start(1);
    (void) agent_start("east", "load", "--once");
    const struct sl_fleet_opts opts = {.servers = sl_server_url(agent_server()),
                                       .n_of[SL_PART_PUBLISH] = 1,
                                       .wait_ns = 60 * SL_NS_PER_S,
                                       .wake_fd = -1};
    sl_assert_ok(sl_fleet_open(&opts, &fleet, &err), &err);
    cr_assert_eq(n_unjoined, 1);
    sl_fleet_close(fleet);
    cr_assert_eq(n_unjoined, 0);
    cr_assert_eq(agent_end(0, 0), 0, "it was dismissed");
}
