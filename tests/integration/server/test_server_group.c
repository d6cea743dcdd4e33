/* SPDX-License-Identifier: Apache-2.0 */
/* Servers that are more than one process: all of them end, and what they print takes no room. */
#include "sl_test.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/macros.h"
#include "server_scene.h"

static struct sl_error err; /* of the call made last; a test is a process of its own */

#define GROUP_TEST(name) SL_TEST(server_group, name, .init = server_scene_make_parent)

/* Programs that start the installed server, which is found beside the usual places, too. */
#define SCRIPT(text) "#!/bin/sh\nPATH=$PATH:/usr/sbin:/usr/local/bin\n" text
#define BEHIND       SCRIPT("trap '' TERM HUP\nnats-server \"$@\"\n")
#define BACKGROUND   SCRIPT("(setsid nats-server \"$@\" &)\nexec sleep 1000\n")

static void start_or_skip(const char *text, struct sl_server **ret_server)
{
    char path[PATH_MAX];

    sl_server_stop(server_scene_start(1)); /* skips where no server is installed */
    server_scene_write_program(path, text);
    const struct sl_server_opts opts = {.program = path};
    sl_assert_ok(sl_server_start(&opts, ret_server, &err), &err);
    cr_assert_eq(unlink(path), 0);
}

GROUP_TEST(all_processes_of_a_server_end_with_it)
{
    static const char *const programs[] = {
        BEHIND,
        BACKGROUND,
        SCRIPT("exec <&- >&- 2>&-\nnats-server \"$@\" &\nwait\n"),
        SCRIPT("sleep 1000 &\n(setsid sleep 1000 &)\nexec nats-server \"$@\"\n"),
        SCRIPT("while :; do echo much; done &\nexec nats-server \"$@\"\n"),
    };
    for (size_t i = 0; i < SL_COUNT_OF(programs); i++) {
        struct sl_server *server = NULL;
        start_or_skip(programs[i], &server);
        cr_assert_not(server_scene_no_process_is_left());
        sl_server_stop(server);
        cr_assert(server_scene_no_process_is_left(), "%s", programs[i]);
        cr_assert(server_scene_parent_is_empty());
    }
    cr_assert_eq(rmdir(server_scene_parent), 0);
}

GROUP_TEST(a_killed_observer_leaves_no_process_of_a_server)
{
    static const char *const programs[] = {BEHIND, BACKGROUND};

    sl_server_stop(server_scene_start(1));
    for (size_t i = 0; i < SL_COUNT_OF(programs); i++) {
        char path[PATH_MAX];
        pid_t server;
        server_scene_write_program(path, programs[i]);
        pid_t holder = server_scene_start_holder_or_skip(path, &server);
        cr_assert_eq(unlink(path), 0);
        server_scene_kill_and_reap(holder);
        server_scene_wait_until_nothing_is_left();
    }
    cr_assert_eq(rmdir(server_scene_parent), 0);
}

GROUP_TEST(a_killed_keeper_leaves_no_process_of_a_server_behind_a_script)
{
    struct sl_server *server = NULL;

    start_or_skip(BEHIND, &server);
    cr_assert_eq(kill(server_scene_parent_of(sl_server_pid(server, 0)), SIGKILL), 0);
    server_scene_stop_and_check(server);
}

GROUP_TEST(a_server_that_went_away_from_its_script_before_it_was_ready_ends_as_well)
{
    struct sl_server *server = NULL;
    char path[PATH_MAX];

    sl_server_stop(server_scene_start(1));
    server_scene_write_program(path, SCRIPT("(setsid sleep 1000 &)\nexit 0\n"));
    const struct sl_server_opts opts = {.program = path};
    sl_assert_fails(sl_server_start(&opts, &server, &err), SL_EGONE, &err, "ended before it was");
    cr_assert_eq(unlink(path), 0);
    cr_assert(server_scene_no_process_is_left());
    cr_assert(server_scene_parent_is_empty());
    cr_assert_eq(rmdir(server_scene_parent), 0);
}

GROUP_TEST(of_a_long_log_the_end_is_kept)
{
    struct sl_server *server = NULL;
    char path[PATH_MAX];

    server_scene_write_program(path, "#!/bin/sh\nyes '[ERR] all the time' | head -c 200000000\n"
                                     "printf '[FTL] the \\000last one\\n'\nexit 1\n");
    const struct sl_server_opts opts = {.program = path};
    sl_assert_fails(sl_server_start(&opts, &server, &err), SL_EGONE, &err, "[FTL] the ?last one");
    cr_assert_eq(unlink(path), 0);
    cr_assert(server_scene_parent_is_empty());
    cr_assert_eq(rmdir(server_scene_parent), 0);
}
