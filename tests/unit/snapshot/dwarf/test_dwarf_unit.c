/* SPDX-License-Identifier: Apache-2.0 */
/* What debug information says of an address; it is this program's (described.h). */
#include "sl_test.h"

#include <fcntl.h>
#include <link.h>
#include <string.h>

#include "base/macros.h"
#include "described.h"
#include "harness/snapshot/dwarf/file.h"
#include "harness/snapshot/dwarf/inline.h"

struct scene {
    struct sl_debug_file file;
    struct sl_range code;
    struct sl_debugged debugged;
    struct sl_units *units;
    uintptr_t bias;
    char asked[256]; /* for files: their names, a comma behind each */
};

static int open_none(void *context, const char *path)
{
    struct scene *scene = context;

    strncat(scene->asked, path, sizeof scene->asked - strlen(scene->asked) - 1);
    strncat(scene->asked, ",", sizeof scene->asked - strlen(scene->asked) - 1);
    return -1;
}

/* Of the program, which is the first. */
static int find_bias(struct dl_phdr_info *info, size_t size, void *context)
{
    (void) size;
    *(uintptr_t *) context = info->dlpi_addr;
    return 1;
}

static void enter(struct scene *scene)
{
    *scene = (struct scene){.code = {0, UINT64_MAX},
                            .debugged = {.path = "/made/program",
                                         .code = &scene->code,
                                         .n_code = 1,
                                         .open = open_none,
                                         .context = scene,
                                         .max_bytes = UINT64_MAX}};
    cr_assert(dl_iterate_phdr(find_bias, &scene->bias));
    cr_assert(sl_debug_file_open(open("/proc/self/exe", O_RDONLY | O_CLOEXEC), &scene->file));
    cr_assert(sl_debug_file_read(&scene->file, UINT64_MAX));
    scene->units = sl_units_new(scene->file.dwarf, &scene->debugged);
    cr_assert(scene->units);
}

static void leave(struct scene *scene)
{
    sl_units_free(scene->units);
    sl_debug_file_close(&scene->file);
}

/* @return whether a function is known there */
static bool look_up(struct scene *scene, enum described which, struct sl_source_frames *ret_frames)
{
    uint64_t address = described[which] - scene->bias;
    struct sl_code_place place;

    cr_assert(sl_units_find(scene->units, address, &place), "no unit has %d", which);
    sl_source_frames_get(&place, address, ret_frames);
    return place.has_function;
}

SL_TEST(dwarf_unit, a_function_in_a_name_space_is_found)
{
    SL_CLEANUP(leave) struct scene scene;
    struct sl_source_frames frames;

    enter(&scene);
    cr_assert(look_up(&scene, DESCRIBED_NESTED, &frames));
    cr_assert_eq(frames.n, 1);
    cr_assert_str_eq(frames.frames[0].function, "nested");
}

SL_TEST(dwarf_unit, a_function_may_have_no_name)
{
    SL_CLEANUP(leave) struct scene scene;
    struct sl_source_frames frames;

    enter(&scene);
    cr_assert(look_up(&scene, DESCRIBED_NAMELESS, &frames));
    cr_assert_eq(frames.n, 1);
    cr_assert_null(frames.frames[0].function);
}

SL_TEST(dwarf_unit, of_all_that_can_be_inlined_nothing_is_left_out)
{
    SL_CLEANUP(leave) struct scene scene;
    struct sl_source_frames frames;

    enter(&scene);
    cr_assert(look_up(&scene, DESCRIBED_DEEP, &frames));
    cr_assert_eq(frames.n, SL_MAX_INLINED + 1);
    for (size_t i = 0; i < SL_MAX_INLINED; i++)
        cr_assert_str_eq(frames.frames[i].function, "inlined");
    cr_assert_str_eq(frames.frames[SL_MAX_INLINED].function, "deep");
}

SL_TEST(dwarf_unit, an_assembler_tells_lines_without_functions)
{
    SL_CLEANUP(leave) struct scene scene;
    struct sl_source_frames frames;

    enter(&scene);
    cr_assert(!look_up(&scene, DESCRIBED_ASSEMBLED, &frames));
    cr_assert_eq(frames.n, 1);
    cr_assert_null(frames.frames[0].function);
    cr_assert_eq(frames.frames[0].place.line, DESCRIBED_LINE);
    cr_assert(strstr(frames.frames[0].place.file, "described.S"));
}

SL_TEST(dwarf_unit, a_package_is_looked_for_once_and_files_for_each_unit)
{
    static const char files[] = "/made/part.dwo,/made/part.dwo,/made/part.dwo,";
    SL_CLEANUP(leave) struct scene scene;
    struct sl_source_frames frames;

    enter(&scene);
    cr_assert(!look_up(&scene, DESCRIBED_SPLIT, &frames));
    cr_assert_str_eq(scene.asked,
                     "/made/program.dwp,/made/part.dwo,/made/part.dwo,/made/part.dwo,");
    scene.asked[0] = '\0';
    cr_assert(!look_up(&scene, DESCRIBED_SPLIT_TOO, &frames));
    cr_assert_str_eq(scene.asked, files);
}
