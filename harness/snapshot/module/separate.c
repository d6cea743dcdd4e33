/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/snapshot/module/separate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <lzma.h>

#include "base/grow.h"
#include "harness/model/snapshot.h"
#include "harness/snapshot/module/section.h"
#include "harness/snapshot/target/regular.h"

#define DEBUG_FOLDER "/usr/lib/debug"
#define MAX_LINK     (size_t) 4096
#define MAX_SEGMENTS (size_t) 256
#define MAX_SUMMED   ((uint64_t) 1024 * 1024 * 1024) /* bytes of a debug file; a second or two */
#define MAX_PACKED   ((size_t) 16 * 1024 * 1024)
#define MAX_UNPACKED ((size_t) 64 * 1024 * 1024)
#define MAX_MEMORY   ((uint64_t) 128 * 1024 * 1024) /* of the decoder; xz -9 asks for 65 MiB */

/* What .gnu_debuglink of a module's file says. */
struct link {
    const struct sl_module *module;
    struct sl_budget *budget;
    char name[MAX_LINK];
    uint32_t sum;
};

enum same { SAME_NO, SAME_YES, SAME_UNKNOWN };

/* The section by its name: program headers of a debug file do not always lead to it. */
static size_t read_build_id(int fd, uint8_t *id)
{
    struct sl_section section;
    struct {
        Elf64_Nhdr header;
        char owner[sizeof ELF_NOTE_GNU];
        uint8_t id[SL_MAX_BUILD_ID];
    } note;
    const size_t before = sizeof note - sizeof note.id;

    if (!sl_section_find(fd, ".note.gnu.build-id", &section) || section.compressed ||
        section.size <= before || section.size > sizeof note ||
        pread(fd, &note, section.size, (off_t) section.offset) != (ssize_t) section.size ||
        note.header.n_type != NT_GNU_BUILD_ID || note.header.n_namesz != sizeof note.owner ||
        memcmp(note.owner, ELF_NOTE_GNU, sizeof note.owner) != 0 ||
        note.header.n_descsz > section.size - before)
        return 0;
    memcpy(id, note.id, note.header.n_descsz);
    return note.header.n_descsz;
}

/* Has the file the build-id of the module? */
static enum same has_build_id(int fd, const struct sl_module *module)
{
    uint8_t id[SL_MAX_BUILD_ID];
    size_t size = read_build_id(fd, id);

    if (!size || !module->image.build_id_size)
        return SAME_UNKNOWN;
    return size == module->image.build_id_size && memcmp(id, module->image.build_id, size) == 0
               ? SAME_YES
               : SAME_NO;
}

/*
 * Is code where the module has it?  Tools that move it, as prelink does, may leave the build-id.
 * (Contents of segments are not in a debug file, but what is said of them is.)
 */
static bool has_same_layout(int fd, const struct sl_module *module)
{
    size_t n_code = 0, n_same = 0;
    Elf64_Ehdr header;

    if (pread(fd, &header, sizeof header, 0) != sizeof header)
        return false;
    size_t n = header.e_phentsize == sizeof(Elf64_Phdr) ? header.e_phnum : 0;
    for (size_t i = 0; i < module->image.header.e_phnum; i++) {
        const Elf64_Phdr *segment = &module->image.segments[i];
        if (segment->p_type != PT_LOAD || !(segment->p_flags & PF_X))
            continue;
        n_code++;
        for (size_t k = 0; k < SL_MIN(n, MAX_SEGMENTS); k++) {
            Elf64_Phdr other;
            off_t at = (off_t) (header.e_phoff + k * sizeof other);
            if (pread(fd, &other, sizeof other, at) == sizeof other && other.p_type == PT_LOAD &&
                other.p_vaddr == segment->p_vaddr && other.p_memsz == segment->p_memsz) {
                n_same++;
                break;
            }
        }
    }
    return !n || n_same == n_code;
}

/* Reads all of it; a page at a time would be no faster. */
static bool has_sum(int fd, uint32_t expected, struct sl_budget *budget)
{
    static const size_t size = (size_t) 64 * 1024;
    SL_AUTO_FREE uint8_t *block = malloc(size);
    uint64_t at = 0;
    uint32_t sum = 0;
    ssize_t got = 1;

    while (block && got > 0 && at <= MAX_SUMMED && !sl_budget_is_over(budget) &&
           sl_budget_take(budget, SL_BUDGET_FILES, size)) {
        got = pread(fd, block, size, (off_t) at);
        if (got > 0) {
            sum = lzma_crc32(block, (size_t) got, sum);
            at += (uint64_t) got;
        }
    }
    return block && got == 0 && sum == expected;
}

static bool read_link(int fd, struct link *ret_link)
{
    struct sl_section section;
    char data[MAX_LINK];

    if (fd < 0 || !sl_section_find(fd, ".gnu_debuglink", &section) || section.compressed ||
        section.size > sizeof data ||
        pread(fd, data, section.size, (off_t) section.offset) != (ssize_t) section.size)
        return false;
    size_t length = strnlen(data, section.size), sum_at = (length + 4) / 4 * 4;
    if (!length || sum_at + sizeof ret_link->sum > section.size || memchr(data, '/', length))
        return false;
    memcpy(ret_link->name, data, length + 1);
    memcpy(&ret_link->sum, data + sum_at, sizeof ret_link->sum);
    return true;
}

static bool is_by_id(int fd, const void *context)
{
    const struct sl_module *module = context;
    return has_build_id(fd, module) == SAME_YES && has_same_layout(fd, module);
}

static bool is_by_link(int fd, const void *context)
{
    const struct link *link = context;
    return has_build_id(fd, link->module) != SAME_NO && has_same_layout(fd, link->module) &&
           has_sum(fd, link->sum, link->budget);
}

static int open_by_id(const struct sl_target *target, const struct sl_module *module)
{
    const char *id = module->build_id_text;
    char path[256];

    if (module->image.build_id_size < 2)
        return -1;
    (void) snprintf(path, sizeof path, DEBUG_FOLDER "/.build-id/%.2s/%s.debug", id, id + 2);
    return sl_regular_open_either(target, path, is_by_id, module);
}

/* Bytes of a path that lead to the target's root directory: paths of memory maps begin at ours. */
static size_t root_length(const struct sl_target *target, const char *path)
{
    char name[32], root[MAX_LINK];

    (void) snprintf(name, sizeof name, "%ld/root", (long) target->tid);
    ssize_t length = readlinkat(target->task_fd, name, root, sizeof root);
    bool leads = length > 1 && (size_t) length < sizeof root &&
                 strncmp(path, root, (size_t) length) == 0 && path[length] == '/';
    return leads ? (size_t) length : 0;
}

static int open_by_link(const struct sl_target *target, const struct sl_module *module, int fd)
{
    static const char *const forms[] = {"%.*s/%s", "%.*s/.debug/%s", DEBUG_FOLDER "%.*s/%s"};
    const char *folder = module->path;
    int length = (int) (sl_path_base(folder) - folder) - 1, found = -1;
    struct link link = {.module = module, .budget = target->budget};
    char path[2 * MAX_LINK + 32];

    if (length < 0 || !read_link(fd, &link))
        return -1;
    for (size_t i = 0; i < SL_COUNT_OF(forms) && found < 0; i++) {
        bool global = i + 1 == SL_COUNT_OF(forms);
        int skip = global ? (int) root_length(target, folder) : 0;
        int size = snprintf(path, sizeof path, forms[i], length - skip, folder + skip, link.name);
        if (size > 0 && (size_t) size < sizeof path)
            found = sl_regular_open_either(target, path, is_by_link, &link);
    }
    return found;
}

int sl_separate_open(const struct sl_target *target, const struct sl_module *module, int fd)
{
    int found = open_by_id(target, module);
    return found >= 0 ? found : open_by_link(target, module, fd);
}

/* @return false when it is malformed or larger than is allowed */
static bool unpack(const uint8_t *data, size_t size, uint8_t **ret_image, size_t *ret_size)
{
    SL_AUTO_FREE uint8_t *image = NULL;
    size_t capacity = 0;
    lzma_stream stream = LZMA_STREAM_INIT;
    lzma_ret result = lzma_stream_decoder(&stream, MAX_MEMORY, LZMA_CONCATENATED);

    stream.next_in = data;
    stream.avail_in = size;
    while (result == LZMA_OK && stream.total_out < MAX_UNPACKED &&
           sl_grow(&image, &capacity, (size_t) stream.total_out + 64 * 1024)) {
        stream.next_out = image + stream.total_out;
        stream.avail_out = capacity - (size_t) stream.total_out;
        result = lzma_code(&stream, LZMA_FINISH);
    }
    lzma_end(&stream);
    if (result != LZMA_STREAM_END)
        return false;
    *ret_size = (size_t) stream.total_out;
    *ret_image = SL_TAKE(image);
    return true;
}

bool sl_separate_unpack(int fd, uint8_t **ret_image, size_t *ret_size)
{
    struct sl_section section;

    if (fd < 0 || !sl_section_find(fd, SL_PACKED_SECTION, &section) || section.compressed ||
        section.size > MAX_PACKED)
        return false;
    SL_AUTO_FREE uint8_t *data = malloc(section.size);
    return data &&
           pread(fd, data, section.size, (off_t) section.offset) == (ssize_t) section.size &&
           unpack(data, section.size, ret_image, ret_size);
}
