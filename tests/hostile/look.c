/* SPDX-License-Identifier: Apache-2.0 */
#include "look.h"

#include <dirent.h>
#include <errno.h>
#include <linux/futex.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "harness/leak/group.h"
#include "harness/model/snapshot.h"
#include "reports/snapshot/listing.h"
#include "reports/snapshot/read.h"
#include "until.h"

#define PATIENCE_NS  (5 * SL_NS_PER_S)
#define SLACK_NS     SL_NS_PER_S           /* a machine with other work to do */
#define SLACK_MEMORY ((uint64_t) 96 << 20) /* what a sanitizer keeps of freed memory */

#define MAX_READ ((size_t) 32 << 20) /* bytes of JSON */

/* What the process has, that a look must give back. */
struct possessions {
    size_t n_descriptors, n_threads;
};

static void fail(struct look_result *result, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void fail(struct look_result *result, const char *format, ...)
{
    va_list args;

    if (*result->fault)
        return;
    va_start(args, format);
    (void) vsnprintf(result->fault, sizeof result->fault, format, args);
    va_end(args);
}

static size_t count_entries(const char *path)
{
    DIR *directory = opendir(path);
    size_t n = 0;

    while (directory && readdir(directory))
        n++;
    if (directory)
        (void) closedir(directory);
    return n;
}

static struct possessions possess(void)
{
    return (struct possessions){count_entries("/proc/self/fd"), count_entries("/proc/self/task")};
}

static bool has_same(const struct possessions *before)
{
    const struct possessions now = possess();
    return now.n_descriptors == before->n_descriptors && now.n_threads == before->n_threads;
}

static uint64_t status_field(const char *name)
{
    char text[8192];
    const char *at =
        sl_file_read("/proc/self/status", text, sizeof text) ? strstr(text, name) : NULL;
    return at ? strtoull(at + strlen(name), NULL, 10) << 10 : 0;
}

/* Bytes that a terminal would obey, or that are no text at all. */
static bool is_clean(const unsigned char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        unsigned char c = text[i];
        if ((c < 0x20 && c != '\n') || c == 0x7f)
            return false;
        if (c == 0xc2 && i + 1 < size && text[i + 1] < 0xa0)
            return false;
        if (c == 0xe2 && i + 2 < size &&
            ((text[i + 1] == 0x80 && text[i + 2] >= 0xaa && text[i + 2] <= 0xae) ||
             (text[i + 1] == 0x81 && text[i + 2] >= 0xa6 && text[i + 2] <= 0xa9)))
            return false;
    }
    return true;
}

struct print {
    char *text;
    size_t size;
};

typedef enum sl_status (*writer)(const void *document, const struct sl_page *page,
                                 struct sl_error *err);

static struct print print(writer write, const struct sl_snapshot_listing *listing,
                          struct sl_arena *arena, struct look_result *result)
{
    struct print print = {0};
    struct sl_error err = {0};
    FILE *out = open_memstream(&print.text, &print.size);
    const struct sl_page page = {.out = out, .width = 80, .arena = arena};

    if (!out)
        abort();
    if (write(listing, &page, &err))
        fail(result, "cannot be written: %s", err.text);
    (void) fclose(out);
    return print;
}

/* Read what was written, and write it again. */
static struct print
print_again(const struct print *json, struct sl_arena *arena, struct look_result *result)
{
    struct sl_snapshot *again = NULL;
    struct sl_snapshot_listing listing = {.all = true};
    struct sl_error err = {0};

    if (sl_snapshot_parse("again", json->text, json->size, &again, &err)) {
        fail(result, "what was written cannot be read: %s", err.text);
        return (struct print){0};
    }
    listing.snapshot = again;
    if (sl_leak_group_all(again, arena, &listing.groups, &listing.n_groups, &err))
        fail(result, "what was read cannot be grouped: %s", err.text);
    struct print written = print(snapshot_write_json, &listing, arena, result);
    sl_snapshot_free(again);
    return written;
}

/* Names that are no text are changed when they are written first; after that nothing is. */
static void
check_reading(const struct print *json, struct sl_arena *arena, struct look_result *result)
{
    struct print first = print_again(json, arena, result);
    struct print second = first.text ? print_again(&first, arena, result) : (struct print){0};

    if (second.text &&
        (second.size != first.size || memcmp(second.text, first.text, first.size) != 0))
        fail(result, "writing and reading change something");
    free(first.text);
    free(second.text);
}

static void check_text(const struct sl_snapshot_listing *listing, struct sl_arena *arena,
                       struct look_result *result)
{
    struct print text = print(snapshot_write_text, listing, arena, result);

    if (!is_clean((const unsigned char *) text.text, text.size))
        fail(result, "the text has bytes that a terminal obeys");
    free(text.text);
}

/* All that there is; larger than the look where stacks that many threads share are repeated. */
static void
check_json(struct sl_snapshot_listing *listing, struct sl_arena *arena, struct look_result *result)
{
    listing->all = true;
    struct print json = print(snapshot_write_json, listing, arena, result);

    if (!is_clean((const unsigned char *) json.text, json.size))
        fail(result, "the JSON has bytes that a terminal obeys");
    if (json.size < MAX_READ)
        check_reading(&json, arena, result);
    free(json.text);
}

static void choose_options(struct choice *choice, const struct look_limits *limits,
                           struct sl_snapshot_opts *opts)
{
    static const enum sl_snapshot_source sources[] = {
        SL_SNAPSHOT_PROC, SL_SNAPSHOT_PROC, SL_SNAPSHOT_PROC,  SL_SNAPSHOT_PROC,
        SL_SNAPSHOT_PROC, SL_SNAPSHOT_AUTO, SL_SNAPSHOT_PTRACE};
    *opts = (struct sl_snapshot_opts){.size = sizeof *opts,
                                      .max_time_ns = limits->time_ns,
                                      .max_memory = limits->memory,
                                      .source = sources[choose_below(choice, 7)],
                                      .find_unjoined = !one_in(choice, 4),
                                      .no_symbols = one_in(choice, 20),
                                      .allow_stop = one_in(choice, 10)};
    if (opts->source != SL_SNAPSHOT_PTRACE)
        opts->no_stop = one_in(choice, 4) && !opts->allow_stop;
}

static void check_threads(const struct sl_snapshot *snapshot, struct look_result *result)
{
    result->n_threads = snapshot->n_threads;
    for (size_t i = 0; i < snapshot->n_threads; i++) {
        result->n_stacks += snapshot->threads[i].stack != NULL;
        if (!snapshot->threads[i].stack == !snapshot->threads[i].reason)
            fail(result, "thread %ju has a stack and a reason why not, or neither",
                 (uintmax_t) snapshot->threads[i].id);
    }
}

/* From here on time and memory count... */
static void begin_measure(struct look_result *result)
{
    result->memory = status_field("\nVmRSS:");
    FILE *file = fopen("/proc/self/clear_refs", "w"); /* the peak is what there is now */
    if (file && fputs("5", file) >= 0)
        (void) fclose(file);
    result->time_ns = sl_clock_now_ns();
}

/* ...to here. */
static void end_measure(const struct look_limits *limits, struct look_result *result)
{
    uint64_t peak = status_field("\nVmHWM:");

    result->time_ns = sl_clock_now_ns() - result->time_ns;
    result->memory = peak > result->memory ? peak - result->memory : 0;
    result->slow = result->time_ns > limits->time_ns + SLACK_NS;
    if (result->slow)
        fail(result, "it took %.1f s", (double) result->time_ns / (double) SL_NS_PER_S);
    if (result->memory > limits->memory + SLACK_MEMORY)
        fail(result, "it took %.0f MiB", (double) result->memory / (1 << 20));
}

static void take(pid_t pid, const struct look_limits *limits, struct pulse *pulse,
                 const struct sl_snapshot_opts *opts, struct look_result *result)
{
    struct sl_snapshot *snapshot = NULL;
    struct sl_snapshot_listing listing = {0};
    struct sl_error err = {0};
    struct sl_arena *arena = sl_arena_new();

    begin_measure(result);
    if (sl_snapshot_take(pid, opts, &snapshot, &err)) {
        end_measure(limits, result);
        (void) snprintf(result->refusal, sizeof result->refusal, "%s", err.text);
        if (!(atomic_load(&pulse->flags) & (MAY_END | MAY_EXEC)))
            fail(result, "there is no snapshot: %s", err.text);
    } else {
        listing.snapshot = snapshot;
        if (sl_leak_group_all(snapshot, arena, &listing.groups, &listing.n_groups, &err))
            fail(result, "cannot be grouped: %s", err.text);
        check_text(&listing, arena, result);
        end_measure(limits, result);
        check_threads(snapshot, result);
        check_json(&listing, arena, result);
    }
    sl_snapshot_free(snapshot);
    sl_arena_free(arena);
}

/* No thread of it may stand still for us, and it has to go on. */
static void check_target(pid_t pid, struct pulse *pulse, struct look_result *result)
{
    char path[300], text[8192], own[64];
    DIR *directory;

    (void) snprintf(path, sizeof path, "/proc/%ld/task", (long) pid);
    (void) snprintf(own, sizeof own, "\nTracerPid:\t0\n");
    directory = opendir(path);
    for (struct dirent *entry; directory && (entry = readdir(directory));) {
        (void) snprintf(path, sizeof path, "/proc/%ld/task/%s/status", (long) pid, entry->d_name);
        if (*entry->d_name != '.' && sl_file_read(path, text, sizeof text) && !strstr(text, own))
            fail(result, "thread %s is still traced", entry->d_name);
        if (*entry->d_name != '.' && strstr(text, "\nState:\tT"))
            fail(result, "thread %s is stopped", entry->d_name);
    }
    if (directory)
        (void) closedir(directory);
    atomic_fetch_add(&pulse->ping, 1);
    (void) syscall(SYS_futex, &pulse->ping, FUTEX_WAKE, 1, NULL, NULL, 0);
    if (!(atomic_load(&pulse->flags) & (MAY_END | MAY_EXEC)) &&
        !sl_test_until(atomic_load(&pulse->pong) == atomic_load(&pulse->ping), PATIENCE_NS))
        fail(result, "the target does not answer any more");
}

void look_begin(void)
{
    static const enum sl_snapshot_source sources[] = {SL_SNAPSHOT_PROC, SL_SNAPSHOT_BPF};

    /* Targets have busy threads, too: what is shown afterwards is not to wait for its turn. */
    (void) setpriority(PRIO_PROCESS, 0, PRIO_MIN);
    for (size_t i = 0; i < SL_COUNT_OF(sources); i++) {
        const struct sl_snapshot_opts opts = {.size = sizeof opts, .source = sources[i]};
        struct sl_snapshot *snapshot = NULL;
        if (sl_snapshot_take(getppid(), &opts, &snapshot, NULL) == SL_OK)
            sl_snapshot_free(snapshot);
    }
}

void look_at(pid_t pid, const struct look_limits *limits, struct pulse *pulse,
             struct choice *choice, struct look_result *ret_result)
{
    struct look_result result = {0};
    const struct possessions before = possess();
    struct sl_snapshot_opts opts;

    choose_options(choice, limits, &opts);
    take(pid, limits, pulse, &opts, &result);
    if (waitpid(-1, NULL, WNOHANG | __WALL) != -1 || errno != ECHILD)
        fail(&result, "it left a process behind");
    /* A thread that was joined is there for a moment yet. */
    if (!sl_test_until(has_same(&before), PATIENCE_NS))
        fail(&result, "it left %zd descriptors and %zd threads behind",
             (ssize_t) (possess().n_descriptors - before.n_descriptors),
             (ssize_t) (possess().n_threads - before.n_threads));
    check_target(pid, pulse, &result);
    *ret_result = result;
}
