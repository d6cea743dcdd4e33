/* SPDX-License-Identifier: Apache-2.0 */
/* Reports on disk: atomic replacement on the way out, bounded reading on the way in. */
#include "reports/report.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "base/fail.h"
#include "base/file.h"
#include "json/layout_read.h"
#include "json/layout_write.h"
#include "reports/contradiction.h"
#include "reports/report_layout.h"

/* A report of 10,000 trials has some 50 MiB, one of a million groups some 400. */
#define READ_LIMIT ((size_t) 1 << 30)

#define TEMPORARY_TRIES 100

enum sl_status sl_report_print(const struct sl_run_result *result, FILE *out, struct sl_error *err)
{
    return sl_layout_print(&report_layout, result, out, err);
}

/* What is written. */
struct content {
    const struct sl_layout *layout;
    const void *document;
};

/* Print to a descriptor, which is taken. */
static enum sl_status
print_to(int fd, const struct content *content, bool sync, struct sl_error *err)
{
    FILE *out = fdopen(fd, "w");
    if (!out) {
        enum sl_status failed = sl_fail_errno(err, "cannot open a stream");
        (void) close(fd);
        return failed;
    }
    enum sl_status status = sl_layout_print(content->layout, content->document, out, err);
    if (!status && sync && fsync(fd) < 0)
        status = sl_fail_errno(err, "cannot write the %s", content->layout->what);
    if (fclose(out) != 0 && !status)
        status = sl_fail_errno(err, "cannot write the %s", content->layout->what);
    return status;
}

/* The folder of a path, with the slash at its end; "" for a bare name. */
static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return strndup(path, slash ? (size_t) (slash + 1 - path) : 0);
}

/* A new file in folder, with the permissions that any new file would get, by a name that nobody who
   may write there can have taken before. */
static int create_temporary(const char *folder, char **ret_path)
{
    for (int i = 0; i < TEMPORARY_TRIES; i++) {
        SL_AUTO_FREE char *path = NULL;
        uint64_t number;
        if (getrandom(&number, sizeof number, 0) != sizeof number)
            return -1;
        if (asprintf(&path, "%s.strandline-%016" PRIx64 ".tmp", folder, number) < 0) {
            path = NULL;
            errno = ENOMEM;
            return -1;
        }
        int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd >= 0)
            *ret_path = SL_TAKE(path);
        if (fd >= 0 || errno != EEXIST)
            return fd;
    }
    return -1;
}

/* After this the new name survives a power cut.  File systems that cannot do it say so; the file
   is whole either way, so that is no failure. */
static void sync_folder(const char *folder)
{
    SL_AUTO_FD int fd = open(*folder ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0)
        (void) fsync(fd);
}

static enum sl_status replace(const struct content *content, const char *path, struct sl_error *err)
{
    SL_AUTO_FREE char *folder = folder_of(path);
    SL_AUTO_FREE char *temporary = NULL;
    int fd = folder ? create_temporary(folder, &temporary) : -1;
    if (fd < 0)
        return sl_fail_errno(err, "cannot create a file in '%s'", folder && *folder ? folder : ".");
    enum sl_status status = print_to(fd, content, true, err);
    if (!status && rename(temporary, path) < 0)
        status = sl_fail_errno(err, "cannot rename the new %s", content->layout->what);
    if (status)
        (void) unlink(temporary); /* a leftover is the lesser trouble */
    else
        sync_folder(folder);
    return status;
}

/*
 * A device or a pipe: there is no old file to keep, and renaming would replace the device.  A pipe
 * that nobody reads would be waited for without an end.
 */
static enum sl_status
write_through(const struct content *content, const char *path, struct sl_error *err)
{
    SL_AUTO_FD int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    struct stat stat_of;

    if (fd < 0 && errno == ENXIO)
        return sl_fail(err, SL_ESYS, "nobody reads from it");
    if (fd < 0 || fstat(fd, &stat_of) < 0 || fcntl(fd, F_SETFL, O_WRONLY) < 0)
        return sl_fail_errno(err, "cannot open it");
    if (S_ISREG(stat_of.st_mode))
        return sl_fail(err, SL_ESYS, "it was a device or a pipe and is a file now");
    return print_to(SL_TAKE_FD(fd), content, false, err);
}

/* Is there something at path, and what?  A path that cannot be looked at is not taken for a new
   file: it may be a link of somebody else's. */
static enum sl_status look_at(const char *path, struct stat *ret_stat, struct sl_error *err)
{
    *ret_stat = (struct stat){.st_mode = S_IFREG};
    if (stat(path, ret_stat) < 0 && errno != ENOENT)
        return sl_fail_errno(err, "cannot look at it");
    return SL_OK;
}

enum sl_status sl_report_write_document(const struct sl_layout *layout, const void *document,
                                        const char *path, struct sl_error *err)
{
    const struct content content = {layout, document};
    struct stat stat_of;
    enum sl_status status = look_at(path, &stat_of, err);

    if (!status && !S_ISREG(stat_of.st_mode)) {
        status = write_through(&content, path, err);
    } else if (!status) {
        /* Where a link leads to is replaced, not the link. */
        SL_AUTO_FREE char *target = realpath(path, NULL);
        status = replace(&content, target ? target : path, err);
    }
    if (status)
        sl_error_prefix(err, "cannot write '%s'", path);
    return status;
}

enum sl_status
sl_report_write(const struct sl_run_result *result, const char *path, struct sl_error *err)
{
    return sl_report_write_document(&report_layout, result, path, err);
}

enum sl_status sl_report_place_write(const struct sl_report_place *place,
                                     const struct sl_run_result *result, struct sl_error *err)
{
    const struct content content = {&report_layout, result};
    enum sl_status status = place->through ? write_through(&content, place->target, err)
                                           : replace(&content, place->target, err);
    if (status)
        sl_error_prefix(err, "cannot write '%s'", place->target);
    return status;
}

/* Could a file be made beside target?  Nothing else tells for certain: root writes where no mode
   lets anybody, and not on a file system that is read-only. */
static enum sl_status probe_folder(const char *target, struct sl_error *err)
{
    SL_AUTO_FREE char *folder = folder_of(target);
    SL_AUTO_FREE char *temporary = NULL;
    SL_AUTO_FD int fd = folder ? create_temporary(folder, &temporary) : -1;

    if (fd < 0)
        return sl_fail_errno(err, "cannot create a file in '%s'", folder && *folder ? folder : ".");
    (void) unlink(temporary);
    return SL_OK;
}

/* Move a report away that is in the way; an empty file is none. */
static enum sl_status
set_aside(struct sl_report_place *place, const struct stat *old, struct sl_error *err)
{
    if (old->st_size == 0)
        return SL_OK;
    if (asprintf(&place->kept, "%s.old", place->target) < 0) {
        place->kept = NULL;
        return sl_fail(err, SL_ENOMEM, "out of memory for the name of a report");
    }
    if (rename(place->target, place->kept) == 0) {
        if (old->st_nlink > 1) /* nothing is renamed when both are names of one file */
            (void) unlink(place->target);
        return SL_OK;
    }
    enum sl_status status =
        sl_fail_errno(err, "cannot rename the report that is there to '%s'", place->kept);
    free(SL_TAKE(place->kept));
    return status;
}

enum sl_status
sl_report_place_open(const char *path, struct sl_report_place *ret_place, struct sl_error *err)
{
    SL_CLEANUP(sl_report_place_release) struct sl_report_place place = {0};
    struct stat stat_of, link;
    enum sl_status status = look_at(path, &stat_of, err);

    /* Of a link its target: once the old report is away, the link leads nowhere. */
    if (!status && lstat(path, &link) == 0 && S_ISLNK(link.st_mode))
        place.target = realpath(path, NULL);
    if (!status && !place.target && !(place.target = strdup(path)))
        status = sl_fail(err, SL_ENOMEM, "out of memory for the name of a report");
    if (!status && S_ISDIR(stat_of.st_mode))
        status = sl_fail(err, SL_EINVAL, "it is a folder");
    else if (!status && !S_ISREG(stat_of.st_mode) && access(path, W_OK) < 0)
        status = sl_fail_errno(err, "cannot open it");
    else if (!status && S_ISREG(stat_of.st_mode))
        status = probe_folder(place.target, err);
    if (!status && S_ISREG(stat_of.st_mode))
        status = set_aside(&place, &stat_of, err);
    if (status) {
        sl_error_prefix(err, "cannot write '%s'", path);
        return status;
    }
    place.through = !S_ISREG(stat_of.st_mode);
    *ret_place = place;
    place = (struct sl_report_place){0};
    return SL_OK;
}

void sl_report_place_release(struct sl_report_place *place)
{
    free(place->target);
    free(place->kept);
}

static enum sl_status read_all(int fd, char **ret_data, size_t *ret_size, struct sl_error *err)
{
    if (!sl_file_read_all(fd, READ_LIMIT + 1, ret_data, ret_size))
        return sl_fail_errno(err, "cannot read it");
    if (*ret_size > READ_LIMIT)
        return sl_fail_parse(err, 0, 0, "larger than %zu MiB, which no report is",
                             READ_LIMIT >> 20);
    return SL_OK;
}

enum sl_status sl_report_parse(const char *name, const char *data, size_t size,
                               struct sl_run_result **ret_result, struct sl_error *err)
{
    const struct sl_locate_text text = {.data = data, .size = size};
    SL_AUTO(sl_arena) struct sl_arena *arena = sl_arena_new();
    struct sl_run_result *result = arena ? sl_arena_alloc(arena, sizeof *result) : NULL;

    if (!result)
        return sl_fail(err, SL_ENOMEM, "out of memory for '%s'", name);
    enum sl_status status = sl_layout_read(&report_layout, name, &text, arena, result, err);
    if (!status)
        status = sl_report_find_contradiction(name, result, err);
    if (status)
        return status;
    result->arena = SL_TAKE(arena);
    *ret_result = result;
    return SL_OK;
}

enum sl_status sl_report_load(const char *path, const char **ret_name, char **ret_data,
                              size_t *ret_size, struct sl_error *err)
{
    bool standard_input = strcmp(path, "-") == 0;
    const char *name = standard_input ? "standard input" : path;
    SL_AUTO_FD int opened = -1;

    if (!standard_input) {
        opened = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
        if (opened < 0)
            return sl_fail_errno(err, "cannot open '%s'", path);
    }
    enum sl_status status =
        read_all(standard_input ? STDIN_FILENO : opened, ret_data, ret_size, err);
    if (status)
        sl_error_prefix(err, "%s", name);
    *ret_name = name;
    return status;
}

enum sl_status
sl_report_read(const char *path, struct sl_run_result **ret_result, struct sl_error *err)
{
    SL_AUTO_FREE char *data = NULL;
    const char *name = path;
    size_t size = 0;
    enum sl_status status = sl_report_load(path, &name, &data, &size, err);

    return status ? status : sl_report_parse(name, data, size, ret_result, err);
}
