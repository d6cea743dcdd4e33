/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/run/options.h"

#include <string.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/fail.h"
#include "base/parse.h"
#include "cli/options/options.h"
#include "cli/run/driver.h"
#include "harness/agent/fleet.h"
#include "harness/agent/peer.h"
#include "harness/run/protocol.h"

uint32_t run_agents_count(const uint32_t n_of[SL_N_PARTS])
{
    return n_of[SL_PART_ALL] + n_of[SL_PART_PUBLISH] + n_of[SL_PART_CONSUME];
}

/* "load=2" */
static bool read_agents_of(char *word, uint32_t n_of[SL_N_PARTS])
{
    uint64_t n;
    enum sl_load_part part;
    char *number = strchr(word, '=');

    if (!number)
        return false;
    *number++ = '\0';
    if (!sl_peer_parse_role(word, &part) || part == SL_PART_ALL || n_of[part] ||
        sl_parse_number(number, 1, SL_FLEET_MAX, &n, NULL))
        return false;
    n_of[part] = (uint32_t) n;
    return true;
}

/* "3", or "load=2,consume=1".  @return SL_EINVAL not such a list, or too many */
static enum sl_status read_agents(const char *text, uint32_t n_of[SL_N_PARTS], struct sl_error *err)
{
    uint64_t n;
    uint32_t found[SL_N_PARTS] = {0};
    bool good = true;
    SL_AUTO_FREE char *copy = strdup(text);

    if (!copy)
        return sl_fail(err, SL_ENOMEM, "out of memory");
    char *rest = copy;
    if (!sl_parse_number(text, 1, SL_FLEET_MAX, &n, NULL))
        found[SL_PART_ALL] = (uint32_t) n;
    else
        for (char *word; good && (word = strsep(&rest, ","));)
            good = read_agents_of(word, found);
    if (!good || run_agents_count(found) > SL_FLEET_MAX)
        return sl_fail(err, SL_EINVAL,
                       "'%s' is neither a number up to %u nor like load=2,consume=1", text,
                       SL_FLEET_MAX);
    if (!found[SL_PART_ALL] && !found[SL_PART_PUBLISH])
        return sl_fail(err, SL_EINVAL, "'%s' has nobody who publishes", text);
    memcpy(n_of, found, sizeof found);
    return SL_OK;
}

#define MAX_TRIALS     10000
#define MAX_LABEL      200
#define AGENTS_WAIT_NS (30 * SL_NS_PER_S)

enum option_index {
    OPTION_MODE,
    OPTION_TRANSPORT,
    OPTION_SERVERS,
    OPTION_CLUSTER = OPTION_SERVERS + N_SERVERS_OPTIONS,
    OPTION_REPLICAS,
    OPTION_AGENTS,
    OPTION_AGENTS_WAIT,
    OPTION_NATS_SERVER,
    OPTION_TRIALS,
    OPTION_CYCLES,
    OPTION_FAULT,
    OPTION_DRIVER,
    OPTION_DRIVER_ARG,
    OPTION_OUTPUT,
    OPTION_LABEL,
    OPTION_POLICY,
    OPTION_NO_VERDICT = OPTION_POLICY + N_POLICY_OPTIONS,
    OPTION_RULES,
    OPTION_NO_RULES,
    OPTION_STRICT,
    OPTION_NO_PROVE,
    OPTION_SEED,
    OPTION_LIST,
    OPTION_LIST_FAULTS,
    OPTION_DRY_RUN,
    OPTION_JSON,
    OPTION_COLOR
};

const struct sl_option run_options[] = {
    [OPTION_MODE] = {"mode", "LIST", "keyed, unified, direct (those that the scenario plays)", 'm',
                     SL_ARGUMENT_LIST, "keyed unified direct"},
    [OPTION_TRANSPORT] = {"transport", "LIST", "nats, memory (the driver's first)", 't',
                          SL_ARGUMENT_LIST, "nats memory"},
    SERVERS_OPTIONS(OPTION_SERVERS, "use this server instead of a private one"),
    [OPTION_CLUSTER] = {"cluster", "N", "nodes of the private server: 1, 3 or 5 (1)", 0,
                        SL_ARGUMENT_WORD, "1 3 5"},
    [OPTION_REPLICAS] = {"replicas", "N", "servers that keep each message (the --cluster, or 1)",
                         0},
    [OPTION_AGENTS] = {"agents", "N|LIST", "share the load with N agents, or load=N,consume=N", 0},
    [OPTION_AGENTS_WAIT] = {"agents-wait", "TIME", "wait for agents at most so long (30s)", 0},
    [OPTION_NATS_SERVER] = {"nats-server", "FILE", "program to start as the private server", 0,
                            SL_ARGUMENT_FILE},
    [OPTION_TRIALS] = {"trials", "N", "trials of each cell (the scenario's number)", 'n'},
    [OPTION_CYCLES] = {"cycles", "N", "open and close the bus N times in each trial's process", 0},
    [OPTION_FAULT] = {"fault", "LIST", "break the bus on purpose, in every cell", 'f',
                      SL_ARGUMENT_FAULTS},
    [OPTION_DRIVER] = {"driver", "FILE", "drive the bus in this shared object", 0,
                       SL_ARGUMENT_FILE},
    [OPTION_DRIVER_ARG] = {"driver-arg", "KEY=VALUE", "give this to the driver; may be repeated",
                           0},
    [OPTION_OUTPUT] = {"output", "FILE", "where the report goes (report.json); '-': like --json",
                       'o', SL_ARGUMENT_FILE},
    [OPTION_LABEL] = {"label", "TEXT", "what the report calls what is measured", 0},
    POLICY_OPTIONS(OPTION_POLICY),
    [OPTION_NO_VERDICT] = {"no-verdict", NULL,
                           "exit with 0 also when a rule is broken: gate judges", 0},
    [OPTION_RULES] = {"rules", "FILE",
                      "rules about threads, besides .strandline.json; may be repeated", 0,
                      SL_ARGUMENT_FILE},
    [OPTION_NO_RULES] = {"no-rules", NULL, "without any rules, those that come along, too", 0},
    [OPTION_STRICT] = {"strict", NULL, "count threads that libraries keep for the process, too", 0},
    [OPTION_NO_PROVE] = {"no-prove", NULL, "do not ask whether what stayed can ever be woken", 0},
    [OPTION_SEED] = {"seed", "N", "seed of the load (a new one each time)", 0},
    [OPTION_LIST] = {"list", NULL, "list the scenarios and faults, play nothing", 'l'},
    [OPTION_LIST_FAULTS] = {"list-faults", NULL, "explain the faults, play nothing", 0},
    [OPTION_DRY_RUN] = {"dry-run", NULL, "show what would be played, play nothing", 0},
    [OPTION_JSON] = {"json", NULL, "print the report (or the faults) on standard output as JSON",
                     0},
    [OPTION_COLOR] = SL_OPTION_COLOR,
    {0},
};

/* Split "a,b,c" into the arena.  SL_EINVAL for an empty word. */
static enum sl_status split(struct sl_arena *arena, const char *list, const char *const **ret_words,
                            size_t *ret_n_words, struct sl_error *err)
{
    size_t capacity = strlen(list) + 1, n = 0;
    const char **words = sl_arena_array(arena, capacity, sizeof *words);
    char *rest = sl_arena_strdup(arena, list);

    if (!words || !rest)
        return sl_fail(err, SL_ENOMEM, "out of memory for the list '%s'", list);
    for (char *word; (word = strsep(&rest, ","));) {
        if (!*word)
            return sl_fail(err, SL_EINVAL, "empty word in the list '%s'", list);
        words[n++] = word;
    }
    *ret_words = words;
    *ret_n_words = n;
    return SL_OK;
}

static enum sl_status
read_modes(struct run_request *request, const char *list, struct sl_error *err)
{
    const char *const *words;
    size_t n_words;
    enum sl_status status = split(request->arena, list, &words, &n_words, err);

    request->plan.mode_given = true;
    for (size_t i = 0; !status && i < n_words; i++) {
        enum sl_mode mode;
        if (!sl_mode_parse(words[i], &mode))
            status =
                sl_fail(err, SL_EINVAL, "unknown mode '%s': keyed, unified or direct", words[i]);
        else
            request->plan.modes[mode] = true;
    }
    return status;
}

/* The flag that an option without an argument sets; NULL: it takes one. */
static bool *flag_of(struct run_request *request, enum option_index option)
{
    switch (option) {
    case OPTION_NO_VERDICT:
        return &request->no_verdict;
    case OPTION_NO_RULES:
        return &request->no_rules;
    case OPTION_STRICT:
        return &request->opts.strict;
    case OPTION_NO_PROVE:
        return &request->opts.no_prove;
    case OPTION_LIST:
        return &request->list;
    case OPTION_LIST_FAULTS:
        return &request->list_faults;
    case OPTION_DRY_RUN:
        return &request->dry_run;
    case OPTION_JSON:
        return &request->json;
    default:
        return NULL;
    }
}

/* Where the argument of an option goes that is taken as it stands; NULL: it is read first. */
static const char **text_of(struct run_request *request, enum option_index option)
{
    switch (option) {
    case OPTION_NATS_SERVER:
        return &request->opts.server_program;
    case OPTION_FAULT:
        return &request->plan.fault;
    case OPTION_DRIVER:
        return &request->opts.bus.driver_path;
    default:
        return NULL;
    }
}

static enum sl_status
add_rule_file(struct run_request *request, const char *path, struct sl_error *err)
{
    size_t n = request->n_rule_files;
    const char **files = sl_arena_array(request->arena, n + 1, sizeof *files);

    if (!files)
        return sl_fail(err, SL_ENOMEM, "out of memory for the list of rules");
    if (n)
        memcpy(files, request->rule_files, n * sizeof *files);
    files[n] = path;
    request->rule_files = files;
    request->n_rule_files = n + 1;
    return SL_OK;
}

static enum sl_status read_option(struct run_request *request, enum option_index option,
                                  const struct sl_options *options, struct sl_error *err)
{
    char *argument = options->argument;
    uint64_t number = 0;
    enum sl_status status = SL_OK;

    switch (option) {
    case OPTION_MODE:
        return read_modes(request, argument, err);
    case OPTION_TRANSPORT:
        return split(request->arena, argument, &request->plan.transports,
                     &request->plan.n_transports, err);
    case OPTION_CLUSTER:
        /* An even number of nodes survives no more failures than the odd one below it. */
        request->opts.cluster = 1 + 2 * (unsigned) options->word;
        return SL_OK;
    case OPTION_REPLICAS:
        status = sl_parse_number(argument, 1, 5, &number, err);
        request->opts.bus.replicas = (uint32_t) number;
        return status;
    case OPTION_AGENTS:
        return read_agents(argument, request->agents, err);
    case OPTION_AGENTS_WAIT:
        return sl_parse_duration(argument, &request->agents_wait_ns, err);
    case OPTION_TRIALS:
        status = sl_parse_number(argument, 1, MAX_TRIALS, &number, err);
        request->plan.trials = (uint32_t) number;
        return status;
    case OPTION_CYCLES:
        status = sl_parse_number(argument, 2, SL_CYCLES_MAX, &number, err);
        request->opts.cycles = (uint32_t) number;
        return status;
    case OPTION_DRIVER_ARG:
        return run_driver_add_arg(request, argument, err);
    case OPTION_OUTPUT:
        if (!*argument)
            return sl_fail(err, SL_EINVAL, "a file is needed");
        request->output = argument;
        return SL_OK;
    case OPTION_LABEL:
        if (!*argument || strlen(argument) > MAX_LABEL)
            return sl_fail(err, SL_EINVAL, "a text of up to %d bytes is needed", MAX_LABEL);
        request->label = argument;
        return SL_OK;
    case OPTION_RULES:
        return add_rule_file(request, argument, err);
    case OPTION_SEED:
        return sl_parse_number(argument, 0, UINT64_MAX, &request->opts.seed, err);
    case OPTION_COLOR:
        request->color = (enum sl_color) options->word;
        return SL_OK;
    default:
        return option < OPTION_CLUSTER
                   ? servers_read_option((enum servers_option)(option - OPTION_SERVERS), argument,
                                         &request->servers, err)
                   : policy_read_option((enum policy_option)(option - OPTION_POLICY), argument,
                                        &request->policy, err);
    }
}

static enum sl_status check_cluster(const struct run_request *request, struct sl_error *err)
{
    if (!request->opts.bus.servers &&
        request->opts.bus.replicas > SL_MAX(request->opts.cluster, 1u))
        return sl_fail(err, SL_EINVAL, "--replicas %u needs as many servers: --cluster or --server",
                       request->opts.bus.replicas);
    if (!request->opts.cluster)
        return SL_OK;
    if (request->opts.bus.servers)
        return sl_fail(err, SL_EINVAL, "--cluster is of a private server: not with --server");
    for (size_t i = 0; i < request->plan.n_transports; i++)
        if (strcmp(request->plan.transports[i], "nats") == 0)
            return SL_OK;
    return sl_fail(err, SL_EINVAL, "--cluster needs --transport nats");
}

static enum sl_status check_agents(const struct run_request *request, struct sl_error *err)
{
    if (!run_agents_count(request->agents))
        return SL_OK;
    if (!request->opts.bus.servers)
        return sl_fail(err, SL_EINVAL, "--agents needs --server, where agents can be called");
    if (request->opts.cycles)
        return sl_fail(err, SL_EINVAL, "--agents play one load: not with --cycles");
    if (request->opts.bus.driver_path)
        return sl_fail(err, SL_EINVAL, "--agents play the built-in bus: not with --driver");
    for (size_t i = 0; i < request->plan.n_transports; i++)
        if (strcmp(request->plan.transports[i], "nats") != 0)
            return sl_fail(err, SL_EINVAL, "--agents need --transport nats alone");
    return SL_OK;
}

static void set_output(struct run_request *request)
{
    if (!request->output)
        request->output = "report.json";
    if (strcmp(request->output, "-") == 0) {
        request->output = NULL;
        request->json = true;
    }
}

static void set_defaults(struct run_request *request)
{
    static const char *const default_scenarios[] = {"low", "medium", "high"};
    static const char *const default_transports[] = {"nats"};

    if (!request->n_scenarios) {
        request->scenarios = default_scenarios;
        request->n_scenarios = SL_COUNT_OF(default_scenarios);
    }
    if (!request->plan.n_transports) {
        request->plan.transports = default_transports;
        request->plan.n_transports = SL_COUNT_OF(default_transports);
    }
    if (!request->agents_wait_ns)
        request->agents_wait_ns = AGENTS_WAIT_NS;
}

bool run_options_read(int argc, char **argv, struct run_request *request, int *ret_exit_status)
{
    const struct sl_command *command = request->command;
    struct sl_options options = {.command = command, .argc = argc, .argv = argv};
    struct sl_error err = {0};

    request->opts.bus.driver_args = request->driver_args;
    if (getrandom(&request->opts.seed, sizeof request->opts.seed, 0) != sizeof request->opts.seed)
        request->opts.seed = sl_clock_now_ns();
    request->opts.seed >>= 11; /* fits into a double, which many JSON readers use */
    for (int option; (option = options_next(&options)) != SL_OPTIONS_END;) {
        if (option == SL_OPTIONS_EXIT) {
            *ret_exit_status = options.exit_status;
            return false;
        }
        bool *flag = flag_of(request, (enum option_index) option);
        const char **text = text_of(request, (enum option_index) option);
        if (flag) {
            *flag = true;
        } else if (text && !*options.argument) {
            *ret_exit_status =
                command_usage_error(command, "--%s: %s is needed", run_options[option].name,
                                    run_options[option].argument);
            return false;
        } else if (text) {
            *text = options.argument;
        } else if (read_option(request, (enum option_index) option, &options, &err)) {
            *ret_exit_status =
                command_usage_error(command, "--%s: %s", run_options[option].name, err.text);
            return false;
        }
    }
    request->scenarios = (const char *const *) options.operands;
    request->n_scenarios = (size_t) options.n_operands;
    *ret_exit_status = SL_EXIT_USAGE;
    if (servers_complete(&request->servers, command->name, &err)) {
        (void) command_usage_error(command, "%s", err.text);
        return false;
    }
    request->opts.bus.servers = request->servers.urls;
    request->opts.bus.credentials = &request->servers.credentials;
    set_output(request);
    return true;
}

enum sl_status run_options_complete(struct run_request *request, struct sl_error *err)
{
    enum sl_status status = run_driver_ask(request, err);

    if (!status)
        set_defaults(request);
    return status;
}

/* Of the project that is worked on: there need not be any. */
static enum sl_status load_own_rules(struct sl_rules *rules, struct sl_error *err)
{
    struct sl_error own = {0};
    enum sl_status status = sl_rules_load(rules, SL_RULES_FILE, &own);

    if (status && status != SL_ENOENT)
        *err = own;
    return status == SL_ENOENT ? SL_OK : status;
}

enum sl_status run_options_load_rules(struct run_request *request, struct sl_error *err)
{
    enum sl_status status = SL_OK;

    if (request->no_rules)
        return request->n_rule_files
                   ? sl_fail(err, SL_EINVAL, "--rules and --no-rules exclude each other")
                   : SL_OK;
    status = sl_rules_init(&request->rules, err);
    if (!status)
        status = load_own_rules(&request->rules, err);
    for (size_t i = 0; i < request->n_rule_files && !status; i++)
        status = sl_rules_load(&request->rules, request->rule_files[i], err);
    if (!status)
        status = sl_rules_load_shipped(&request->rules, err);
    request->opts.rules = (struct sl_leak_rules){request->rules.rules, request->rules.n};
    return status;
}

enum sl_status run_options_check(const struct run_request *request, struct sl_error *err)
{
    enum sl_status status = check_cluster(request, err);
    return status ? status : check_agents(request, err);
}
