/* SPDX-License-Identifier: Apache-2.0 */
#include "sl_test.h"

#include <elf.h>
#include <link.h>
#include <stdint.h>

#include "harness/snapshot/module/loader.h"

/* Lists of this process stand for those of another: they are read in the same way. */
struct scene {
    struct sl_target target;
    struct sl_reader *reader;
    struct sl_loaded loaded[32];
};

static struct scene open_scene(void)
{
    struct scene scene = {.target.task_fd = -1};
    struct sl_error err = {0};
    sl_assert_ok(sl_target_open(getpid(), &scene.target, &err), &err);
    return scene;
}

static size_t list(struct scene *scene, const void *debug)
{
    struct sl_error err = {0};
    sl_assert_ok(sl_reader_new(&scene->target, &scene->reader, &err), &err);
    size_t n =
        sl_loader_list(scene->reader, (uintptr_t) debug, scene->loaded, SL_COUNT_OF(scene->loaded));
    sl_reader_free(scene->reader);
    sl_target_release(&scene->target);
    return n;
}

SL_TEST(loader, entries_are_listed_in_order)
{
    static struct link_map entries[3] = {
        {.l_addr = 0x1000, .l_next = &entries[1]},
        {.l_addr = 0x2000, .l_ld = (void *) 0x2100, .l_next = &entries[2]},
        {.l_addr = 0x3000}};
    static const struct r_debug debug = {.r_version = 1, .r_map = &entries[0]};
    struct scene scene = open_scene();

    cr_assert_eq(list(&scene, &debug), 3);
    cr_assert(scene.loaded[0].bias == 0x1000 && scene.loaded[2].bias == 0x3000);
    cr_assert(scene.loaded[1].bias == 0x2000 && scene.loaded[1].dynamic == 0x2100);
}

SL_TEST(loader, name_spaces_are_followed_from_version_two_on)
{
    static struct link_map first = {.l_addr = 0x1000}, second = {.l_addr = 0x2000};
    static struct r_debug_extended other = {.base = {.r_version = 2, .r_map = &second}};
    static struct r_debug_extended debug = {.base = {.r_version = 2, .r_map = &first},
                                            .r_next = &other};
    struct scene scene = open_scene();
    cr_assert_eq(list(&scene, &debug), 2);
    cr_assert_eq(scene.loaded[1].bias, 0x2000);

    debug.base.r_version = 1; /* then nothing is known of what lies behind */
    scene = open_scene();
    cr_assert_eq(list(&scene, &debug), 1);
}

SL_TEST(loader, lists_that_close_in_a_circle_end)
{
    static struct link_map entries[2] = {{.l_next = &entries[1]}, {.l_next = &entries[0]}};
    static struct r_debug_extended debug = {.base = {.r_version = 2, .r_map = entries},
                                            .r_next = &debug};
    struct scene scene = open_scene();
    cr_assert_eq(list(&scene, &debug), SL_COUNT_OF(scene.loaded));

    debug.base.r_map = NULL;
    scene = open_scene();
    cr_assert_eq(list(&scene, &debug), 0);
}

SL_TEST(loader, pointers_to_nothing_end_a_list)
{
    static struct link_map entry = {.l_addr = 0x1000, .l_next = (struct link_map *) 8};
    static const struct r_debug debug = {.r_version = 1, .r_map = &entry};
    struct scene scene = open_scene();
    cr_assert_eq(list(&scene, &debug), 1);

    scene = open_scene();
    cr_assert_eq(list(&scene, (void *) 8), 0);
    scene = open_scene();
    cr_assert_eq(list(&scene, NULL), 0);
}

SL_TEST(loader, the_dynamic_section_leads_to_the_list)
{
    static const Elf64_Dyn with[] = {
        {.d_tag = DT_NEEDED}, {.d_tag = DT_DEBUG, .d_un.d_ptr = 0x1234}, {.d_tag = DT_NULL}};
    static const Elf64_Dyn without[] = {{.d_tag = DT_NULL}, {.d_tag = DT_DEBUG}};
    struct scene scene = open_scene();
    struct sl_error err = {0};

    sl_assert_ok(sl_reader_new(&scene.target, &scene.reader, &err), &err);
    cr_assert_eq(sl_loader_find(scene.reader, (uintptr_t) with, sizeof with), 0x1234);
    cr_assert_eq(sl_loader_find(scene.reader, (uintptr_t) with, sizeof *with), 0);
    cr_assert_eq(sl_loader_find(scene.reader, (uintptr_t) without, sizeof without), 0);
    cr_assert_eq(sl_loader_find(scene.reader, 8, sizeof with), 0);
    sl_reader_free(scene.reader);
    sl_target_release(&scene.target);
}
