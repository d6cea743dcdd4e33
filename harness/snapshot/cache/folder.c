/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/snapshot/cache/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/grow.h"
#include "base/macros.h"

#define NAME      "strandline"
#define NEW       ".new-" /* begins the name of a file that is being written */
#define NEW_LIMIT 3600    /* seconds after which nobody writes it any more */
#define DAY       86400

/* What the directory has. */
struct file {
    char name[NAME_MAX + 1];
    uint64_t size;
    time_t used;
};

struct listing {
    struct file *files;
    size_t n, capacity;
    uint64_t bytes;
};

static void listing_release(struct listing *listing)
{
    free(listing->files);
}

static bool is_own(const struct stat *stat)
{
    return stat->st_uid == geteuid() && !(stat->st_mode & (S_IWGRP | S_IWOTH));
}

/* With a name as in the specification of the X Desktop Group: it has to be absolute. */
static bool find_base(char *ret_path, size_t size)
{
    const char *base = secure_getenv("XDG_CACHE_HOME"), *home = secure_getenv("HOME");
    int length = -1;

    if (base && *base == '/')
        length = snprintf(ret_path, size, "%s", base);
    else if (home && *home == '/')
        length = snprintf(ret_path, size, "%s/.cache", home);
    return length > 0 && (size_t) length < size;
}

bool sl_folder_find(char *ret_path, size_t size)
{
    size_t length;

    if (!find_base(ret_path, size))
        return false;
    length = strlen(ret_path);
    return (size_t) snprintf(ret_path + length, size - length, "/" NAME) < size - length;
}

int sl_folder_open(bool make)
{
    char path[PATH_MAX];
    struct stat stat;

    if (!find_base(path, sizeof path)) {
        errno = ENXIO;
        return -1;
    }
    if (make)
        (void) mkdir(path, 0700); /* where it can not be made it can not be opened either */
    SL_AUTO_FD int base = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (base < 0)
        return -1;
    if (make)
        (void) mkdirat(base, NAME, 0700);
    SL_AUTO_FD int fd = openat(base, NAME, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &stat))
        return -1;
    if (!is_own(&stat)) {
        errno = EPERM;
        return -1;
    }
    return SL_TAKE_FD(fd);
}

/* Who is used is kept: but once a day is enough to say so. */
static void mark_used(int fd, const struct stat *stat)
{
    if (time(NULL) - stat->st_mtime > DAY)
        (void) futimens(fd, NULL);
}

void *sl_folder_read(int folder, const char *name, size_t *ret_size)
{
    SL_AUTO_FD int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    struct stat stat;
    size_t size = 0;
    ssize_t got;

    if (fd < 0 || fstat(fd, &stat) || !S_ISREG(stat.st_mode) || !is_own(&stat) ||
        stat.st_size <= 0 || (uint64_t) stat.st_size > SL_FOLDER_MAX_FILE)
        return NULL;
    SL_AUTO_FREE char *data = malloc((size_t) stat.st_size);
    if (!data)
        return NULL;
    while (size < (size_t) stat.st_size &&
           (got = read(fd, data + size, (size_t) stat.st_size - size)) > 0)
        size += (size_t) got;
    if (size != (size_t) stat.st_size)
        return NULL;
    mark_used(fd, &stat);
    *ret_size = size;
    return SL_TAKE(data);
}

/* Files that nobody writes any more go at once. */
static bool list(int folder, struct listing *listing)
{
    int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *directory = fd < 0 ? NULL : fdopendir(fd);
    bool ok = directory;

    if (fd >= 0 && !directory)
        (void) close(fd);
    for (const struct dirent *entry; ok && (entry = readdir(directory));) {
        struct stat stat;
        if (fstatat(folder, entry->d_name, &stat, AT_SYMLINK_NOFOLLOW) || !S_ISREG(stat.st_mode))
            continue;
        if (strncmp(entry->d_name, NEW, strlen(NEW)) == 0) {
            if (time(NULL) - stat.st_mtime > NEW_LIMIT)
                (void) unlinkat(folder, entry->d_name, 0);
            continue;
        }
        ok = sl_grow(&listing->files, &listing->capacity, listing->n + 1);
        if (!ok)
            break;
        struct file *file = &listing->files[listing->n++];
        *file = (struct file){.size = (uint64_t) stat.st_size, .used = stat.st_mtime};
        (void) snprintf(file->name, sizeof file->name, "%s", entry->d_name);
        listing->bytes += file->size;
    }
    if (directory)
        (void) closedir(directory);
    return ok;
}

static int compare_use(const void *left, const void *right)
{
    const struct file *a = left, *b = right;
    return (a->used > b->used) - (a->used < b->used);
}

/* Half of what may be is left, so that this is not done each time. */
static void make_room(int folder)
{
    SL_CLEANUP(listing_release) struct listing listing = {0};

    if (!list(folder, &listing) ||
        (listing.n <= SL_FOLDER_MAX_FILES && listing.bytes <= SL_FOLDER_MAX_BYTES))
        return;
    qsort(listing.files, listing.n, sizeof *listing.files, compare_use);
    size_t left = listing.n;
    for (size_t i = 0; i < listing.n &&
                       (left > SL_FOLDER_MAX_FILES / 2 || listing.bytes > SL_FOLDER_MAX_BYTES / 2);
         i++) {
        (void) unlinkat(folder, listing.files[i].name, 0);
        listing.bytes -= listing.files[i].size;
        left--;
    }
}

static bool write_all(int fd, const char *data, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t n = write(fd, data + done, size - done);
        if (n <= 0 && errno != EINTR)
            return false;
        done += n > 0 ? (size_t) n : 0;
    }
    return true;
}

bool sl_folder_write(int folder, const char *name, const void *data, size_t size)
{
    static atomic_uint number;
    char temporary[96];

    (void) snprintf(temporary, sizeof temporary, NEW "%ld-%" PRIu64 "-%u", (long) getpid(),
                    sl_clock_now_ns(), atomic_fetch_add(&number, 1));
    SL_AUTO_FD int fd =
        openat(folder, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return false;
    bool is_new = faccessat(folder, name, F_OK, AT_SYMLINK_NOFOLLOW) != 0;
    bool ok = write_all(fd, data, size) && renameat(folder, temporary, folder, name) == 0;
    if (!ok)
        (void) unlinkat(folder, temporary, 0);
    else if (is_new)
        make_room(folder);
    return ok;
}

void sl_folder_measure(int folder, size_t *ret_n_files, uint64_t *ret_bytes)
{
    SL_CLEANUP(listing_release) struct listing listing = {0};

    (void) list(folder, &listing);
    *ret_n_files = listing.n;
    *ret_bytes = listing.bytes;
}
