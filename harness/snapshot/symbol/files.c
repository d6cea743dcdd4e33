/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/snapshot/symbol/files.h"

#include <stdio.h>
#include <string.h>

#include "base/macros.h"
#include "harness/model/snapshot.h"
#include "harness/snapshot/module/section.h"
#include "harness/snapshot/module/separate.h"
#include "harness/snapshot/symbol/trust.h"
#include "harness/snapshot/target/regular.h"

#define MAX_LINK 4096

/* The file into which dwz moved what several files with debug information have in common. */
struct link {
    const char *name;
    const uint8_t *id;
    size_t id_size;
};

/* Notes end with their contents, and this one is alone in its section. */
static bool has_id(int fd, const void *context)
{
    const struct link *link = context;
    SL_AUTO_FREE uint8_t *note = NULL;
    size_t size;

    return sl_section_load(fd, ".note.gnu.build-id", MAX_LINK, &note, &size) &&
           size >= link->id_size &&
           memcmp(note + size - link->id_size, link->id, link->id_size) == 0;
}

/* A name that does not begin at the root is relative to the folder of the file that has it. */
static int open_by_name(const struct sl_target *target, int fd, const struct link *link)
{
    char name[64], file[MAX_LINK], path[2 * MAX_LINK + 2];

    if (*link->name == '/')
        return sl_regular_open_either(target, link->name, has_id, link);
    (void) snprintf(name, sizeof name, "/proc/thread-self/fd/%d", fd);
    ssize_t length = readlink(name, file, sizeof file - 1);
    if (length <= 0)
        return -1;
    file[length] = 0;
    (void) snprintf(path, sizeof path, "%.*s%s", (int) (sl_path_base(file) - file), file,
                    link->name);
    return sl_regular_open_either(target, path, has_id, link);
}

static int open_by_id(const struct sl_target *target, const struct link *link)
{
    char id[2 * SL_MAX_BUILD_ID + 1], path[256];

    for (size_t i = 0; i < link->id_size; i++)
        (void) snprintf(id + 2 * i, 3, "%02x", link->id[i]);
    (void) snprintf(path, sizeof path, "/usr/lib/debug/.build-id/%.2s/%s.debug", id, id + 2);
    return sl_regular_open_either(target, path, has_id, link);
}

/*
 * Descriptor of the file that .gnu_debugaltlink of the file `fd` names, or -1: where it says,
 * or by its build-id, which it has in any case.
 */
static int open_alternate(const struct sl_target *target, int fd)
{
    static const char section_name[] = ".gnu_debugaltlink";
    SL_AUTO_FREE uint8_t *data = NULL;
    size_t size;

    if (!sl_section_load(fd, section_name, MAX_LINK, &data, &size))
        return -1;
    size_t length = strnlen((const char *) data, size);
    const struct link link = {.name = (const char *) data,
                              .id = data + length + 1,
                              .id_size = length < size ? size - length - 1 : 0};
    if (!length || length >= MAX_LINK || link.id_size < 2 || link.id_size > SL_MAX_BUILD_ID)
        return -1;
    int found = open_by_name(target, fd, &link);
    return found >= 0 ? found : open_by_id(target, &link);
}

static bool has_debug_info(int fd)
{
    struct sl_section section;
    return sl_section_find(fd, ".debug_info", &section);
}

struct sl_symbol_files sl_symbol_files_open(struct sl_modules *modules, struct sl_module *module)
{
    const struct sl_target *target = sl_modules_target(modules);
    struct sl_symbol_files files = {
        .file = sl_module_open(modules, module), .debug = -1, .alternate = -1};

    if (!has_debug_info(files.file))
        files.debug = sl_separate_open(target, module, files.file);
    int with_lines = files.debug >= 0 ? files.debug : files.file;
    if (has_debug_info(with_lines))
        files.alternate = open_alternate(target, with_lines);
    return files;
}

void sl_symbol_files_close(struct sl_symbol_files *files)
{
    int *const all[] = {&files->file, &files->debug, &files->alternate};

    for (size_t i = 0; i < SL_COUNT_OF(all); i++) {
        if (*all[i] >= 0)
            (void) close(*all[i]);
        *all[i] = -1;
    }
}

static bool are_all(const struct sl_symbol_files *files, const struct sl_target *target,
                    bool (*holds)(const struct sl_target *target, int fd))
{
    const int all[] = {files->file, files->debug, files->alternate};
    bool any = false;

    for (size_t i = 0; i < SL_COUNT_OF(all); i++) {
        if (all[i] >= 0 && !holds(target, all[i]))
            return false;
        any |= all[i] >= 0;
    }
    return any;
}

bool sl_symbol_files_trusted(const struct sl_symbol_files *files, const struct sl_target *target)
{
    return are_all(files, target, sl_trust_file);
}

bool sl_symbol_files_owned(const struct sl_symbol_files *files, const struct sl_target *target)
{
    return are_all(files, target, sl_trust_owner);
}
