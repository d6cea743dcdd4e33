/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/snapshot/dwarf/split.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <dwarf.h>

#include "base/macros.h"
#include "harness/model/snapshot.h"
#include "harness/snapshot/dwarf/file.h"
#include "harness/snapshot/dwarf/package.h"
#include "harness/snapshot/target/regular.h"

#define MAX_PATH 4096

struct split_file {
    struct split_file *next;
    struct sl_debug_file file;
};

struct sl_split_files {
    struct split_file *files;
    struct sl_package *package;
    bool package_known;
};

static const char *text_of(Dwarf_Die *unit, unsigned name, unsigned old_name)
{
    Dwarf_Attribute attribute;
    const char *text = dwarf_formstring(dwarf_attr(unit, name, &attribute));
    return text ? text : dwarf_formstring(dwarf_attr(unit, old_name, &attribute));
}

static bool find_unit(Dwarf *dwarf, uint64_t id, Dwarf_Die *ret_unit)
{
    Dwarf_CU *unit = NULL;
    Dwarf_Die die;
    uint8_t type;

    while (dwarf_get_units(dwarf, unit, &unit, NULL, &type, &die, NULL) == 0) {
        uint64_t found;
        if (type != DW_UT_split_compile ||
            dwarf_cu_info(unit, NULL, NULL, NULL, NULL, &found, NULL, NULL) || found != id)
            continue;
        *ret_unit = die;
        return true;
    }
    return false;
}

/* Look for the unit in a file of its own; keep the file when it is there. */
static bool try_path(struct sl_split_files *files, struct sl_modules *modules, const char *path,
                     uint64_t id, Dwarf_Die *ret_unit)
{
    const struct sl_target *target = sl_modules_target(modules);
    int fd = sl_regular_open_in(target, path);
    struct split_file *file = calloc(1, sizeof *file);

    if (fd < 0)
        fd = sl_regular_open(path);
    if (file && sl_debug_file_open(fd, &file->file) && sl_debug_file_read(&file->file) &&
        find_unit(file->file.dwarf, id, ret_unit)) {
        sl_debug_file_detach(&file->file);
        file->next = files->files;
        files->files = file;
        return true;
    }
    if (file)
        sl_debug_file_close(&file->file);
    else if (fd >= 0)
        (void) close(fd);
    free(file);
    return false;
}

/* Where the compiler wrote it, as the program says, or beside the program. */
static bool find_in_files(struct sl_split_files *files, struct sl_modules *modules,
                          const struct sl_module *module, Dwarf_Die *skeleton, uint64_t id,
                          Dwarf_Die *ret_unit)
{
    const char *name = text_of(skeleton, DW_AT_dwo_name, DW_AT_GNU_dwo_name);
    const char *folder = text_of(skeleton, DW_AT_comp_dir, DW_AT_comp_dir);
    int beside = (int) (sl_path_base(module->path) - module->path);
    char path[MAX_PATH];

    if (!name)
        return false;
    if (*name == '/' || !folder)
        (void) snprintf(path, sizeof path, "%s", name);
    else
        (void) snprintf(path, sizeof path, "%s/%s", folder, name);
    if (*path == '/' && try_path(files, modules, path, id, ret_unit))
        return true;
    (void) snprintf(path, sizeof path, "%.*s%s", beside, module->path, name);
    if (*name != '/' && try_path(files, modules, path, id, ret_unit))
        return true;
    (void) snprintf(path, sizeof path, "%.*s%s", beside, module->path, sl_path_base(name));
    return try_path(files, modules, path, id, ret_unit);
}

static bool find_in_package(struct sl_split_files *files, struct sl_modules *modules,
                            const struct sl_module *module, uint64_t id, Dwarf_Die *ret_unit)
{
    char path[MAX_PATH];

    if (!files->package_known) {
        const struct sl_target *target = sl_modules_target(modules);
        (void) snprintf(path, sizeof path, "%s.dwp", module->path);
        int fd = sl_regular_open_in(target, path);
        files->package = sl_package_new(fd >= 0 ? fd : sl_regular_open(path));
        files->package_known = true;
    }
    struct split_file *file = files->package ? calloc(1, sizeof *file) : NULL;
    if (!file)
        return false;
    if (sl_package_find(files->package, id, &file->file) && sl_debug_file_read(&file->file) &&
        find_unit(file->file.dwarf, id, ret_unit)) {
        file->next = files->files;
        files->files = file;
        return true;
    }
    sl_debug_file_close(&file->file);
    free(file);
    return false;
}

bool sl_split_find(struct sl_split_files **files, struct sl_modules *modules,
                   const struct sl_module *module, Dwarf_Die *skeleton, Dwarf_Die *ret_unit)
{
    uint64_t id;

    if (!module->path || dwarf_cu_info(skeleton->cu, NULL, NULL, NULL, NULL, &id, NULL, NULL))
        return false;
    if (!*files)
        *files = calloc(1, sizeof **files);
    return *files && (find_in_package(*files, modules, module, id, ret_unit) ||
                      find_in_files(*files, modules, module, skeleton, id, ret_unit));
}

void sl_split_files_free(struct sl_split_files *files)
{
    if (!files)
        return;
    for (struct split_file *file = files->files, *next; file; file = next) {
        next = file->next;
        sl_debug_file_close(&file->file);
        free(file);
    }
    sl_package_free(files->package);
    free(files);
}
