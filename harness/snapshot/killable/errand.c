/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/snapshot/killable/errand.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/vfs.h>

#include "base/macros.h"
#include "harness/snapshot/killable/killable.h"

struct errand {
    struct sl_killable task;
    int kept; /* the one descriptor that it has */
    long nr, arguments[4], result;
    struct open_how how;
    struct statfs file_system;
    char path[PATH_MAX];
};

static void errand_free(struct errand *errand)
{
    sl_killable_free(&errand->task);
}
SL_DEFINE_AUTO(errand, errand_free);

static SL_KILLABLE_CODE int run(void *argument)
{
    struct errand *errand = argument;
    const long *a = errand->arguments;

    if (sl_killable_begin(&errand->task, errand->kept))
        errand->result = sl_killable_call(errand->nr, a[0], a[1], a[2], a[3], 0, 0);
    (void) sl_killable_call(SYS_exit, 0, 0, 0, 0, 0, 0);
    return 0;
}

/* @return false when it was given up: then it is no longer the caller's */
static bool run_errand(struct errand *errand, uint64_t limit_ns, int kept)
{
    errand->kept = kept;
    errand->result = -ETIMEDOUT;
    if (!sl_killable_start(&errand->task, run)) {
        errand->result = -ENOSYS;
        return true;
    }
    if (sl_killable_await_end(&errand->task, limit_ns))
        return true;
    sl_killable_give_up(&errand->task);
    return false;
}

int sl_errand_walk(uint64_t limit_ns, int directory, const char *path, uint64_t flags,
                   uint64_t resolve)
{
    SL_AUTO(errand) struct errand *errand = sl_killable_new(sizeof *errand);
    size_t size = strlen(path) + 1;

    if (!errand || size > sizeof errand->path)
        return errand ? -ENAMETOOLONG : -ENOMEM;
    memcpy(errand->path, path, size);
    errand->how = (struct open_how){.flags = O_PATH | O_CLOEXEC | flags, .resolve = resolve};
    errand->nr = SYS_openat2;
    errand->arguments[0] = directory;
    errand->arguments[1] = (long) errand->path;
    errand->arguments[2] = (long) &errand->how;
    errand->arguments[3] = sizeof errand->how;
    if (!run_errand(errand, limit_ns, directory)) {
        errand = NULL;
        return -ETIMEDOUT;
    }
    return (int) SL_MIN(errand->result, 0);
}

int sl_errand_file_system(uint64_t limit_ns, int fd, int64_t *ret_type)
{
    SL_AUTO(errand) struct errand *errand = sl_killable_new(sizeof *errand);

    if (!errand)
        return -ENOMEM;
    errand->nr = SYS_fstatfs;
    errand->arguments[0] = fd;
    errand->arguments[1] = (long) &errand->file_system;
    if (!run_errand(errand, limit_ns, fd)) {
        errand = NULL;
        return -ETIMEDOUT;
    }
    *ret_type = (int64_t) errand->file_system.f_type;
    return (int) errand->result;
}
