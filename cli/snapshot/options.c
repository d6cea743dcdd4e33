/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/snapshot/options.h"

#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/parse.h"
#include "cli/options/options.h"
#include "reports/snapshot/snapshot.h"

enum {
    OPTION_ALL,
    OPTION_PROVE,
    OPTION_GOROUTINES,
    OPTION_THREADS,
    OPTION_NATIVE,
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

#define MAX_FRAMES 65536

const struct sl_option snapshot_options[] = {
    [OPTION_ALL] = {"all", NULL, "each thread by itself", 0},
    [OPTION_PROVE] = {"prove", NULL, "say which waiting threads nothing that lives can ever wake",
                      0},
    [OPTION_GOROUTINES] = {"goroutines", "FILE",
                           "goroutines of a dump, or '-': pprof's debug=0, 1, 2, a traceback", 0,
                           SL_ARGUMENT_FILE},
    [OPTION_THREADS] = {"threads", NULL, "of a Go program the threads, too, after its goroutines",
                        0},
    [OPTION_NATIVE] = {"native", NULL, "of a Go program the threads, not its goroutines", 0},
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

/* What the look may cost. */
static int
read_limit(int option, const struct sl_options *options, struct snapshot_request *request)
{
    struct sl_snapshot_opts *opts = &request->opts;
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
        return command_usage_error(request->command, "--%s: %s", snapshot_options[option].name,
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
static int
read_option(int option, const struct sl_options *options, struct snapshot_request *request)
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
    case OPTION_GOROUTINES:
        request->dump = options->argument;
        break;
    case OPTION_THREADS:
        request->threads = true;
        break;
    case OPTION_NATIVE:
        request->native = true;
        break;
    case OPTION_JSON:
    case OPTION_THREADZ:
        if (strcmp(request->form, "text") != 0)
            return command_usage_error(request->command, "one of --json and --threadz");
        request->form = snapshot_options[option].name;
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
            return command_usage_error(request->command, "--max-frames: %s", err.text);
        request->opts.max_frames = (uint32_t) number;
        break;
    case OPTION_COLOR:
        request->color = (enum sl_color) options->word;
        break;
    default:
        return read_limit(option, options, request);
    }
    return SL_EXIT_OK;
}

unsigned snapshot_request_needs(const struct snapshot_request *request)
{
    return sl_exporter_find(sl_snapshot_exporters, request->form)->needs;
}

/* Of a dump nothing can be asked that only a process can tell. */
static int check_dump(const struct sl_options *options, const struct snapshot_request *request)
{
    if (options->n_operands)
        return command_usage_error(request->command, "one of --goroutines and a process id");
    if (request->prove)
        return command_usage_error(request->command,
                                   "--prove looks into a process, and a dump is none");
    if (snapshot_request_needs(request) & SL_SNAPSHOT_NEEDS_MAPS)
        return command_usage_error(request->command,
                                   "--threadz prints a memory map, and a dump has none");
    return SL_EXIT_OK;
}

/* What only threads have, or can be done to. */
static bool asks_for_threads(const struct snapshot_request *request)
{
    const struct sl_snapshot_opts *opts = &request->opts;

    return request->prove || opts->source != SL_SNAPSHOT_AUTO || opts->allow_stop ||
           opts->no_symbols;
}

static int check_process(struct snapshot_request *request)
{
    request->native |= asks_for_threads(request);
    if (request->threads && request->native)
        return command_usage_error(request->command,
                                   "--threads asks for goroutines, too, and another option for "
                                   "threads only");
    if (request->threads && strcmp(request->form, "json") == 0)
        return command_usage_error(request->command,
                                   "--threads prints two listings, and --json one document: ask "
                                   "with --native for that of the threads");
    return SL_EXIT_OK;
}

static int read_operand(const struct sl_options *options, struct snapshot_request *request)
{
    struct sl_error err = {0};
    uint64_t number;

    if (options->n_operands != 1)
        return command_usage_error(request->command, "one process id is needed, not %d",
                                   options->n_operands);
    if (strcmp(options->operands[0], "self") == 0) {
        request->pid = getpid();
        return SL_EXIT_OK;
    }
    if (sl_parse_number(options->operands[0], 1, INT32_MAX, &number, &err))
        return command_usage_error(request->command, "process id: %s", err.text);
    request->pid = (pid_t) number;
    return SL_EXIT_OK;
}

bool snapshot_options_read(int argc, char **argv, struct snapshot_request *request,
                           int *ret_exit_status)
{
    struct sl_options options = {.command = request->command, .argc = argc, .argv = argv};

    request->opts.size = sizeof request->opts;
    request->form = "text";
    for (int option; (option = options_next(&options)) != SL_OPTIONS_END;) {
        *ret_exit_status = option == SL_OPTIONS_EXIT ? options.exit_status
                                                     : read_option(option, &options, request);
        if (option == SL_OPTIONS_EXIT || *ret_exit_status)
            return false;
    }
    request->opts.find_unjoined = snapshot_request_needs(request) & SL_SNAPSHOT_NEEDS_GROUPS;
    request->opts.no_symbols |= !request->opts.find_unjoined;
    const struct sl_snapshot_opts *opts = &request->opts;
    if (opts->no_stop && (opts->allow_stop || opts->source == SL_SNAPSHOT_PTRACE))
        *ret_exit_status =
            command_usage_error(request->command, "--no-stop and %s exclude each other",
                                opts->allow_stop ? "--allow-stop" : "--source ptrace");
    else if (request->dump)
        *ret_exit_status = check_dump(&options, request);
    else
        *ret_exit_status = read_operand(&options, request);
    if (*ret_exit_status == SL_EXIT_OK && !request->dump)
        *ret_exit_status = check_process(request);
    return *ret_exit_status == SL_EXIT_OK;
}
