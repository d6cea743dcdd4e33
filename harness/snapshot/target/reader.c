/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/snapshot/target/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>

#include "base/clock.h"
#include "base/fail.h"
#include "harness/snapshot/target/errand.h"
#include "harness/snapshot/target/present.h"

#define PAGE         ((uint64_t) 4096)
#define MAX_VECTORS  1024 /* of one process_vm_readv; more is EINVAL */
#define PAGE_BUCKETS 1024
#define MAX_PAGES    8192 /* kept at once: 32 MiB */

#define SILENCE_NS (250 * SL_NS_PER_MS) /* a disk answers sooner */
#define MAX_SILENT 4 /* after so many nobody is asked any more for what is not in memory */

struct page {
    struct page *next;
    uint64_t address;
    bool readable;
    unsigned char data[PAGE];
};

struct sl_reader {
    struct sl_target *target;
    int fd;               /* /proc/PID/mem once process_vm_readv was refused, else -1 */
    int table;            /* /proc/PID/pagemap, or -1 */
    bool settled;         /* no file is opened to stay */
    bool silent;          /* what sl_reader_met_silence says */
    bool for_all;         /* what is read is of use to many threads: code and tables */
    unsigned n_silent[2]; /* of such, and of what is one thread's */
    struct page *buckets[PAGE_BUCKETS];
    size_t n_pages;
    struct iovec local[MAX_VECTORS], remote[MAX_VECTORS];
};

enum sl_status
sl_reader_new(struct sl_target *target, struct sl_reader **ret_reader, struct sl_error *err)
{
    struct sl_reader *reader = calloc(1, sizeof *reader);
    if (!reader)
        return sl_fail(err, SL_ENOMEM, "out of memory for reader of memory");
    reader->target = target;
    reader->fd = reader->table = -1;
    *ret_reader = reader;
    return SL_OK;
}

void sl_reader_free(struct sl_reader *reader)
{
    if (!reader)
        return;
    for (size_t i = 0; i < PAGE_BUCKETS; i++) {
        for (struct page *page = reader->buckets[i], *next; page; page = next) {
            next = page->next;
            free(page);
        }
    }
    if (reader->fd >= 0)
        (void) close(reader->fd);
    if (reader->table >= 0)
        (void) close(reader->table);
    free(reader);
}

/* process_vm_readv is missing in some kernels and forbidden in some containers. */
static bool open_mem_file(struct sl_reader *reader)
{
    char path[32];
    (void) snprintf(path, sizeof path, "%ld/mem", (long) reader->target->tid);
    reader->fd = openat(reader->target->task_fd, path, O_RDONLY | O_CLOEXEC);
    return reader->fd >= 0;
}

/* One call for n vectors.  @return bytes, from the first vector on, or -1 */
static ssize_t read_vectors(struct sl_reader *reader, const struct iovec *local,
                            const struct iovec *remote, size_t n)
{
    for (int attempt = 0;; attempt++) {
        if (reader->fd >= 0) /* short: the caller goes on with the next vector */
            return pread(reader->fd, local->iov_base, local->iov_len,
                         (off_t) (uintptr_t) remote->iov_base);
        ssize_t got = process_vm_readv(reader->target->tid, local, n, remote, n, 0);
        if (got >= 0 || attempt > 1)
            return got;
        if (errno == ESRCH && sl_target_revive(reader->target))
            continue;
        if ((errno == ENOSYS || errno == EPERM) && !reader->settled && open_mem_file(reader))
            continue;
        return -1;
    }
}

/* The table that says of each page whether it is in memory; -1 when this kernel has none. */
static int open_page_table(const struct sl_reader *reader)
{
    char path[32];
    (void) snprintf(path, sizeof path, "%ld/pagemap", (long) reader->target->tid);
    return openat(reader->target->task_fd, path, O_RDONLY | O_CLOEXEC);
}

size_t sl_reader_read(struct sl_reader *reader, uint64_t address, void *data, size_t size)
{
    struct sl_copy copy = {.address = address, .data = data, .size = size};
    sl_reader_copy(reader, &copy, 1);
    return copy.copied;
}

bool sl_reader_read_all(struct sl_reader *reader, uint64_t address, void *data, size_t size)
{
    size_t done = 0, got = 1;

    for (; done < size && got; done += got)
        got = sl_reader_read(reader, address + done, (char *) data + done, size - done);
    return done == size;
}

bool sl_reader_met_silence(const struct sl_reader *reader)
{
    return reader->silent;
}

/* Share `got` bytes out over the copies.  @return how many of them are done with */
static size_t account(struct sl_copy *copies, size_t n, size_t got)
{
    size_t i = 0;
    for (; i < n; i++) {
        size_t part = SL_MIN(got, copies[i].present - copies[i].copied);
        copies[i].copied += part;
        got -= part;
        if (copies[i].copied < copies[i].present)
            break;
    }
    return i;
}

/* What is present of each. */
static void copy_present(struct sl_reader *reader, struct sl_copy *copies, size_t n_copies)
{
    for (size_t done = 0; done < n_copies;) {
        if (!copies[done].present) {
            done++;
            continue;
        }
        size_t n = SL_MIN(n_copies - done, (size_t) MAX_VECTORS);
        for (size_t i = 0; i < n; i++) {
            const struct sl_copy *copy = &copies[done + i];
            uint64_t address = copy->address + copy->copied;
            reader->local[i] =
                (struct iovec){(char *) copy->data + copy->copied, copy->present - copy->copied};
            reader->remote[i] =
                (struct iovec){(void *) (uintptr_t) address, copy->present - copy->copied};
        }
        ssize_t got = read_vectors(reader, reader->local, reader->remote, n);
        size_t complete = got > 0 ? account(copies + done, n, (size_t) got) : 0;
        done += complete;
        /*
         * The call stops at the first hole and says nothing about what comes after
         * it: the copy with the hole keeps what it has, the next one goes on.
         */
        if (complete < n && (reader->fd < 0 || got <= 0))
            done++;
    }
}

/* What is left of the first page, if it comes within a moment. */
static void read_absent(struct sl_reader *reader, struct sl_copy *copy)
{
    size_t size = SL_MIN(copy->size, (size_t) (PAGE - copy->address % PAGE));
    uint64_t limit = SL_MIN(SILENCE_NS, sl_budget_left(reader->target->budget, SL_BUDGET_TIME));
    ssize_t got = -ETIMEDOUT;

    unsigned *n_silent = &reader->n_silent[reader->for_all];
    if (*n_silent < MAX_SILENT)
        got = sl_errand_read_memory(limit, reader->target->tid, copy->address, copy->data, size);
    reader->silent = got == -ETIMEDOUT;
    *n_silent += reader->silent;
    /* Who may trace its descendants only, as Yama has it, has none that an errand may read. */
    if (got == -EPERM || got == -ENOSYS || got == -ENOMEM || got == -ESRCH) {
        copy->present = size;
        copy_present(reader, copy, 1);
    } else {
        copy->copied = got > 0 ? (size_t) got : 0;
    }
}

static void copy_all(struct sl_reader *reader, struct sl_copy *copies, size_t n_copies, bool wait)
{
    int table = reader->table;

    if (table < 0 && !reader->target->self)
        table = open_page_table(reader);
    reader->silent = false;
    for (size_t i = 0; i < n_copies; i++) {
        copies[i].copied = 0;
        copies[i].present = copies[i].size;
    }
    if (table >= 0)
        sl_present_find(table, copies, n_copies);
    copy_present(reader, copies, n_copies); /* at once: it may not stay */
    for (size_t i = 0; i < n_copies && wait; i++)
        if (!copies[i].present && copies[i].size)
            read_absent(reader, &copies[i]);
    if (!reader->settled)
        reader->table = table;
    else if (table >= 0)
        (void) close(table);
}

void sl_reader_copy(struct sl_reader *reader, struct sl_copy *copies, size_t n_copies)
{
    copy_all(reader, copies, n_copies, true);
}

void sl_reader_copy_present(struct sl_reader *reader, struct sl_copy *copies, size_t n_copies)
{
    copy_all(reader, copies, n_copies, false);
}

bool sl_reader_settle(struct sl_reader *reader)
{
    reader->settled = reader->fd < 0;
    if (reader->settled && reader->table >= 0) {
        (void) close(reader->table);
        reader->table = -1;
    }
    return reader->settled;
}

void sl_reader_unsettle(struct sl_reader *reader)
{
    reader->settled = false;
}

bool sl_reader_is_permitted(struct sl_reader *reader, uint64_t address)
{
    char byte;
    return sl_reader_read(reader, address, &byte, 1) == 1;
}

static struct page *find_page(struct sl_reader *reader, uint64_t address)
{
    struct page **bucket = &reader->buckets[address / PAGE % PAGE_BUCKETS];
    for (struct page *page = *bucket; page; page = page->next)
        if (page->address == address)
            return page;
    struct page *page = *bucket;
    if (!page || reader->n_pages < MAX_PAGES) {
        page = malloc(sizeof *page);
        if (!page)
            return NULL;
        page->next = *bucket;
        *bucket = page;
        reader->n_pages++;
    }
    page->address = address;
    reader->for_all = true;
    page->readable = sl_reader_read(reader, address, page->data, PAGE) == PAGE;
    reader->for_all = false;
    return page;
}

bool sl_reader_read_cached(struct sl_reader *reader, uint64_t address, void *data, size_t size)
{
    for (char *to = data; size;) {
        uint64_t offset = address % PAGE;
        size_t part = SL_MIN(size, (size_t) (PAGE - offset));
        const struct page *page = find_page(reader, address - offset);
        if (!page || !page->readable)
            return false;
        memcpy(to, page->data + offset, part);
        to += part;
        address += part;
        size -= part;
    }
    return true;
}
