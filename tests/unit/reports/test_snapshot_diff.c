/* SPDX-License-Identifier: Apache-2.0 */
#include "sl_test.h"

#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "reports/snapshot/diff.h"
#include "result_builder.h"

#define LOOKS_MAX 4

struct scene {
    struct sl_arena *arena;
    struct sl_diff_side sides[LOOKS_MAX];
    size_t n_sides;
};

/* Groups that are counted 0 are not in the look. */
static void add_look(struct scene *scene, const uint32_t *counts)
{
    static const char *const functions[] = {"steady", "millRun", "burst", "shrinks"};
    static struct sl_group groups[LOOKS_MAX][SL_COUNT_OF(functions)];
    struct sl_diff_side *side = &scene->sides[scene->n_sides];
    struct sl_group *of_side = groups[scene->n_sides++];

    *side = (struct sl_diff_side){.name = "look", .groups = of_side};
    for (size_t i = 0; i < SL_COUNT_OF(functions); i++) {
        if (!counts[i])
            continue;
        struct sl_group *group = &of_side[side->n_groups++];
        *group = (struct sl_group){.count = counts[i], .function = functions[i]};
        memset(group->fingerprint, 'a' + (int) i, sizeof group->fingerprint - 1);
        side->n_threads += counts[i];
    }
}

static struct sl_snapshot_diff diff_of(struct scene *scene)
{
    struct sl_snapshot_diff diff = {0};
    struct sl_error err = {0};

    scene->arena = sl_arena_new();
    cr_assert(scene->arena);
    sl_assert_ok(sl_snapshot_diff_make(scene->sides, scene->n_sides, scene->arena, &diff, &err),
                 &err);
    return diff;
}

static struct scene four_looks(void)
{
    struct scene scene = {0};

    add_look(&scene, (const uint32_t[]){768, 2, 0, 5});
    add_look(&scene, (const uint32_t[]){768, 4, 90, 4});
    add_look(&scene, (const uint32_t[]){768, 6, 0, 4});
    add_look(&scene, (const uint32_t[]){768, 8, 100, 0});
    return scene;
}

SL_TEST(snapshot_diff, what_grew_in_every_step_comes_before_what_grew_more)
{
    struct scene scene = four_looks();
    struct sl_snapshot_diff diff = diff_of(&scene);

    cr_assert_eq(diff.n_rows, 3);
    cr_assert_eq(diff.n_same, 1);
    cr_assert_str_eq(diff.rows[0].group->function, "millRun");
    cr_assert_eq(diff.rows[0].growing, SL_MAYBE_YES);
    cr_assert_float_eq(diff.rows[0].slope.value, 2, 1e-9);
    cr_assert_str_eq(diff.rows[1].group->function, "burst");
    cr_assert_eq(diff.rows[1].change, SL_DIFF_APPEARED);
    cr_assert_eq(diff.rows[1].growing, SL_MAYBE_NO);
    cr_assert_str_eq(diff.rows[2].group->function, "shrinks");
    cr_assert_eq(diff.rows[2].change, SL_DIFF_GONE);
    sl_arena_free(scene.arena);
}

SL_TEST(snapshot_diff, text_has_the_count_of_every_look)
{
    struct scene scene = four_looks();
    struct sl_snapshot_diff diff = diff_of(&scene);
    SL_AUTO_FREE char *text = result_export(sl_snapshot_diff_exporters, "text", &diff, NULL);

    cr_assert(strstr(text, "2 -> 4 -> 6 -> 8 x millRun, +2 per step, grew in every step"), "%s",
              text);
    cr_assert(strstr(text, "5 -> 4 -> 4 -> 0 x shrinks, -1.5 per step"), "%s", text);
    cr_assert(strstr(text, "1 group did not change"), "%s", text);
    sl_arena_free(scene.arena);
}

SL_TEST(snapshot_diff, of_two_looks_there_is_neither_slope_nor_every_step)
{
    struct scene scene = {0};

    add_look(&scene, (const uint32_t[]){1, 2, 0, 0});
    add_look(&scene, (const uint32_t[]){1, 4, 0, 0});
    struct sl_snapshot_diff diff = diff_of(&scene);
    SL_AUTO_FREE char *text = result_export(sl_snapshot_diff_exporters, "text", &diff, NULL);
    SL_AUTO_FREE char *json = result_export(sl_snapshot_diff_exporters, "json", &diff, NULL);

    cr_assert(strstr(text, "2 -> 4 x millRun  ("), "%s", text);
    cr_assert(strstr(json, "\"grows_in_every_step\": null"), "%s", json);
    cr_assert(strstr(json, "\"slope\": null"), "%s", json);
    sl_arena_free(scene.arena);
}

SL_TEST(snapshot_diff, a_group_that_only_differs_in_between_is_told_as_the_same)
{
    struct scene scene = {0};

    add_look(&scene, (const uint32_t[]){3, 0, 0, 0});
    add_look(&scene, (const uint32_t[]){5, 0, 0, 0});
    add_look(&scene, (const uint32_t[]){3, 0, 0, 0});
    struct sl_snapshot_diff diff = diff_of(&scene);

    cr_assert_eq(diff.n_rows, 1);
    cr_assert_eq(diff.rows[0].change, SL_DIFF_SAME);
    cr_assert_eq(diff.n_same, 0);
    sl_arena_free(scene.arena);
}

SL_TEST(snapshot_diff, what_a_look_has_not_seen_is_told_with_it)
{
    struct scene scene = {0};

    add_look(&scene, (const uint32_t[]){1, 0, 0, 0});
    add_look(&scene, (const uint32_t[]){1, 0, 0, 0});
    scene.sides[1].n_errors = 2;
    scene.sides[1].n_left_out = 7;
    struct sl_snapshot_diff diff = diff_of(&scene);
    SL_AUTO_FREE char *text = result_export(sl_snapshot_diff_exporters, "text", &diff, NULL);

    cr_assert(strstr(text, "2 places of it could not be read"), "%s", text);
    cr_assert(strstr(text, "7 more were not looked at"), "%s", text);
    cr_assert(strstr(text, "nothing changed"), "%s", text);
    sl_arena_free(scene.arena);
}

SL_TEST(snapshot_diff, threads_and_goroutines_are_not_compared)
{
    struct scene scene = {.arena = sl_arena_new()};
    struct sl_snapshot_diff diff;
    struct sl_error err = {0};

    add_look(&scene, (const uint32_t[]){1, 0, 0, 0});
    add_look(&scene, (const uint32_t[]){1, 0, 0, 0});
    scene.sides[1].kind = SL_SNAPSHOT_GOROUTINES;
    cr_assert_eq(sl_snapshot_diff_make(scene.sides, 2, scene.arena, &diff, &err), SL_EINVAL);
    cr_assert(strstr(err.text, "goroutines"), "%s", err.text);
    sl_arena_free(scene.arena);
}
