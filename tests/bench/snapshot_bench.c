/* SPDX-License-Identifier: Apache-2.0 */
/*
 * snapshot_bench PID [RUNS [SOURCE]]: time of snapshots, and of the floor that the
 * proc source can not go below: listing the threads and reading each one's `syscall` file.
 *
 * snapshot_bench --print PID: one snapshot, thread by thread.
 */
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <strandline/snapshot.h>

#include "base/clock.h"
#include "harness/model/snapshot.h"

/* Listing and reading, as bare as it can be written. */
static uint64_t measure_floor(pid_t pid, size_t *ret_threads)
{
    char path[64], text[256];
    uint64_t start = sl_clock_now_ns();

    (void) snprintf(path, sizeof path, "/proc/%d/task", (int) pid);
    DIR *directory = opendir(path);
    if (!directory)
        return 0;
    *ret_threads = 0;
    for (struct dirent *entry; (entry = readdir(directory));) {
        char file[300];
        if (entry->d_name[0] == '.')
            continue;
        (void) snprintf(file, sizeof file, "%s/syscall", entry->d_name);
        int fd = openat(dirfd(directory), file, O_RDONLY);
        if (fd >= 0 && read(fd, text, sizeof text) > 0)
            ++*ret_threads;
        if (fd >= 0)
            (void) close(fd);
    }
    (void) closedir(directory);
    return sl_clock_now_ns() - start;
}

static void print_thread(const struct sl_thread *thread)
{
    (void) printf("%d %s %c %s%s wait=%s %s%s", (int) thread->id, thread->name, thread->state,
                  sl_source_text(thread->source), thread->consistent ? "" : " inconsistent",
                  sl_wait_kind_text(thread->wait.kind),
                  thread->wait.syscall ? thread->wait.syscall : "-",
                  thread->wait.timed ? " timed" : "");
    if (thread->wait.object)
        (void) printf(" object=0x%" PRIx64, thread->wait.object);
    if (thread->wait.owner)
        (void) printf(" owner=%d", (int) thread->wait.owner);
    if (thread->wait.target)
        (void) printf(" target=%s", thread->wait.target);
    (void) printf("\n");
    const struct sl_stack *stack = thread->stack;
    for (size_t i = 0; stack && i < stack->n_frames; i++) {
        const struct sl_frame *frame = &stack->frames[i];
        (void) printf("  0x%016" PRIx64 " %s%s %s:%" PRIu32 " (%s)\n", frame->address,
                      frame->function ? frame->function : "?", frame->inlined ? " [inlined]" : "",
                      frame->file ? frame->file : "?", frame->line, sl_path_base(frame->module));
    }
    if (!stack || !stack->complete)
        (void) printf("  -- %s\n", stack ? stack->reason : thread->reason);
}

/* What this process used of the CPUs: on a busy machine, steadier than the time that passes. */
static uint64_t cpu_time_ns(void)
{
    struct timespec time;
    (void) clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (uint64_t) time.tv_sec * SL_NS_PER_S + (uint64_t) time.tv_nsec;
}

static int run(pid_t pid, const struct sl_snapshot_opts *opts, int runs, bool print)
{
    struct sl_error err = {0};
    struct rusage usage;

    for (int i = 0; i < runs; i++) {
        struct sl_snapshot *snapshot;
        size_t n_threads = 0, n_complete = 0;
        uint64_t begin_cpu = cpu_time_ns();
        uint64_t floor_ns = print ? 0 : measure_floor(pid, &n_threads);
        uint64_t floor_cpu = cpu_time_ns();
        if (sl_snapshot_take(pid, opts, &snapshot, &err)) {
            (void) fprintf(stderr, "%s: %s\n", sl_status_text(err.status), err.text);
            return 1;
        }
        uint64_t end_cpu = cpu_time_ns();
        for (size_t t = 0; t < snapshot->n_threads; t++) {
            const struct sl_thread *thread = &snapshot->threads[t];
            n_complete += thread->stack && thread->stack->complete;
            if (print)
                print_thread(thread);
        }
        (void) getrusage(RUSAGE_SELF, &usage);
        (void) printf("threads %zu complete %zu unwound %u memoised %u retried %u stopped %u "
                      "floor_us %" PRIu64 " snapshot_us %" PRIu64
                      " rss_kib %ld floor_cpu_us %" PRIu64 " snapshot_cpu_us %" PRIu64 "\n",
                      snapshot->n_threads, n_complete, snapshot->stats.unwound,
                      snapshot->stats.memoised, snapshot->stats.retried, snapshot->stats.stopped,
                      floor_ns / 1000, snapshot->stats.duration_ns / 1000, usage.ru_maxrss,
                      (floor_cpu - begin_cpu) / 1000, (end_cpu - floor_cpu) / 1000);
        sl_snapshot_free(snapshot);
    }
    return 0;
}

int main(int argc, char **argv)
{
    struct sl_snapshot_opts opts = {.size = sizeof opts};
    bool print = argc > 1 && strcmp(argv[1], "--print") == 0;

    if (argc < 2 + print) {
        (void) fprintf(stderr, "usage: snapshot_bench [--print] PID [RUNS [SOURCE]]\n");
        return 2;
    }
    if (argc > 3 + print) {
        const char *source = argv[3 + print];
        opts.source = strcmp(source, "bpf") == 0      ? SL_SNAPSHOT_BPF
                      : strcmp(source, "ptrace") == 0 ? SL_SNAPSHOT_PTRACE
                                                      : SL_SNAPSHOT_PROC;
    }
    int runs = argc > 2 + print ? atoi(argv[2 + print]) : 1;
    return run((pid_t) atoi(argv[1 + print]), &opts, runs, print);
}
