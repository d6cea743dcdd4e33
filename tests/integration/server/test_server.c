/* SPDX-License-Identifier: Apache-2.0 */
/* The private server with real processes. */
#include "sl_test.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/macros.h"
#include "harness/server/layout.h"
#include "harness/server/private_dir.h"
#include "harness/server/server.h"
#include "server_harm.h"
#include "server_scene.h"
#include "stop.h"
#include "until.h"

static struct sl_error err; /* of the call made last; a test is a process of its own */

#define PARENT_TEST(name) SL_TEST(server, name, .init = server_scene_make_parent)
#define HOLDER            SL_SUBJECTS_DIR "/../server_holder"

static struct sl_server *start_or_skip(void)
{
    return server_scene_start(1);
}

PARENT_TEST(a_started_server_answers_and_a_stopped_one_leaves_nothing)
{
    char version[32];

    struct sl_server *server = start_or_skip();
    cr_assert(sl_server_is_alive(server));
    cr_assert_eq(access(sl_server_directory(server), R_OK), 0);
    sl_assert_ok(sl_server_probe(sl_server_url(server), PATIENCE_NS, version, sizeof version, &err),
                 &err);
    cr_assert_str_eq(sl_server_version(server), version);
    cr_assert_str_neq(version, "");
    server_scene_stop_and_check(server);
}

PARENT_TEST(two_servers_live_side_by_side)
{
    struct sl_server *one = start_or_skip();
    struct sl_server *other = start_or_skip();
    cr_assert_str_neq(sl_server_url(one), sl_server_url(other));
    cr_assert_str_neq(sl_server_directory(one), sl_server_directory(other));
    sl_server_stop(one);
    cr_assert(sl_server_is_alive(other));
    server_scene_stop_and_check(other);
}

PARENT_TEST(signals_of_the_terminal_reach_neither_keeper_nor_server)
{
    struct sl_server *server = start_or_skip();
    pid_t pid = sl_server_pid(server, 0), keeper = server_scene_parent_of(pid);
    cr_assert_neq(getsid(pid), getsid(0));
    cr_assert_neq(getpgid(pid), getpgrp());
    cr_assert_eq(getpgid(keeper), keeper);
    server_scene_stop_and_check(server);
}

PARENT_TEST(a_killed_server_is_noticed)
{
    struct sl_server *server = start_or_skip();
    cr_assert_eq(kill(sl_server_pid(server, 0), SIGKILL), 0);
    cr_assert(sl_test_until(!sl_server_is_alive(server), PATIENCE_NS));
    server_scene_stop_and_check(server);
}

PARENT_TEST(a_killed_keeper_takes_the_server_with_it)
{
    struct sl_server *server = start_or_skip();
    cr_assert_eq(kill(server_scene_parent_of(sl_server_pid(server, 0)), SIGKILL), 0);
    cr_assert(sl_test_until(!sl_server_is_alive(server), PATIENCE_NS));
    server_scene_stop_and_check(server);
}

PARENT_TEST(a_frozen_server_does_not_hold_up_the_stop)
{
    struct sl_server *server = start_or_skip();
    cr_assert(sl_test_stop(sl_server_pid(server, 0)));
    server_scene_stop_and_check(server);
}

PARENT_TEST(a_frozen_keeper_does_not_hold_up_the_stop)
{
    struct sl_server *server = start_or_skip();
    cr_assert(sl_test_stop(server_scene_parent_of(sl_server_pid(server, 0))));
    server_scene_stop_and_check(server);
}

static void assert_answers(const char *urls)
{
    char version[32];

    sl_assert_ok(sl_server_probe(urls, PATIENCE_NS, version, sizeof version, &err), &err);
}

PARENT_TEST(a_node_that_is_started_again_has_its_ports_and_its_store)
{
    char url[64], mark[PATH_MAX];

    struct sl_server *server = start_or_skip();
    pid_t first = sl_server_pid(server, 0);
    (void) snprintf(url, sizeof url, "%s", sl_server_url(server));
    (void) snprintf(mark, sizeof mark, "%s/n1/store/mark", sl_server_directory(server));
    int fd = open(mark, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    cr_assert_geq(fd, 0);
    (void) close(fd);
    server_harm_kill(server, 0);
    cr_assert_not(sl_server_is_alive(server));
    sl_assert_ok(sl_server_restart(server, &err), &err);
    cr_assert(sl_server_is_alive(server));
    cr_assert_neq(sl_server_pid(server, 0), first);
    cr_assert(kill(first, 0) < 0 && errno == ESRCH, "what was left of its first life was reaped");
    cr_assert_str_eq(sl_server_url(server), url);
    assert_answers(url);
    cr_assert_eq(access(mark, F_OK), 0);
    server_scene_stop_and_check(server);
}

PARENT_TEST(a_cluster_lives_as_long_as_its_majority_and_is_made_whole_again)
{
    struct sl_server *server = server_scene_start(3);
    assert_answers(sl_server_url(server));
    server_harm_kill(server, 0);
    cr_assert(sl_server_is_alive(server), "two of three");
    server_harm_kill(server, 2);
    cr_assert_not(sl_server_is_alive(server), "one of three");
    sl_assert_ok(sl_server_restart(server, &err), &err);
    cr_assert(sl_server_is_alive(server));
    for (unsigned i = 0; i < 3; i++)
        cr_assert_not(server_scene_is_gone(sl_server_pid(server, i)));
    server_scene_stop_and_check(server);
}

PARENT_TEST(a_killed_keeper_takes_every_node_with_it)
{
    struct sl_server *server = server_scene_start(3);
    cr_assert_eq(kill(server_scene_parent_of(sl_server_pid(server, 1)), SIGKILL), 0);
    for (unsigned i = 0; i < 3; i++)
        cr_assert(sl_test_until(server_scene_is_gone(sl_server_pid(server, i)), PATIENCE_NS));
    cr_assert(sl_test_until(!sl_server_is_alive(server),
                            PATIENCE_NS)); /* its other threads may end after the first */
    server_scene_stop_and_check(server);
}

SL_TEST(server, more_nodes_than_a_cluster_may_have_are_refused)
{
    const struct sl_server_opts opts = {.nodes = 6};
    struct sl_server *server = NULL;

    sl_assert_fails(sl_server_start(&opts, &server, &err), SL_EINVAL, &err, "at most 5 nodes");
}

PARENT_TEST(an_observer_that_ignores_its_children_can_start_and_stop)
{
    cr_assert_neq(signal(SIGCHLD, SIG_IGN), SIG_ERR);
    server_scene_stop_and_check(start_or_skip());
}

PARENT_TEST(a_killed_observer_leaves_nothing)
{
    pid_t server;

    pid_t holder = server_scene_start_holder_or_skip(NULL, &server);
    server_scene_kill_and_reap(holder);
    server_scene_wait_until_nothing_is_left();
    cr_assert(server_scene_is_gone(server));
    cr_assert_eq(rmdir(server_scene_parent), 0);
}

PARENT_TEST(an_observer_killed_at_any_moment_of_the_start_leaves_nothing)
{
    sl_server_stop(start_or_skip());
    for (uint64_t i = 0; i < 20; i++) {
        FILE *output;
        pid_t holder = server_scene_start_holder(NULL, &output);
        sl_clock_sleep_ns(i * 2 * SL_NS_PER_MS); /* the moment, not a wait for something */
        server_scene_kill_and_reap(holder);
        server_scene_wait_until_nothing_is_left();
        (void) fclose(output);
    }
    cr_assert_eq(rmdir(server_scene_parent), 0);
}

PARENT_TEST(what_a_killed_observer_and_keeper_leave_is_removed_by_the_next_start)
{
    pid_t server;

    pid_t holder = server_scene_start_holder_or_skip(NULL, &server);
    pid_t keeper = server_scene_parent_of(server);
    cr_assert(sl_test_stop(keeper)); /* so that it can not act on the observer's end */
    server_scene_kill_and_reap(holder);
    cr_assert_eq(kill(keeper, SIGKILL), 0);
    cr_assert(
        sl_test_until(server_scene_is_gone(server) && server_scene_is_gone(keeper), PATIENCE_NS));
    cr_assert_not(server_scene_parent_is_empty());
    server_scene_stop_and_check(start_or_skip());
}

/* The holder where files are mounted over by `mount`, which nobody else sees, and what it says. */
static void assert_holder_says(const char *mount, const char *expected)
{
    char command[PATH_MAX + 512], text[512];

    (void) snprintf(command, sizeof command,
                    "unshare -rm sh -c '%s; exec \"$0\" 2>&1' '%s' || echo status $?", mount,
                    HOLDER);
    FILE *output = popen(command, "re");
    cr_assert(output);
    text[fread(text, 1, sizeof text - 1, output)] = '\0';
    (void) pclose(output);
    cr_assert_eq(rmdir(server_scene_parent), 0);
    if (strstr(text, "status 1\n") || strstr(text, "status 77\n"))
        cr_skip_test("no mount namespace is to be had");
    cr_assert_str_eq(text, expected);
}

PARENT_TEST(without_an_installed_server_the_text_says_what_to_do)
{
    cr_assert_eq(setenv("PATH", "/usr/bin:/bin", 1), 0);
    assert_holder_says("for f in /usr/sbin /usr/local/bin /usr/local/sbin; do f=$f/nats-server; "
                       "[ ! -e $f ] || mount --bind /dev/null $f || exit 77; done",
                       "server_holder: not found: nats-server is not installed: 'apt-get install "
                       "nats-server', or use --transport memory\nstatus 3\n");
}

PARENT_TEST(without_a_null_device_no_server_is_started)
{
    sl_server_stop(start_or_skip());
    assert_holder_says("mount --bind /dev/null /dev/null && "
                       "mount -o remount,bind,nodev /dev/null || exit 77",
                       "server_holder: not allowed: cannot open '/dev/null': Permission denied\n"
                       "status 3\n");
}

PARENT_TEST(a_named_program_that_is_absent_is_named)
{
    struct sl_server *server = NULL;
    const struct sl_server_opts opts = {.program = "no-such-nats-server"};

    sl_assert_fails(sl_server_start(&opts, &server, &err), SL_ENOENT, &err,
                    "'no-such-nats-server'");
    cr_assert_not(server);
    cr_assert(server_scene_parent_is_empty());
    cr_assert_eq(rmdir(server_scene_parent), 0);
}

/* Start a program that is no server; nothing must be left. */
static void
start_fails(const char *text, uint64_t timeout_ns, enum sl_status expected, const char *part)
{
    struct sl_server *server = NULL;
    char path[PATH_MAX];

    server_scene_make_parent();
    server_scene_write_program(path, text);
    const struct sl_server_opts opts = {.program = path, .start_timeout_ns = timeout_ns};
    sl_assert_fails(sl_server_start(&opts, &server, &err), expected, &err, part);
    cr_assert_not(server);
    cr_assert_eq(unlink(path), 0);
    cr_assert(server_scene_parent_is_empty());
    cr_assert(server_scene_no_process_is_left());
    cr_assert_eq(rmdir(server_scene_parent), 0);
}

SL_TEST(server, a_program_that_can_not_be_executed_is_named)
{
    start_fails("\177ELF and nothing else", 0, SL_ESYS, "/program': Exec format error");
}

SL_TEST(server, a_server_that_ends_early_is_told_with_the_fatal_line_of_its_log)
{
    start_fails("#!/bin/sh\necho '[INF] hello'; echo '[FTL] no room' >&2; echo bye; exit 1\n", 0,
                SL_EGONE, "ended before it was ready: [FTL] no room");
}

SL_TEST(server, a_configuration_that_has_no_room_is_an_error)
{
    const struct sl_server_layout layout = {.n_nodes = 1};
    char text[16];

    sl_assert_fails(sl_server_layout_config(&layout, 0, text, sizeof text, &err), SL_ESYS, &err,
                    "cannot write the server's configuration");
}

SL_TEST(server, a_server_that_says_nothing_is_told_so)
{
    start_fails("#!/bin/sh\nexit 1\n", 0, SL_EGONE, "its log is empty");
}

SL_TEST(server, a_server_that_never_gets_ready_is_given_up_and_ended)
{
    start_fails("#!/bin/sh\necho waiting\nexec sleep 1000\n", 500 * SL_NS_PER_MS, SL_ETIMEDOUT,
                "waiting");
}

SL_TEST(server, an_unusable_temporary_directory_is_named)
{
    struct sl_server *server = NULL;

    sl_server_stop(start_or_skip());
    cr_assert_eq(setenv("TMPDIR", "/proc/self", 1), 0);
    sl_assert_fails(sl_server_start(NULL, &server, &err), SL_ESYS, &err, "'/proc/self/strandline-");
}
