/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/snapshot/dwarf/split.h"

#include <stdio.h>
#include <stdlib.h>

#include <dwarf.h>

#include "base/macros.h"
#include "harness/model/snapshot.h"
#include "harness/snapshot/dwarf/file.h"
#include "harness/snapshot/dwarf/package.h"

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

/* Keep a file in which the unit is, and close any other. */
static bool keep(struct sl_split_files *files, const struct sl_debugged *debugged,
                 struct sl_debug_file *file, uint64_t id, Dwarf_Die *ret_unit)
{
    struct split_file *kept = calloc(1, sizeof *kept);

    if (!kept) {
        sl_debug_file_close(file);
        return false;
    }
    *kept = (struct split_file){.next = files->files, .file = *file};
    files->files = kept; /* at once: memory may be short, and this function be left */
    if (sl_debug_file_read(&kept->file, debugged->max_bytes) &&
        find_unit(kept->file.dwarf, id, ret_unit)) {
        sl_debug_file_detach(&kept->file);
        return true;
    }
    files->files = kept->next;
    sl_debug_file_close(&kept->file);
    free(kept);
    return false;
}

static bool try_path(struct sl_split_files *files, const struct sl_debugged *debugged,
                     const char *path, uint64_t id, Dwarf_Die *ret_unit)
{
    struct sl_debug_file file;
    int fd = debugged->open(debugged->context, path);

    (void) sl_debug_file_open(fd, &file); /* what can not be opened has no unit */
    return keep(files, debugged, &file, id, ret_unit);
}

/* Where the compiler wrote it, as the program says, or beside the program. */
static bool find_in_files(struct sl_split_files *files, const struct sl_debugged *debugged,
                          Dwarf_Die *skeleton, uint64_t id, Dwarf_Die *ret_unit)
{
    const char *name = text_of(skeleton, DW_AT_dwo_name, DW_AT_GNU_dwo_name);
    const char *folder = text_of(skeleton, DW_AT_comp_dir, DW_AT_comp_dir);
    int beside = (int) (sl_path_base(debugged->path) - debugged->path);
    char path[MAX_PATH];

    if (!name)
        return false;
    if (*name == '/' || !folder)
        (void) snprintf(path, sizeof path, "%s", name);
    else
        (void) snprintf(path, sizeof path, "%s/%s", folder, name);
    if (*path == '/' && try_path(files, debugged, path, id, ret_unit))
        return true;
    (void) snprintf(path, sizeof path, "%.*s%s", beside, debugged->path, name);
    if (*name != '/' && try_path(files, debugged, path, id, ret_unit))
        return true;
    (void) snprintf(path, sizeof path, "%.*s%s", beside, debugged->path, sl_path_base(name));
    return try_path(files, debugged, path, id, ret_unit);
}

static bool find_in_package(struct sl_split_files *files, const struct sl_debugged *debugged,
                            uint64_t id, Dwarf_Die *ret_unit)
{
    char path[MAX_PATH];

    if (!files->package_known) {
        (void) snprintf(path, sizeof path, "%s.dwp", debugged->path);
        files->package = sl_package_new(debugged->open(debugged->context, path));
        files->package_known = true;
    }
    struct sl_debug_file file;
    if (!files->package)
        return false;
    if (sl_package_find(files->package, id, &file))
        return keep(files, debugged, &file, id, ret_unit);
    sl_debug_file_close(&file);
    return false;
}

bool sl_split_find(struct sl_split_files **files, const struct sl_debugged *debugged,
                   Dwarf_Die *skeleton, Dwarf_Die *ret_unit)
{
    uint64_t id;

    if (!debugged->path || dwarf_cu_info(skeleton->cu, NULL, NULL, NULL, NULL, &id, NULL, NULL))
        return false;
    if (!*files)
        *files = calloc(1, sizeof **files);
    return *files && (find_in_package(*files, debugged, id, ret_unit) ||
                      find_in_files(*files, debugged, skeleton, id, ret_unit));
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
