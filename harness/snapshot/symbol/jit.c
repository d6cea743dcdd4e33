/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/snapshot/symbol/jit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/grow.h"
#include "base/search.h"
#include "harness/snapshot/target/digits.h"
#include "harness/snapshot/target/ids.h"
#include "harness/snapshot/target/regular.h"

#define MAX_SIZE    ((off_t) 64 * 1024 * 1024)
#define MAX_ENTRIES ((size_t) 1024 * 1024)
#define MAX_NAME    4096

/* A line, or the part of its range in which no later line says otherwise. */
struct entry {
    uint64_t start, end;
    uint32_t name; /* in the text; grows with the age of the process: lines are appended */
};

struct sl_jit {
    char *text;          /* names end with a zero */
    struct entry *spans; /* ascending, disjoint */
    size_t n_spans;
};

/* Lines that reach an address, the newest first: a heap. */
struct heap {
    struct entry *entries;
    size_t n, capacity;
};

static bool push(struct heap *heap, const struct entry *entry)
{
    if (!sl_grow(&heap->entries, &heap->capacity, heap->n + 1))
        return false;
    size_t at = heap->n++;
    for (size_t parent; at && heap->entries[parent = (at - 1) / 2].name < entry->name; at = parent)
        heap->entries[at] = heap->entries[parent];
    heap->entries[at] = *entry;
    return true;
}

static void pop(struct heap *heap)
{
    const struct entry last = heap->entries[--heap->n];
    size_t at = 0;

    for (size_t child; (child = 2 * at + 1) < heap->n; at = child) {
        if (child + 1 < heap->n && heap->entries[child + 1].name > heap->entries[child].name)
            child++;
        if (heap->entries[child].name <= last.name)
            break;
        heap->entries[at] = heap->entries[child];
    }
    heap->entries[at] = last;
}

static int compare_starts(const void *left, const void *right)
{
    const struct entry *a = left, *b = right;
    return (a->start > b->start) - (a->start < b->start);
}

/* What holds from `at` on, up to where that may change. */
static bool
add_span(struct sl_jit *jit, size_t *capacity, const struct entry *entry, uint64_t at, uint64_t end)
{
    if (!sl_grow(&jit->spans, capacity, jit->n_spans + 1))
        return false;
    jit->spans[jit->n_spans++] = (struct entry){.start = at, .end = end, .name = entry->name};
    return true;
}

/* Memory of code that was given up is used again: the newest line holds. */
static bool resolve(struct sl_jit *jit, struct entry *entries, size_t n)
{
    struct heap heap = {0};
    size_t capacity = 0, next = 0;
    uint64_t at = 0;
    bool ok = true;

    if (n)
        qsort(entries, n, sizeof *entries, compare_starts);
    while (ok && (next < n || heap.n)) {
        if (!heap.n)
            at = entries[next].start;
        while (ok && next < n && entries[next].start <= at)
            ok = push(&heap, &entries[next++]);
        while (heap.n && heap.entries[0].end <= at)
            pop(&heap);
        if (!ok || !heap.n)
            continue;
        uint64_t end = heap.entries[0].end;
        if (next < n)
            end = SL_MIN(end, entries[next].start);
        ok = add_span(jit, &capacity, &heap.entries[0], at, end);
        at = end;
    }
    free(heap.entries);
    return ok;
}

static bool read_number(const char **at, uint64_t *ret_value)
{
    if (strncmp(*at, "0x", 2) == 0)
        *at += 2;
    return sl_digits_hex(at, ret_value) && *(*at)++ == ' ';
}

/* @return false when the line is not of the form */
static bool parse_line(const char *text, const char *line, struct entry *ret_entry)
{
    const char *at = line;
    uint64_t start, size;

    if (!read_number(&at, &start) || !read_number(&at, &size) || !size || start + size < start ||
        !*at)
        return false;
    *ret_entry =
        (struct entry){.start = start, .end = start + size, .name = (uint32_t) (at - text)};
    return true;
}

/* Lines that are not of the form are left out, as is a last one that is being written. */
static bool parse(struct sl_jit *jit, size_t size)
{
    SL_AUTO_FREE struct entry *entries = NULL;
    size_t n = 0, capacity = 0;

    for (char *line = jit->text, *end;
         (end = memchr(line, '\n', size - (size_t) (line - jit->text))); line = end + 1) {
        *end = '\0';
        if (n == MAX_ENTRIES || !sl_grow(&entries, &capacity, n + 1))
            return false;
        n += parse_line(jit->text, line, &entries[n]);
    }
    return n && resolve(jit, entries, n);
}

struct sl_jit *sl_jit_parse(char *text, size_t size)
{
    struct sl_jit *jit = calloc(1, sizeof *jit);

    if (!jit) {
        free(text);
        return NULL;
    }
    jit->text = text;
    if (parse(jit, size))
        return jit;
    sl_jit_free(jit);
    return NULL;
}

void sl_jit_free(struct sl_jit *jit)
{
    if (!jit)
        return;
    free(jit->spans);
    free(jit->text);
    free(jit);
}

const char *sl_jit_find(const struct sl_jit *jit, uint64_t address, struct sl_arena *arena)
{
    size_t at = SL_PARTITION_POINT(jit->n_spans, i, jit->spans[i].start <= address);
    if (!at || jit->spans[at - 1].end <= address)
        return NULL;
    return sl_arena_printf(arena, "%.*s", MAX_NAME, jit->text + jit->spans[at - 1].name);
}

/* What the file's name and its owner have to be. */
struct process {
    pid_t id; /* in its own pid namespace */
    uint64_t user, effective_user;
};

static bool read_process(const struct sl_target *target, struct process *ret_process)
{
    char status[4096];
    bool nested;
    const char *user = sl_target_read(target, target->pid, "status", status, sizeof status) > 0
                           ? strstr(status, "\nUid:\t")
                           : NULL;

    if (!user)
        return false;
    user += strlen("\nUid:\t");
    ret_process->id = sl_ids_parse(status, &nested);
    if (!ret_process->id)
        ret_process->id = target->pid;
    return sl_digits_decimal(&user, &ret_process->user) && *user++ == '\t' &&
           sl_digits_decimal(&user, &ret_process->effective_user);
}

/* Written since the process began?  Earlier ones may have had its id. */
static bool is_new(const struct sl_target *target, const struct stat *file)
{
    struct timespec now, since_boot;
    struct sl_stat stat;

    if (sl_target_stat(target, target->pid, &stat) || clock_gettime(CLOCK_REALTIME, &now) ||
        clock_gettime(CLOCK_BOOTTIME, &since_boot))
        return false;
    int64_t started = (int64_t) (stat.start_time / (uint64_t) sysconf(_SC_CLK_TCK));
    return file->st_mtim.tv_sec + 1 >= now.tv_sec - (since_boot.tv_sec - started);
}

struct sl_jit *sl_jit_new(const struct sl_target *target)
{
    struct process process;
    struct stat stat;
    char path[64];

    if (!read_process(target, &process))
        return NULL;
    (void) snprintf(path, sizeof path, "/tmp/perf-%ld.map", (long) process.id);
    SL_AUTO_FD int fd = sl_regular_open_itself_in(target, path);
    if (fd < 0 || fstat(fd, &stat) || stat.st_size <= 0 || stat.st_size > MAX_SIZE ||
        (stat.st_uid && stat.st_uid != process.user && stat.st_uid != process.effective_user) ||
        !is_new(target, &stat))
        return NULL;
    size_t size = (size_t) stat.st_size;
    char *text = malloc(size);
    ssize_t got = text ? pread(fd, text, size, 0) : -1;
    if (got > 0)
        return sl_jit_parse(text, (size_t) got);
    free(text);
    return NULL;
}
