/* SPDX-License-Identifier: Apache-2.0 */
/* strandline snapshot PID: the stacks of all threads of a process, now. */
#include <strandline/snapshot.h>

#include <limits.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fail.h"
#include "base/file.h"
#include "base/macros.h"
#include "base/parse.h"
#include "cli/cmd.h"
#include "cli/options/options.h"
#include "cli/options/output.h"
#include "harness/leak/group.h"
#include "harness/leak/tree/tree.h"
#include "harness/proof/proof.h"
#include "harness/snapshot/target/target.h"
#include "reports/snapshot/snapshot.h"

SL_DEFINE_AUTO(sl_snapshot, sl_snapshot_free);

enum {
    OPTION_ALL,
    OPTION_PROVE,
    OPTION_JSON,
    OPTION_THREADZ,
    OPTION_SOURCE,
    OPTION_NO_SYMBOLS,
    OPTION_NO_CACHE,
    OPTION_NO_STOP,
    OPTION_ALLOW_STOP,
    OPTION_MAX_FRAMES,
    OPTION_MAX_TIME,
    OPTION_MAX_MEMORY,
    OPTION_MAX_FILE_BYTES,
    OPTION_MAX_TOTAL_FRAMES,
    OPTION_MAX_THREADS,
    OPTION_COLOR
};

#define MAX_FRAMES      65536
#define DEFAULT_TIME_NS (30 * SL_NS_PER_S) /* as snapshot.h has it */
#define GRACE_S         5                  /* until a look that takes longer is given up */

static const struct sl_option options_of_snapshot[] = {
    [OPTION_ALL] = {"all", NULL, "each thread by itself", 0},
    [OPTION_PROVE] = {"prove", NULL, "say which waiting threads nothing that lives can ever wake",
                      0},
    [OPTION_JSON] = {"json", NULL, "print JSON: groups, and with --all threads too", 0},
    [OPTION_THREADZ] = {"threadz", NULL, "print addresses and memory map, for 'pprof'", 0},
    [OPTION_SOURCE] = {"source", "NAME",
                       "where registers come from: auto, bpf, proc or ptrace (auto)", 0,
                       SL_ARGUMENT_WORD, "auto bpf proc ptrace"},
    [OPTION_NO_SYMBOLS] = {"no-symbols", NULL, "addresses and modules only", 0},
    [OPTION_NO_CACHE] = {"no-cache", NULL, "neither recall names of earlier looks nor keep these",
                         0},
    [OPTION_NO_STOP] = {"no-stop", NULL, "never stop a thread; those on a CPU stay without a stack",
                        0},
    [OPTION_ALLOW_STOP] = {"allow-stop", NULL,
                           "stop threads even where a system call of theirs then fails (EINTR)", 0},
    [OPTION_MAX_FRAMES] = {"max-frames", "N", "frames of one stack at most (256)", 0},
    [OPTION_MAX_TIME] = {"max-time", "TIME", "how long the look may take (30s)", 0},
    [OPTION_MAX_MEMORY] = {"max-memory", "SIZE", "memory that it may take (1.5GiB)", 0},
    [OPTION_MAX_FILE_BYTES] = {"max-file-bytes", "SIZE",
                               "how much it may read of the files of the process (4GiB)", 0},
    [OPTION_MAX_TOTAL_FRAMES] = {"max-total-frames", "N",
                                 "frames of all stacks that differ, at most (1000000)", 0},
    [OPTION_MAX_THREADS] = {"max-threads", "N", "threads at most (250000)", 0},
    [OPTION_COLOR] = SL_OPTION_COLOR,
    {0},
};

struct request {
    pid_t pid;
    struct sl_snapshot_opts opts;
    const char *form; /* name of an exporter */
    bool all;
    bool prove;
    enum sl_color color;
};

/* What the look may cost. */
static int read_limit(int option, const struct sl_options *options, struct sl_snapshot_opts *opts)
{
    const char *text = options->argument;
    struct sl_error err = {0};
    uint64_t number = 0;

    enum sl_status status =
        option == OPTION_MAX_TIME ? sl_parse_duration(text, &number, &err)
        : option == OPTION_MAX_MEMORY || option == OPTION_MAX_FILE_BYTES
            ? sl_parse_size(text, &number, &err)
            : sl_parse_number(text, 1, option == OPTION_MAX_THREADS ? UINT32_MAX : UINT64_MAX,
                              &number, &err);
    if (!status && !number)
        status = sl_fail(&err, SL_EINVAL, "'%s' is nothing at all", text);
    if (status)
        return command_usage_error(&cmd_snapshot, "--%s: %s", options_of_snapshot[option].name,
                                   err.text);
    switch (option) {
    case OPTION_MAX_TIME:
        opts->max_time_ns = number;
        break;
    case OPTION_MAX_MEMORY:
        opts->max_memory = number;
        break;
    case OPTION_MAX_FILE_BYTES:
        opts->max_file_bytes = number;
        break;
    case OPTION_MAX_TOTAL_FRAMES:
        opts->max_total_frames = number;
        break;
    default: /* OPTION_MAX_THREADS */
        opts->max_threads = (uint32_t) number;
    }
    return SL_EXIT_OK;
}

/* @return SL_EXIT_OK, or the status to exit with; what was wrong has been said */
static int read_option(int option, const struct sl_options *options, struct request *request)
{
    struct sl_error err = {0};
    uint64_t number;

    switch (option) {
    case OPTION_ALL:
        request->all = true;
        break;
    case OPTION_PROVE:
        request->prove = true;
        break;
    case OPTION_JSON:
    case OPTION_THREADZ:
        if (strcmp(request->form, "text") != 0)
            return command_usage_error(&cmd_snapshot, "one of --json and --threadz");
        request->form = options_of_snapshot[option].name;
        break;
    case OPTION_SOURCE:
        request->opts.source = (enum sl_snapshot_source) options->word;
        break;
    case OPTION_NO_SYMBOLS:
        request->opts.no_symbols = true;
        break;
    case OPTION_NO_CACHE:
        request->opts.no_cache = true;
        break;
    case OPTION_NO_STOP:
        request->opts.no_stop = true;
        break;
    case OPTION_ALLOW_STOP:
        request->opts.allow_stop = true;
        break;
    case OPTION_MAX_FRAMES:
        if (sl_parse_number(options->argument, 1, MAX_FRAMES, &number, &err))
            return command_usage_error(&cmd_snapshot, "--max-frames: %s", err.text);
        request->opts.max_frames = (uint32_t) number;
        break;
    case OPTION_COLOR:
        request->color = (enum sl_color) options->word;
        break;
    default:
        return read_limit(option, options, &request->opts);
    }
    return SL_EXIT_OK;
}

static int read_operand(const struct sl_options *options, struct request *request)
{
    struct sl_error err = {0};
    uint64_t number;

    if (options->n_operands != 1)
        return command_usage_error(&cmd_snapshot, "one process id is needed, not %d",
                                   options->n_operands);
    if (strcmp(options->operands[0], "self") == 0) {
        request->pid = getpid();
        return SL_EXIT_OK;
    }
    if (sl_parse_number(options->operands[0], 1, INT32_MAX, &number, &err))
        return command_usage_error(&cmd_snapshot, "process id: %s", err.text);
    request->pid = (pid_t) number;
    return SL_EXIT_OK;
}

static unsigned needs_of(const struct request *request)
{
    return sl_exporter_find(sl_snapshot_exporters, request->form)->needs;
}

/* @return false: exit with *ret_exit_status */
static bool read_request(int argc, char **argv, struct request *request, int *ret_exit_status)
{
    struct sl_options options = {.command = &cmd_snapshot, .argc = argc, .argv = argv};

    *request = (struct request){.opts = {.size = sizeof request->opts}, .form = "text"};
    for (int option; (option = options_next(&options)) != SL_OPTIONS_END;) {
        *ret_exit_status = option == SL_OPTIONS_EXIT ? options.exit_status
                                                     : read_option(option, &options, request);
        if (option == SL_OPTIONS_EXIT || *ret_exit_status)
            return false;
    }
    request->opts.find_unjoined = needs_of(request) & SL_SNAPSHOT_NEEDS_GROUPS;
    request->opts.no_symbols |= !request->opts.find_unjoined;
    const struct sl_snapshot_opts *opts = &request->opts;
    if (opts->no_stop && (opts->allow_stop || opts->source == SL_SNAPSHOT_PTRACE))
        *ret_exit_status =
            command_usage_error(&cmd_snapshot, "--no-stop and %s exclude each other",
                                opts->allow_stop ? "--allow-stop" : "--source ptrace");
    else
        *ret_exit_status = read_operand(&options, request);
    return *ret_exit_status == SL_EXIT_OK;
}

/* The process that an id belongs to: that of a thread names its process. */
static pid_t process_of(pid_t id)
{
    char path[64], text[4096];

    (void) snprintf(path, sizeof path, "/proc/%ld/status", (long) id);
    if (!sl_file_read(path, text, sizeof text))
        return id;
    const char *group = strstr(text, "\nTgid:");
    pid_t process = group ? (pid_t) strtol(group + strlen("\nTgid:"), NULL, 10) : id;
    if (process != id)
        (void) fprintf(stderr, "strandline snapshot: %ld is a thread of process %ld\n", (long) id,
                       (long) process);
    return process;
}

/* The memory map, of a thread that lives: the leader's is empty once it has ended. */
static enum sl_status read_maps(pid_t pid, char **ret_maps, struct sl_error *err)
{
    struct sl_target target;
    size_t size;

    enum sl_status status = sl_target_open(pid, &target, err);
    if (status)
        return status;
    status = sl_target_read_all(&target, "maps", ret_maps, &size, err);
    sl_target_release(&target);
    return status;
}

/* The groups are the snapshot's own; proofs go to a copy of them, and to groups of one thread each
 * where each is shown by itself. */
static enum sl_status prove(const struct request *request, struct sl_snapshot_listing *listing,
                            struct sl_arena *arena, struct sl_error *err)
{
    const struct sl_proof_opts opts = {.max_time_ns = request->opts.max_time_ns,
                                       .max_memory = request->opts.max_memory};
    const size_t n_each = request->all ? listing->snapshot->n_threads : 0;
    const size_t n = listing->n_groups + n_each;
    struct sl_group *groups = sl_arena_array(arena, n, sizeof *groups);
    struct sl_group **pointers = sl_arena_array(arena, n, sizeof *pointers);
    uint32_t *members = sl_arena_array(arena, n_each, sizeof *members);

    if (!groups || !pointers || !members)
        return sl_fail(err, SL_ENOMEM, "out of memory for groups");
    struct sl_group *each = groups + listing->n_groups;
    for (size_t g = 0; g < listing->n_groups; g++)
        groups[g] = listing->groups[g];
    for (uint32_t i = 0; i < n_each; i++) {
        members[i] = i;
        each[i] = (struct sl_group){.count = 1, .members = &members[i], .n_members = 1};
    }
    for (size_t g = 0; g < n; g++)
        pointers[g] = &groups[g];
    listing->groups = groups;
    listing->each = n_each ? each : NULL;
    listing->proved = true;
    return sl_prove(listing->snapshot, &opts, pointers, n, arena, NULL, err);
}

static enum sl_status add_groups(const struct request *request, struct sl_snapshot_listing *listing,
                                 struct sl_arena *arena, struct sl_error *err)
{
    if (!arena)
        return sl_fail(err, SL_ENOMEM, "out of memory for groups");
    enum sl_status status =
        sl_leak_group_all(listing->snapshot, arena, &listing->groups, &listing->n_groups, err);
    if (!status)
        status = sl_wait_tree_make(listing->snapshot, arena, &listing->waits, err);
    return status || !request->prove ? status : prove(request, listing, arena, err);
}

static enum sl_status
print(const struct request *request, const struct sl_snapshot *snapshot, struct sl_error *err)
{
    SL_AUTO(sl_arena) struct sl_arena *arena = sl_arena_new();
    SL_AUTO_FREE char *maps = NULL;
    struct sl_snapshot_listing listing = {.snapshot = snapshot, .all = request->all};
    struct sl_page page = output_page(request->color, stdout);
    unsigned needs = needs_of(request);
    enum sl_status status = SL_OK;

    if (needs & SL_SNAPSHOT_NEEDS_MAPS)
        status = read_maps(snapshot->pid, &maps, err);
    listing.maps = maps;
    if (!status && needs & SL_SNAPSHOT_NEEDS_GROUPS)
        status = add_groups(request, &listing, arena, err);
    return status ? status : sl_export(sl_snapshot_exporters, request->form, &listing, &page, err);
}

static void give_up(int signal)
{
    static const char text[] = "strandline snapshot: the process could not be looked at in time\n";

    (void) signal;
    (void) !write(STDERR_FILENO, text, sizeof text - 1);
    _exit(SL_EXIT_UNMEASURED);
}

/*
 * A look ends by itself.  But a process that wins a race may have us wait where nobody returns:
 * memory that it takes away from under a read, and answers for itself.
 */
static void watch_time(const struct sl_snapshot_opts *opts)
{
    const uint64_t limit_ns = opts->max_time_ns ? opts->max_time_ns : DEFAULT_TIME_NS;

    (void) signal(SIGALRM, give_up);
    (void) alarm((unsigned) SL_MIN(limit_ns / SL_NS_PER_S + GRACE_S, (uint64_t) INT_MAX));
}

static bool has_any_stack(const struct sl_snapshot *snapshot)
{
    for (size_t i = 0; i < snapshot->n_threads; i++)
        if (snapshot->threads[i].stack)
            return true;
    return false;
}

static int run(int argc, char **argv)
{
    struct request request;
    struct sl_snapshot *taken = NULL;
    struct sl_error err = {0};
    int exit_status;

    if (!read_request(argc, argv, &request, &exit_status))
        return exit_status;
    watch_time(&request.opts);
    enum sl_status status = sl_snapshot_take(process_of(request.pid), &request.opts, &taken, &err);
    (void) alarm(0);
    if (status) {
        (void) command_error(&cmd_snapshot, &err, SL_EXIT_UNMEASURED);
        if (status == SL_EPERM)
            (void) fprintf(stderr, "%s'strandline doctor' says what is allowed here\n",
                           geteuid() ? "run it as root or with CAP_SYS_PTRACE; " : "");
        return SL_EXIT_UNMEASURED;
    }
    SL_AUTO(sl_snapshot) struct sl_snapshot *snapshot = taken;
    if (print(&request, snapshot, &err))
        return command_error(&cmd_snapshot, &err, SL_EXIT_UNMEASURED);
    if (has_any_stack(snapshot))
        return SL_EXIT_OK;
    (void) fprintf(stderr, "strandline snapshot: not one of %zu threads has a stack\n",
                   snapshot->n_threads);
    return SL_EXIT_UNMEASURED;
}

const struct sl_command cmd_snapshot = {
    .name = "snapshot",
    .usage = "[options] PID",
    .summary = "the stacks of all threads of a process, grouped",
    .text =
        "Threads that are blocked are read where they are: none is stopped, none runs, none "
        "gets a\nsignal.  A thread on a CPU is stopped for a moment, unless --no-stop.  Threads "
        "with the\nsame functions on their stacks are shown once, with their number.  A stack "
        "that did not\nend at a known entry is marked, with the reason.  Threads that ended and "
        "were "
        "never joined\nare counted by the function they were started with.  PID may be 'self'.\n",
    .options = options_of_snapshot,
    .operand = SL_ARGUMENT_PROCESS,
    .run = run,
};
