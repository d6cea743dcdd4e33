/* SPDX-License-Identifier: Apache-2.0 */
/* strandline agent: play parts of the runs of observers on other machines. */
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/fail.h"
#include "base/parse.h"
#include "base/utf8.h"
#include "cli/cmd.h"
#include "cli/interrupt.h"
#include "cli/options/options.h"
#include "cli/options/servers.h"
#include "harness/agent/agent.h"
#include "harness/agent/peer.h"
#include "harness/process/process.h"

#define MAX_NS (3600 * SL_NS_PER_S)
#ifdef __SANITIZE_ADDRESS__ /* whose shadow memory would be counted */
#define MAX_MEMORY NULL
#else
#define MAX_MEMORY "4GiB"
#endif

enum option_index {
    OPTION_SERVERS,
    OPTION_ROLE = N_SERVERS_OPTIONS,
    OPTION_NAME,
    OPTION_ONCE,
    OPTION_MAX_TIME,
    OPTION_MAX_MEMORY
};

static const struct sl_option options_table[] = {
    SERVERS_OPTIONS(OPTION_SERVERS, "the servers of the run; needed"),
    [OPTION_ROLE] = {"role", "ROLE", "load, consume, or any (any)", 'r', SL_ARGUMENT_WORD,
                     "load consume any"},
    [OPTION_NAME] = {"name", "NAME", "what reports call this agent (its host and process)", 0},
    [OPTION_ONCE] = {"once", NULL, "end when a run is over", 0},
    [OPTION_MAX_TIME] = {"max-time", "TIME", "drop a run in which a trial takes longer (1h)", 0},
    [OPTION_MAX_MEMORY] = {"max-memory", "SIZE", "that a process of it may have (4GiB)", 0},
    {0},
};

static void say(void *user, const char *text)
{
    (void) user;
    sl_utf8_printf(stderr, "strandline agent: %s\n", text);
}

static bool is_printable(const char *text)
{
    for (; *text; text++)
        if (*text <= ' ' || *text >= 0x7f)
            return false;
    return true;
}

/* Of this process and of all that it starts; what is only reserved does not count. */
static enum sl_status limit_memory(const char *argument, struct sl_error *err)
{
    uint64_t size;
    struct rlimit limit;
    enum sl_status status = sl_parse_size(argument, &size, err);

    if (status)
        return status;
    if (getrlimit(RLIMIT_DATA, &limit) < 0)
        return sl_fail_errno(err, "cannot read the limit of memory");
    limit.rlim_cur = size;
    return setrlimit(RLIMIT_DATA, &limit) == 0 ? SL_OK
                                               : sl_fail_errno(err, "cannot limit the memory");
}

static enum sl_status read_option(enum option_index option, char *argument, struct servers *servers,
                                  struct sl_agent_opts *opts, struct sl_error *err)
{
    switch (option) {
    case OPTION_ROLE:
        (void) sl_peer_parse_role(argument, &opts->part); /* is one of the option's words */
        return SL_OK;
    case OPTION_NAME:
        if (!*argument || strlen(argument) >= SL_WIRE_NAME_MAX || !is_printable(argument))
            return sl_fail(err, SL_EINVAL, "'%s' is not a word of up to %d letters", argument,
                           SL_WIRE_NAME_MAX - 1);
        opts->name = argument;
        return SL_OK;
    case OPTION_ONCE:
        opts->once = true;
        return SL_OK;
    case OPTION_MAX_TIME:
        return sl_parse_duration(argument, &opts->max_ns, err);
    case OPTION_MAX_MEMORY:
        return limit_memory(argument, err);
    default:
        return servers_read_option((enum servers_option)(option - OPTION_SERVERS), argument,
                                   servers, err);
    }
}

static int run(int argc, char **argv)
{
    struct sl_options options = {.command = &cmd_agent, .argc = argc, .argv = argv};
    struct sl_agent_opts opts = {.say = say, .max_ns = MAX_NS};
    SL_CLEANUP(servers_release) struct servers servers = {0};
    struct sl_error err = {0};

    if (MAX_MEMORY)
        (void) !limit_memory(MAX_MEMORY, NULL); /* fails where less is allowed: as good */
    for (int option; (option = options_next(&options)) != SL_OPTIONS_END;) {
        if (option == SL_OPTIONS_EXIT)
            return options.exit_status;
        if (read_option((enum option_index) option, options.argument, &servers, &opts, &err))
            return command_usage_error(&cmd_agent, "--%s: %s", options_table[option].name,
                                       err.text);
    }
    if (options.n_operands)
        return command_usage_error(&cmd_agent, "unexpected argument '%s'", options.operands[0]);
    if (servers_complete(&servers, cmd_agent.name, &err))
        return command_usage_error(&cmd_agent, "%s", err.text);
    if (!servers.urls)
        return command_usage_error(&cmd_agent, "--server is needed");
    opts.servers = servers.urls;
    opts.credentials = &servers.credentials;
    sl_process_adopt_orphans();
    enum sl_status status = interrupt_catch(&opts.wake_fd, &err);
    if (!status)
        status = sl_agent_run(&opts, &err);
    if (status)
        return command_error(&cmd_agent, &err,
                             status == SL_EINVAL ? SL_EXIT_USAGE : SL_EXIT_UNMEASURED);
    return SL_EXIT_OK;
}

const struct sl_command cmd_agent = {
    .name = "agent",
    .usage = "--server URL[,URL] [options]",
    .summary = "play parts of the runs of another machine",
    .text =
        "An agent waits until 'strandline run --agents' on some machine calls over the same NATS\n"
        "servers.  It then publishes or consumes a part of each trial's load, in a process of its\n"
        "own, and sends what it measured.  It ends with Ctrl-C.\n"
        "\n" SERVERS_TEXT,
    .options = options_table,
    .run = run,
};
