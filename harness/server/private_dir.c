/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/server/private_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "base/fail.h"
#include "base/macros.h"

#define NAME_PREFIX "strandline-"
#define NAME_DIGITS 16
#define LOCK_NAME   "strandline.lock"
/* Name of the lock file until it is locked. */
#define LOCK_NEW_NAME "strandline.lock.new"
#define MAX_ATTEMPTS  8 /* at removing a directory that somebody still writes to */

#define OPEN_DIRECTORY (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

enum sl_status sl_private_dir_name(char ret_path[PATH_MAX], struct sl_error *err)
{
    const char *parent = getenv("TMPDIR");
    uint64_t number;

    if (!parent || parent[0] != '/')
        parent = "/tmp";
    if (getrandom(&number, sizeof number, 0) != (ssize_t) sizeof number)
        return sl_fail_errno(err, "cannot get random bytes");
    int length =
        snprintf(ret_path, PATH_MAX, "%s/" NAME_PREFIX "%0*" PRIx64, parent, NAME_DIGITS, number);
    if (length < 0 || length >= PATH_MAX)
        return sl_fail(err, SL_EINVAL, "path of the temporary directory is too long: TMPDIR");
    return SL_OK;
}

static int create_lock(int dir)
{
    SL_AUTO_FD int lock = openat(dir, LOCK_NEW_NAME, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    if (lock < 0 || flock(lock, LOCK_EX | LOCK_NB) < 0 ||
        renameat(dir, LOCK_NEW_NAME, dir, LOCK_NAME) < 0)
        return -1;
    return SL_TAKE_FD(lock);
}

int sl_private_dir_create(const char *path, int *ret_lock_fd)
{
    if (mkdir(path, 0700) < 0)
        return -1;
    SL_AUTO_FD int dir = open(path, OPEN_DIRECTORY);
    int lock = dir < 0 ? -1 : create_lock(dir);
    if (lock < 0) {
        int error = errno;
        (void) sl_private_dir_remove(path);
        errno = error;
        return -1;
    }
    *ret_lock_fd = lock;
    return SL_TAKE_FD(dir);
}

static void remove_contents(int dir, const char *spared);

/* @return something was removed */
static bool remove_entry(int dir, const char *name)
{
    if (unlinkat(dir, name, 0) == 0)
        return true;
    if (errno != EISDIR)
        return false;
    SL_AUTO_FD int child = openat(dir, name, OPEN_DIRECTORY);
    if (child >= 0)
        remove_contents(child, NULL);
    return unlinkat(dir, name, AT_REMOVEDIR) == 0;
}

/*
 * Remove every entry but the spared one.  Whether a directory that shrinks while it is
 * read shows all its entries is up to the file system, so it is read until a pass
 * removes nothing.
 */
static void remove_contents(int dir, const char *spared)
{
    _Alignas(struct dirent64) char buffer[4096];
    bool removed;

    do {
        ssize_t size;
        removed = false;
        (void) lseek(dir, 0, SEEK_SET);
        while ((size = getdents64(dir, buffer, sizeof buffer)) > 0) {
            const struct dirent64 *entry;
            for (ssize_t at = 0; at < size; at += entry->d_reclen) {
                entry = (const struct dirent64 *) (buffer + at);
                if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
                    (spared && strcmp(entry->d_name, spared) == 0))
                    continue;
                removed |= remove_entry(dir, entry->d_name);
            }
        }
    } while (removed);
}

/* The lock file goes last: whoever is killed on the way leaves a directory that is recognised. */
static void remove_all_but_itself(int dir)
{
    remove_contents(dir, LOCK_NAME);
    (void) unlinkat(dir, LOCK_NAME, 0);
}

/*
 * Somebody who is on the way out may still write there: then it is tried again, and at last the
 * directory is left as one that the next start recognises.
 */
static bool remove_dir(int parent, const char *path, int dir)
{
    for (int i = 0; i < MAX_ATTEMPTS; i++) {
        remove_all_but_itself(dir);
        if (unlinkat(parent, path, AT_REMOVEDIR) == 0 || errno == ENOENT)
            return true;
        if (errno != ENOTEMPTY)
            break;
    }
    SL_AUTO_FD int lock = openat(dir, LOCK_NAME, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    (void) lock;
    return false;
}

bool sl_private_dir_remove(const char *path)
{
    SL_AUTO_FD int dir = open(path, OPEN_DIRECTORY);

    return dir < 0 ? rmdir(path) == 0 || errno == ENOENT : remove_dir(AT_FDCWD, path, dir);
}

static bool is_our_name(const char *name)
{
    const char *number = name + strlen(NAME_PREFIX);

    return strncmp(name, NAME_PREFIX, strlen(NAME_PREFIX)) == 0 && strlen(number) == NAME_DIGITS &&
           strspn(number, "0123456789abcdef") == NAME_DIGITS;
}

static void remove_if_left_over(int parent, const char *name)
{
    struct stat info;
    SL_AUTO_FD int dir = openat(parent, name, OPEN_DIRECTORY);

    if (dir < 0 || fstat(dir, &info) < 0 || info.st_uid != geteuid())
        return;
    SL_AUTO_FD int lock = openat(dir, LOCK_NAME, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (lock < 0 || flock(lock, LOCK_EX | LOCK_NB) < 0)
        return;
    (void) remove_dir(parent, name, dir);
}

void sl_private_dir_sweep(const char *path)
{
    char parent[PATH_MAX];

    (void) snprintf(parent, sizeof parent, "%.*s", (int) (strrchr(path, '/') - path), path);
    DIR *entries = opendir(parent);
    if (!entries)
        return;
    const struct dirent *entry;
    while ((entry = readdir(entries)))
        if (is_our_name(entry->d_name))
            remove_if_left_over(dirfd(entries), entry->d_name);
    (void) closedir(entries);
}
