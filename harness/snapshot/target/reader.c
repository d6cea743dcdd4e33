/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/snapshot/target/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fail.h"
#include "harness/snapshot/killable/courier.h"
#include "harness/snapshot/target/present.h"

#define PAGE         ((uint64_t) 4096)
#define PAGE_BUCKETS 1024
#define MAX_PAGES    8192 /* kept at once: 32 MiB */

#define SILENCE_NS (250 * SL_NS_PER_MS) /* a disk answers sooner */
#define LAST_NS    (10 * SL_NS_PER_MS)  /* when the time is over */
#define MAX_SILENT 4 /* after so many nobody is asked any more for what is not in memory */

struct page {
    struct page *next;
    uint64_t address;
    bool readable;
    unsigned char data[PAGE];
};

/* By whom memory is read: the first that may. */
enum way {
    BY_COURIER,
    BY_CALL, /* process_vm_readv */
    BY_FILE  /* /proc/PID/mem */
};

struct sl_reader {
    struct sl_target *target;
    enum way way;
    struct sl_courier *courier; /* its luggage is used by every way; NULL after a silence */
    int fd;                     /* /proc/PID/mem, or -1 */
    int table;                  /* /proc/PID/pagemap, or -1 */
    bool settled;               /* no file is opened to stay */
    bool wary;                  /* the courier did not come back once: ask the table before */
    bool silent;                /* what sl_reader_met_silence says */
    bool for_all;               /* what is read is of use to many threads: code and tables */
    unsigned n_silent[2];       /* of such, and of what is one thread's */
    struct page *buckets[PAGE_BUCKETS];
    size_t n_pages;
};

enum sl_status
sl_reader_new(struct sl_target *target, struct sl_reader **ret_reader, struct sl_error *err)
{
    struct sl_reader *reader = calloc(1, sizeof *reader);
    struct sl_courier *courier = sl_courier_new();
    if (!reader || !courier) {
        free(reader);
        sl_courier_free(courier);
        return sl_fail(err, SL_ENOMEM, "out of memory for reader of memory");
    }
    reader->courier = courier;
    reader->target = target;
    reader->way = target->self ? BY_CALL : BY_COURIER;
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
    sl_courier_free(reader->courier);
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

/* One call for the first n that are wanted.  @return bytes, from the first one on, or -errno */
static ssize_t fetch_once(struct sl_reader *reader, uint64_t limit_ns, size_t n, size_t size)
{
    if (reader->way == BY_COURIER)
        return sl_courier_fetch(&reader->courier, limit_ns, reader->target->tid, n, size);
    struct sl_luggage *luggage = sl_courier_luggage(reader->courier);
    struct iovec local = {luggage->data, size};
    ssize_t got = reader->way == BY_CALL
                      ? process_vm_readv(reader->target->tid, &local, 1, luggage->wanted, n, 0)
                      : pread(reader->fd, luggage->data, luggage->wanted[0].iov_len,
                              (off_t) (uintptr_t) luggage->wanted[0].iov_base);
    return got < 0 ? -errno : got;
}

/* Who may trace its descendants only, as Yama has it, has none that a courier may read. */
static bool take_another_way(struct sl_reader *reader)
{
    if (reader->way == BY_COURIER)
        reader->way = BY_CALL;
    else if (reader->way == BY_CALL && !reader->settled && open_mem_file(reader))
        reader->way = BY_FILE;
    else
        return false;
    return true;
}

int sl_reader_open_page_table(const struct sl_reader *reader)
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

/* What is still to be had of the copies, from the first on, as far as there is room for.
 * @return how many of them; by file one only */
static size_t pack(const struct sl_reader *reader, const struct sl_copy *copies, size_t n_copies,
                   size_t *ret_size)
{
    struct sl_luggage *luggage = sl_courier_luggage(reader->courier);
    const size_t max = reader->way == BY_FILE ? 1 : SL_COURIER_VECTORS;
    size_t n = 0, size = 0;

    for (; n < n_copies && n < max && size < sizeof luggage->data; n++) {
        uint64_t address = copies[n].address + copies[n].copied;
        size_t part = SL_MIN(copies[n].present - copies[n].copied, sizeof luggage->data - size);
        luggage->wanted[n] = (struct iovec){(void *) (uintptr_t) address, part};
        size += part;
    }
    *ret_size = size;
    return n;
}

/* Share `got` bytes out over the copies.  @return how many of them are done with */
static size_t unpack(const struct sl_reader *reader, struct sl_copy *copies, size_t n, size_t got)
{
    const unsigned char *data = sl_courier_luggage(reader->courier)->data;
    size_t i = 0;

    for (; i < n; i++) {
        size_t part = SL_MIN(got, copies[i].present - copies[i].copied);
        memcpy((char *) copies[i].data + copies[i].copied, data, part);
        copies[i].copied += part;
        data += part;
        got -= part;
        if (copies[i].copied < copies[i].present)
            break;
    }
    return i;
}

/* Set what is present of each.  A file that may not stay is opened for a moment. */
static void ask_table(struct sl_reader *reader, struct sl_copy *copies, size_t n_copies)
{
    int table = reader->table >= 0 ? reader->table : sl_reader_open_page_table(reader);

    sl_present_find(table, copies, n_copies);
    if (!reader->settled)
        reader->table = table;
    else if (table >= 0)
        (void) close(table);
}

static bool has_luggage(struct sl_reader *reader)
{
    if (!reader->courier)
        reader->courier = sl_courier_new();
    return reader->courier;
}

/* One fetch for the first of the copies.  @return how many of them are done with, or -ETIMEDOUT */
static ssize_t
fetch(struct sl_reader *reader, uint64_t limit_ns, struct sl_copy *copies, size_t n_copies)
{
    size_t n, size;
    ssize_t got;

    uint64_t left_ns = sl_budget_left(reader->target->budget, SL_BUDGET_TIME);

    limit_ns = SL_MIN(limit_ns, SL_MAX(left_ns, LAST_NS));
    for (int attempt = 0;; attempt++) {
        n = pack(reader, copies, n_copies, &size);
        got = fetch_once(reader, limit_ns, n, size);
        bool again = (got == -ESRCH && attempt < 2 && sl_target_revive(reader->target)) ||
                     (got == -ECHILD && attempt < 2) ||
                     ((got == -ENOSYS || got == -EPERM) && take_another_way(reader));
        if (!again)
            break;
    }
    if (got == -ETIMEDOUT)
        return got;
    size_t n_done = got > 0 ? unpack(reader, copies, n, (size_t) got) : 0;
    /*
     * The call stops at the first hole and says nothing about what comes after
     * it: the copy with the hole keeps what it has, the next one goes on.
     */
    return (ssize_t) n_done + (got < (ssize_t) size);
}

/* What is present of each, as far as is known. */
static void copy_present(struct sl_reader *reader, struct sl_copy *copies, size_t n_copies)
{
    for (size_t i = 0; i < n_copies && has_luggage(reader);) {
        if (copies[i].copied >= copies[i].present) {
            i++;
            continue;
        }
        /* What is there comes, if late, when a disk has it. */
        ssize_t n_done =
            fetch(reader, reader->wary ? UINT64_MAX : SILENCE_NS, copies + i, n_copies - i);
        if (n_done >= 0) {
            i += (size_t) n_done;
        } else if (reader->wary) {
            reader->silent = true;
            i++;
        } else {
            reader->wary = true;
            ask_table(reader, copies + i, n_copies - i);
        }
    }
}

/* What is left of the first page, if it comes within a moment. */
static void read_absent(struct sl_reader *reader, struct sl_copy *copy)
{
    unsigned *n_silent = &reader->n_silent[reader->for_all];

    reader->silent = true;
    if (*n_silent >= MAX_SILENT || !has_luggage(reader))
        return;
    copy->present = SL_MIN(copy->size, (size_t) (PAGE - copy->address % PAGE));
    reader->silent = fetch(reader, SILENCE_NS, copy, 1) < 0;
    *n_silent += reader->silent;
}

static void copy_all(struct sl_reader *reader, struct sl_copy *copies, size_t n_copies, bool wait)
{
    reader->silent = false;
    for (size_t i = 0; i < n_copies; i++) {
        copies[i].copied = 0;
        copies[i].present = copies[i].size;
    }
    if (reader->wary)
        ask_table(reader, copies, n_copies);
    copy_present(reader, copies, n_copies); /* at once: it may not stay */
    for (size_t i = 0; i < n_copies && wait; i++)
        if (!copies[i].present && copies[i].size)
            read_absent(reader, &copies[i]);
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
