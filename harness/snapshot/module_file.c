/* SPDX-License-Identifier: Apache-2.0 */
/* Files behind modules: opened through the target's own root, kept only when they match. */
#include "harness/snapshot/module.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

static bool read_at(int fd, void *data, size_t size, uint64_t offset)
{
    return pread(fd, data, size, (off_t) offset) == (ssize_t) size;
}

static bool is_same_inode(int fd, const struct sl_module *module)
{
    struct stat stat;
    return fstat(fd, &stat) == 0 && stat.st_ino == module->inode &&
           major(stat.st_dev) == module->major && minor(stat.st_dev) == module->minor;
}

/* Does a note segment of the file hold the build-id of the module? */
static bool has_build_id(int fd, const struct sl_module *module)
{
    for (size_t i = 0; i < module->header.e_phnum; i++) {
        const Elf64_Phdr *segment = &module->segments[i];
        unsigned char notes[4096];
        size_t size = SL_MIN(segment->p_filesz, sizeof notes);
        if (segment->p_type == PT_NOTE && read_at(fd, notes, size, segment->p_offset) &&
            memmem(notes, size, module->build_id, module->build_id_size))
            return true;
    }
    return false;
}

/*
 * The file is the one in memory when its headers are equal and its build-id is,
 * or, without a build-id, its inode.  (On overlay file systems the inode of the map is
 * not that of the path, so it can not be asked for first.)
 */
static bool matches(int fd, const struct sl_module *module)
{
    Elf64_Ehdr header;
    Elf64_Phdr segment;

    if (!read_at(fd, &header, sizeof header, 0) ||
        memcmp(&header, &module->header, sizeof header) != 0)
        return false;
    for (size_t i = 0; i < header.e_phnum; i++)
        if (!read_at(fd, &segment, sizeof segment, header.e_phoff + i * sizeof segment) ||
            memcmp(&segment, &module->segments[i], sizeof segment) != 0)
            return false;
    return module->build_id_size ? has_build_id(fd, module) : is_same_inode(fd, module);
}

static int open_matching(const struct sl_module *module, const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd >= 0 && !matches(fd, module)) {
        (void) close(fd);
        fd = -1;
    }
    return fd;
}

int sl_module_open(struct sl_modules *modules, const struct sl_module *module)
{
    const struct sl_target *target = sl_modules_target(modules);
    char path[4200];

    if (module->vdso)
        return -1;
    (void) snprintf(path, sizeof path, "/proc/%ld/task/%ld/root%s", (long) target->pid,
                    (long) target->tid, module->path);
    int fd = open_matching(module, path);
    if (fd < 0)
        fd = open_matching(module, module->path);
    if (fd >= 0)
        return fd;
    /* A deleted file is still reachable through the mapping, for the privileged. */
    (void) snprintf(path, sizeof path, "/proc/%ld/task/%ld/map_files/%" PRIx64 "-%" PRIx64,
                    (long) target->pid, (long) target->tid, module->base, module->map_end);
    fd = open_matching(module, path);
    if (fd >= 0)
        return fd;
    (void) snprintf(path, sizeof path, "/proc/%ld/map_files/%" PRIx64 "-%" PRIx64,
                    (long) target->pid, module->base, module->map_end);
    return open_matching(module, path);
}

int sl_module_open_debug(struct sl_modules *modules, const struct sl_module *module)
{
    const struct sl_target *target = sl_modules_target(modules);
    char name[2 * SL_MAX_BUILD_ID + 1], path[256];

    if (module->build_id_size < 2)
        return -1;
    for (size_t i = 0; i < module->build_id_size; i++)
        (void) snprintf(name + 2 * i, 3, "%02x", module->build_id[i]);
    (void) snprintf(path, sizeof path, "/usr/lib/debug/.build-id/%.2s/%s.debug", name, name + 2);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        char inside[320];
        (void) snprintf(inside, sizeof inside, "/proc/%ld/task/%ld/root%s", (long) target->pid,
                        (long) target->tid, path);
        fd = open(inside, O_RDONLY | O_CLOEXEC);
    }
    return fd;
}
