/* SPDX-License-Identifier: Apache-2.0 */
/* Runs that agents share, and what may happen to agents, observers and servers in the middle. */
#include "sl_test.h"

#include <signal.h>
#include <string.h>

#include "agent_scene.h"
#include "server_harm.h"

static long sum_over_agents(const json_t *trial, const char *role, const char *key)
{
    const json_t *list = json_at(trial, "agents");
    long sum = 0;

    for (size_t i = 0; i < json_array_size(list); i++)
        if (strcmp(json_text_at(json_array_get(list, i), "role"), role) == 0)
            sum += json_number_at(json_array_get(list, i), key);
    return sum;
}

AGENT_TEST(agent, two_loads_and_a_consumer_share_a_run_on_a_cluster)
{
    agent_server_start(3);
    (void) agent_start("east", "load", NULL);
    (void) agent_start("west", "load", NULL);
    (void) agent_start("south", "consume", NULL);
    struct command_result result = agent_run_shared("low", "load=2,consume=1");
    cr_assert_eq(result.status, 0, "%s\n%s", result.output, result.errors);
    cr_assert(strstr(result.output, "shared by agents "), "%s", result.output);
    agent_assert_valid("report.json");

    json_auto_t *root = strandline_json("report.json");
    cr_assert_eq(json_array_size(json_at(root, "cells")), 2);
    cr_assert_eq(json_number_at(root, "environment.nats_servers"), 3);
    for (size_t i = 0; i < 2; i++) {
        const json_t *cell = json_array_get(json_at(root, "cells"), i);
        const json_t *trial = json_at(cell, "trials.0");
        long handled = sum_over_agents(trial, "consume", "handled");
        agent_assert_whole(trial, 500);
        cr_assert_eq(json_number_at(cell, "config.publishers"), 2);
        cr_assert_eq(json_array_size(json_at(trial, "agents")), 3);
        cr_assert_eq(sum_over_agents(trial, "load", "published"), 500);
        cr_assert_eq(sum_over_agents(trial, "load", "publish_samples"), 500);
        cr_assert_eq(sum_over_agents(trial, "consume", "end_to_end_samples"), handled);
        cr_assert(handled > 0 && handled < 500, "the local subject consumes as well");
    }
    for (size_t i = 0; i < 3; i++)
        cr_assert_eq(agent_end(i, SIGTERM), 0);
}

AGENT_TEST(agent, agents_that_may_choose_publish_and_one_that_came_once_ends)
{
    agent_server_start(1);
    (void) agent_start("one", "any", "--once");
    struct command_result result = agent_run_shared("./quick.json", "1");
    cr_assert_eq(result.status, 0, "%s\n%s", result.output, result.errors);
    json_auto_t *root = strandline_json("report.json");
    agent_assert_whole(json_at(root, "cells.0.trials.0"), 400);
    cr_assert_str_eq(json_text_at(root, "cells.0.trials.0.agents.0.role"), "load");
    cr_assert_eq(agent_end(0, 0), 0);
}

AGENT_TEST(agent, agents_that_do_not_come_are_exit_3_and_counted)
{
    agent_server_start(1);
    (void) agent_start("east", "load", NULL);
    struct command_result result =
        strandline_run("run", "./quick.json", "--server", sl_server_url(agent_server()), "--agents",
                       "load=2,consume=1", "--agents-wait", "1s", NULL);
    cr_assert_eq(result.status, 3);
    cr_assert(strstr(result.errors, "2 of 3 agents are missing (1 load, 1 consume); there are "
                                    "'east' on "),
              "%s", result.errors);
    cr_assert_eq(agent_end(0, SIGINT), 0);
}

AGENT_TEST(agent, more_consumers_than_topics_fail_the_trial_with_a_reason)
{
    agent_server_start(1);
    strandline_file("one.json", "{\"load\": {\"events\": 100, \"topics\": 1, \"aggregates\": 4},\n"
                                " \"limits\": {\"timeout\": \"5s\", \"settle\": \"500ms\"},\n"
                                " \"modes\": {\"unified\": {\"workers\": 2}},\n"
                                " \"play\": [\"unified\"]}\n");
    (void) agent_start("east", "load", NULL);
    (void) agent_start("south", "consume", NULL);
    struct command_result result = agent_run_shared("./one.json", "2");
    cr_assert_eq(result.status, 3, "%s", result.errors);
    json_auto_t *root = strandline_json("report.json");
    cr_assert(strstr(json_text_at(root, "cells.0.trials.0.reason"), "more than the 1 topics"), "%s",
              json_text_at(root, "cells.0.trials.0.reason"));
}

AGENT_TEST(agent, an_agent_that_is_killed_fails_its_trial_and_takes_its_subject_along)
{
    agent_server_start(1);
    (void) agent_start("east", "load", NULL);
    (void) agent_start("west", "load", NULL);
    pid_t observer = agent_start_shared("./slow.json", "2", "report.json");
    pid_t subject = agent_wait_until_playing(agent_pid(0), 0);
    pid_t other = agent_wait_until_playing(agent_pid(1), 0);
    (void) agent_start("south", "consume", NULL); /* which cannot replace a load */
    agent_wait_until_said("south", "waits for a run");
    cr_assert_eq(agent_end(0, SIGKILL), 128 + SIGKILL);
    agent_wait_until_gone(subject);
    cr_assert_eq(command_wait(observer, 60), 3);
    agent_wait_until_gone(other);

    json_auto_t *root = strandline_json("report.json");
    cr_assert_str_eq(json_text_at(root, "cells.0.trials.0.status"), "failed");
    cr_assert(strstr(json_text_at(root, "cells.0.trials.0.reason"), "agent 'east' on "));
    cr_assert(json_is_null(json_at(root, "cells.0.trials.0.delivery.lost")));
    cr_assert_str_eq(json_text_at(root, "cells.0.trials.1.status"), "failed");
    cr_assert(strstr(json_text_at(root, "cells.0.trials.1.reason"), "1 of 2 agents are missing"));
    agent_assert_valid("report.json");
    cr_assert_eq(agent_end(1, SIGTERM), 0, "the other one waits for the next run");
}

AGENT_TEST(agent, an_agent_that_was_lost_is_replaced_before_the_next_trial)
{
    agent_server_start(1);
    (void) agent_start("east", "load", NULL);
    pid_t observer = agent_start_shared("./slow.json", "load=1", "report.json");
    (void) agent_wait_until_playing(agent_pid(0), 0);
    (void) agent_start("spare", "load", NULL);
    agent_wait_until_said("spare", "waits for a run");
    cr_assert_eq(agent_end(0, SIGINT), 0, "an interrupt ends it in order");
    (void) agent_wait_until_playing(agent_pid(1), 0);
    (void) kill(observer, SIGINT);
    cr_assert_eq(command_wait(observer, 60), 3);
    json_auto_t *root = strandline_json("report.json");
    cr_assert(strstr(json_text_at(root, "cells.0.trials.0.reason"), "'east'"));
    cr_assert(strstr(json_text_at(root, "cells.0.trials.0.reason"), "was ended"));
    agent_wait_until_said("spare", "is over");
}

AGENT_TEST(agent, a_subject_of_an_agent_that_dies_is_told_with_its_signal_and_the_agent_goes_on)
{
    agent_server_start(1);
    (void) agent_start("east", "load", NULL);
    pid_t observer = agent_start_shared("./slow.json", "1", "report.json");
    pid_t first = agent_wait_until_playing(agent_pid(0), 0);
    (void) kill(first, SIGABRT);
    pid_t second = agent_wait_until_playing(agent_pid(0), first);
    (void) kill(second, SIGKILL);
    cr_assert_eq(command_wait(observer, 60), 3);
    json_auto_t *root = strandline_json("report.json");
    const char *reason = json_text_at(root, "cells.0.trials.0.reason");
    cr_assert(strstr(reason, "agent 'east'") && strstr(reason, "signal 6"), "%s", reason);
    reason = json_text_at(root, "cells.0.trials.1.reason");
    cr_assert(strstr(reason, "agent 'east'") && strstr(reason, "signal 9"), "%s", reason);
}

AGENT_TEST(agent, an_observer_that_is_killed_is_dropped_and_the_next_one_served)
{
    agent_server_start(1);
    (void) agent_start("east", "load", NULL);
    (void) agent_start("south", "consume", NULL);
    pid_t observer = agent_start_shared("./slow.json", "2", "report.json");
    pid_t subjects[] = {agent_wait_until_playing(agent_pid(0), 0),
                        agent_wait_until_playing(agent_pid(1), 0)};
    (void) kill(observer, SIGKILL);
    (void) command_wait(observer, 30);
    for (size_t i = 0; i < 2; i++)
        agent_wait_until_gone(subjects[i]);
    agent_wait_until_said("east", "its run is dropped");
    agent_wait_until_said("south", "its run is dropped");
    struct command_result result = agent_run_shared("./quick.json", "load=1,consume=1");
    cr_assert_eq(result.status, 0, "%s\n%s", result.output, result.errors);
}

AGENT_TEST(agent, two_runs_at_once_have_agents_of_their_own)
{
    agent_server_start(1);
    (void) agent_start("east", "load", NULL);
    (void) agent_start("west", "load", NULL);
    pid_t first = agent_start_shared("./quick.json", "1", "first.json");
    pid_t second = agent_start_shared("./quick.json", "1", "second.json");
    cr_assert_eq(command_wait(first, 60), 0);
    cr_assert_eq(command_wait(second, 60), 0);
    json_auto_t *one = strandline_json("first.json"), *two = strandline_json("second.json");
    for (int i = 0; i < 2; i++) {
        agent_assert_whole(json_array_get(json_at(one, "cells.0.trials"), (size_t) i), 400);
        agent_assert_whole(json_array_get(json_at(two, "cells.0.trials"), (size_t) i), 400);
    }
    json_decref(two);
}

AGENT_TEST(agent, one_agent_serves_no_two_runs_at_once)
{
    agent_server_start(1);
    (void) agent_start("east", "load", NULL);
    pid_t observer = agent_start_shared("./slow.json", "1", "report.json");
    pid_t subject = agent_wait_until_playing(agent_pid(0), 0);
    struct command_result result =
        strandline_run("run", "./quick.json", "--server", sl_server_url(agent_server()), "--agents",
                       "1", "--agents-wait", "500ms", "--output", "other.json", NULL);
    cr_assert_eq(result.status, 3);
    cr_assert(strstr(result.errors, "1 of 1 agents are missing"), "%s", result.errors);
    cr_assert_eq(agent_subject_of(agent_pid(0)), subject, "the first run was not disturbed");
    (void) kill(observer, SIGINT);
    cr_assert_eq(command_wait(observer, 60), 3);
    agent_wait_until_gone(subject);
}

AGENT_TEST(agent, a_server_that_is_lost_fails_the_trial_and_leaves_no_subject)
{
    agent_server_start(1);
    (void) agent_start("east", "load", NULL);
    pid_t observer = agent_start_shared("./slow.json", "1", "report.json");
    pid_t subject = agent_wait_until_playing(agent_pid(0), 0);
    server_harm_kill(agent_server(), 0);
    cr_assert_eq(command_wait(observer, 100), 3);
    agent_wait_until_gone(subject);
    json_auto_t *root = strandline_json("report.json");
    cr_assert_str_neq(json_text_at(root, "cells.0.trials.0.status"), "ok");
    cr_assert_eq(agent_end(0, SIGTERM), 0, "it waits for the server to come back");
}

/* Its observer and its agents are connected to any of the nodes. */
AGENT_TEST(agent, a_killed_node_of_a_cluster_fails_no_shared_trial)
{
    agent_server_start(3);
    strandline_file("cluster.json",
                    "{\"load\": {\"events\": 1000, \"rate\": 200, \"topics\": 2,\n"
                    "            \"aggregates\": 10},\n"
                    " \"limits\": {\"timeout\": \"60s\", \"settle\": \"500ms\"},\n"
                    " \"modes\": {\"unified\": {\"workers\": 8}}, \"play\": [\"unified\"]}\n");
    (void) agent_start("east", "load", NULL);
    (void) agent_start("west", "load", NULL);
    (void) agent_start("south", "consume", NULL);
    const char *const argv[] = {strandline_program(),
                                "run",
                                "./cluster.json",
                                "--server",
                                sl_server_url(agent_server()),
                                "--replicas",
                                "3",
                                "--agents",
                                "load=2,consume=1",
                                "--trials",
                                "1",
                                "--output",
                                "report.json",
                                NULL};
    const struct command command = {.argv = argv, .directory = strandline_directory()};
    pid_t observer = command_start(&command);
    for (size_t i = 0; i < 3; i++)
        (void) agent_wait_until_playing(agent_pid(i), 0);
    server_harm_kill(agent_server(), 0);
    int status = command_wait(observer, 100);
    json_auto_t *root = strandline_json("report.json");
    const json_t *delivery = json_at(root, "cells.0.trials.0.delivery");
    cr_assert_eq(json_number_at(root, "cells.0.config.replicas"), 3);
    cr_assert_eq(json_number_at(delivery, "handled"), json_number_at(delivery, "published"));
    /* Until another leader is elected the bus gets no answers, which is no loss. */
    cr_assert_eq(json_number_at(delivery, "published") + json_number_at(delivery, "rejected") +
                     json_number_at(delivery, "unknown"),
                 1000);
    /* How many these are is chance; a verdict needs the answers to half of the load. */
    cr_assert_eq(status, json_number_at(delivery, "published") < 500 ? 4 : 0);
    cr_assert_eq(json_number_at(delivery, "lost"), 0);
    cr_assert_eq(json_number_at(delivery, "order_violations"), 0);
}
