/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/snapshot/module/file.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "harness/snapshot/target/regular.h"

#define MAX_COMPARED 16 /* pages of a mapping, spread over it */

static bool read_at(int fd, void *data, size_t size, uint64_t offset)
{
    return pread(fd, data, size, (off_t) offset) == (ssize_t) size;
}

/*
 * Some file systems give another number of the device to stat than to the memory map, and
 * some another inode: that they differ proves nothing.
 */
static bool is_same_inode(int fd, const struct sl_mapping *mapping)
{
    struct stat stat;
    return fstat(fd, &stat) == 0 && stat.st_ino == mapping->inode &&
           major(stat.st_dev) == mapping->major && minor(stat.st_dev) == mapping->minor;
}

/* All but an eighth of the bytes that both have.  @return false when there is no page to read */
static bool is_same_page(struct sl_reader *reader, uint64_t page, int fd, uint64_t offset)
{
    unsigned char memory[SL_PAGE], file[SL_PAGE];
    ssize_t got = pread(fd, file, sizeof file, (off_t) offset);
    size_t n_same = 0, n = got > 0 ? (size_t) got : 0;

    if (!n || sl_reader_read(reader, page, memory, sizeof memory) < n)
        return false;
    for (size_t i = 0; i < n; i++)
        n_same += memory[i] == file[i];
    return n_same >= n - n / 8;
}

/* Does memory hold what the file has? */
static bool is_same_content(struct sl_reader *reader, const struct sl_mapping *mapping, int fd)
{
    uint64_t n = (mapping->end - mapping->start) / SL_PAGE, step = n / MAX_COMPARED + 1;

    if (!mapping->inode || !reader)
        return false;
    for (uint64_t i = 0; i < n; i += step)
        if (!is_same_page(reader, mapping->start + i * SL_PAGE, fd, mapping->offset + i * SL_PAGE))
            return false;
    return true;
}

/* Does a note segment of the file hold the build-id of the image? */
static bool has_build_id(int fd, const struct sl_image *image)
{
    for (size_t i = 0; i < image->header.e_phnum; i++) {
        const Elf64_Phdr *segment = &image->segments[i];
        unsigned char notes[4096];
        size_t size = SL_MIN(segment->p_filesz, sizeof notes);
        if (segment->p_type == PT_NOTE && read_at(fd, notes, size, segment->p_offset) &&
            memmem(notes, size, image->build_id, image->build_id_size))
            return true;
    }
    return false;
}

/*
 * The file is the one in memory when its headers are equal and its build-id is, or, without
 * a build-id, when it has the mapping's inode, or what the mapping holds.
 */
static bool matches(int fd, struct sl_reader *reader, const struct sl_image *image,
                    const struct sl_mapping *mapping)
{
    Elf64_Ehdr header;
    Elf64_Phdr segment;

    if (!read_at(fd, &header, sizeof header, 0) ||
        memcmp(&header, &image->header, sizeof header) != 0)
        return false;
    for (size_t i = 0; i < header.e_phnum; i++)
        if (!read_at(fd, &segment, sizeof segment, header.e_phoff + i * sizeof segment) ||
            memcmp(&segment, &image->segments[i], sizeof segment) != 0)
            return false;
    if (image->build_id_size)
        return has_build_id(fd, image);
    return is_same_inode(fd, mapping) || is_same_content(reader, mapping, fd);
}

/* Ways to reach the file of a mapping, in the order in which they are tried. */
enum way { WAY_TARGET_ROOT, WAY_OWN_ROOT, WAY_THREAD_MAPPING, WAY_MAPPING, WAY_PROGRAM, N_WAYS };

static int open_by(const struct sl_target *target, const struct sl_mapping *mapping, enum way way)
{
    char path[128];

    switch (way) {
    case WAY_TARGET_ROOT:
        return sl_regular_open_in(target, mapping->path);
    case WAY_OWN_ROOT: /* which the paths of a memory map begin with */
        return sl_regular_open_here(target, mapping->path);
    case WAY_THREAD_MAPPING: /* a deleted file too, for the privileged */
        (void) snprintf(path, sizeof path, "%ld/map_files/%" PRIx64 "-%" PRIx64, (long) target->tid,
                        mapping->start, mapping->end);
        return mapping->inode ? sl_regular_open_link(target, path) : -1;
    case WAY_MAPPING:
        (void) snprintf(path, sizeof path, "../map_files/%" PRIx64 "-%" PRIx64, mapping->start,
                        mapping->end);
        return mapping->inode ? sl_regular_open_link(target, path) : -1;
    case WAY_PROGRAM: /* deleted or not; no privilege is asked for */
        (void) snprintf(path, sizeof path, "%ld/exe", (long) target->tid);
        return sl_regular_open_link(target, path);
    case N_WAYS:
        break;
    }
    return -1;
}

int sl_file_open(const struct sl_target *target, struct sl_reader *reader,
                 const struct sl_image *image, const struct sl_mapping *mapping)
{
    bool silent = false;

    for (enum way way = 0; way < N_WAYS; way++) {
        int fd = open_by(target, mapping, way);
        silent = silent || (fd < 0 && errno == ETIMEDOUT);
        if (fd >= 0 && matches(fd, reader, image, mapping))
            return fd;
        if (fd >= 0)
            (void) close(fd);
    }
    errno = silent ? ETIMEDOUT : ENOENT;
    return -1;
}

static bool read_file(void *context, uint64_t offset, void *data, size_t size)
{
    return read_at(*(const int *) context, data, size, offset);
}

bool sl_file_load_image(const struct sl_target *target, struct sl_reader *reader,
                        const struct sl_mapping *mapping, struct sl_arena *arena,
                        struct sl_image *ret_image)
{
    for (enum way way = 0; mapping->inode && way < N_WAYS; way++) {
        SL_AUTO_FD int fd = open_by(target, mapping, way);
        const struct sl_image_bytes bytes = {.read = read_file, .context = &fd};
        if (fd >= 0 && (way >= WAY_THREAD_MAPPING || is_same_inode(fd, mapping) ||
                        is_same_content(reader, mapping, fd)))
            return sl_image_load(&bytes, arena, ret_image);
    }
    return false;
}

bool sl_file_has_code(int fd, struct sl_reader *reader, const struct sl_image *image, uint64_t bias,
                      uint64_t page)
{
    const Elf64_Phdr *segment = sl_image_segment_of(image, page - bias);

    if (!segment)
        return false;
    uint64_t offset = page - bias - segment->p_vaddr + segment->p_offset;
    /* Of variables without a value, where a program may make code, the file has nothing. */
    return offset >= segment->p_offset + segment->p_filesz || fd < 0 ||
           is_same_page(reader, page, fd, offset);
}
