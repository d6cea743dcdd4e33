/* SPDX-License-Identifier: Apache-2.0 */
/* What is known about the code of a target, which is this process. */
#include "sl_test.h"

#include <string.h>
#include <sys/mman.h>

#include "described.h"
#include "harness/snapshot/cache/known.h"
#include "harness/snapshot/code.h"
#include "harness/snapshot/dwarf/inline.h"
#include "harness/snapshot/symbol/module_names.h"

struct scene {
    struct sl_target target;
    struct sl_snapshot_opts opts;
    struct sl_snapshot snapshot;
    struct sl_code code;
};

static void leave(struct scene *scene)
{
    sl_code_close(&scene->code);
    sl_arena_free(scene->snapshot.arena);
    sl_target_release(&scene->target);
}

static void enter(struct scene *scene)
{
    struct sl_error err = {0};

    *scene = (struct scene){
        .opts = {.size = sizeof scene->opts, .no_cache = true},
        .snapshot = {.arena = sl_arena_new()},
        .code = {.target = &scene->target, .opts = &scene->opts, .snapshot = &scene->snapshot}};
    cr_assert(scene->snapshot.arena);
    sl_assert_ok(sl_target_open(getpid(), &scene->target, &err), &err);
    sl_assert_ok(sl_code_open(&scene->code, &err), &err);
}

static const struct sl_frame *look_up(struct scene *scene, uintptr_t address, size_t *ret_n)
{
    const struct sl_pc pc = {.address = address, .exact = true};
    const struct sl_frame *frames;

    cr_assert(sl_symbolizer_look_up(scene->code.symbolizer, scene->code.maps, &pc, &frames, ret_n));
    return frames;
}

static bool refuse(void *context, size_t size)
{
    (void) context, (void) size;
    return false;
}

static void take_all_memory(struct scene *scene)
{
    sl_arena_ask(scene->snapshot.arena, refuse, NULL);
    while (sl_arena_alloc(scene->snapshot.arena, 1))
        continue;
}

SL_TEST(code, a_stack_that_was_made_after_the_map_was_read_is_found)
{
    enum { SIZE = 4096 };
    SL_CLEANUP(leave) struct scene scene;
    const struct sl_mapping *mapping = NULL;
    struct sl_error err = {0};

    enter(&scene);
    uint64_t here = (uintptr_t) &scene;
    sl_assert_ok(sl_code_find_stack(&scene.code, here, &mapping, &err), &err);
    cr_assert(mapping && mapping->start <= here && mapping->end > here);
    cr_assert_eq(scene.code.maps_reads, 1);
    void *stack = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    cr_assert(stack != MAP_FAILED);
    sl_assert_ok(sl_code_find_stack(&scene.code, (uintptr_t) stack, &mapping, &err), &err);
    cr_assert(mapping && mapping->start <= (uintptr_t) stack && mapping->end > (uintptr_t) stack);
    (void) munmap(stack, SIZE);
}

SL_TEST(code, without_memory_for_frames_it_is_said_that_there_was_none)
{
    const struct sl_pc pc = {.address = described[DESCRIBED_NESTED], .exact = true};
    SL_CLEANUP(leave) struct scene scene;
    struct sl_error err = {0};

    enter(&scene);
    cr_assert(sl_code_stack(&scene.code, &pc, 1, SL_UNWIND_COMPLETE));
    cr_assert(sl_modules_find(scene.code.modules, scene.code.maps, pc.address));
    take_all_memory(&scene);
    sl_assert_fails(sl_code_symbolize(&scene.code, &err), SL_ENOMEM, &err, "out of memory");
}

/* Are the frames of the address kept for later looks? */
static bool is_known(const struct scene *scene, uintptr_t address)
{
    const struct sl_module *module =
        sl_modules_find(scene->code.modules, scene->code.maps, address);
    struct sl_frame frames[SL_MAX_INLINED + 1];

    cr_assert(module && module->names);
    const struct sl_file_identity *file = sl_module_names_identity(module->names);
    return sl_known_find(module, file, address - module->bias, frames, SL_COUNT_OF(frames)) > 0;
}

SL_TEST(code, what_has_a_name_is_known_afterwards_and_nothing_else)
{
    SL_CLEANUP(leave) struct scene scene;
    size_t n;

    enter(&scene);
    const struct sl_frame *frames = look_up(&scene, described[DESCRIBED_NESTED], &n);
    cr_assert_eq(n, 1);
    cr_assert_str_eq(frames->function, "nested");
    if (!frames->build_id)
        cr_skip_test("this linker makes no build-ids");
    cr_assert(is_known(&scene, described[DESCRIBED_NESTED]));
    frames = look_up(&scene, described[DESCRIBED_ASSEMBLED], &n);
    cr_assert(n == 1 && !frames->function && frames->line == DESCRIBED_LINE);
    cr_assert(!is_known(&scene, described[DESCRIBED_ASSEMBLED]));
}

SL_TEST(code, as_many_inlined_functions_as_can_be_known_have_frames_in_the_module)
{
    SL_CLEANUP(leave) struct scene scene;
    size_t n;

    enter(&scene);
    const struct sl_frame *frames = look_up(&scene, described[DESCRIBED_DEEP], &n);
    cr_assert_eq(n, SL_MAX_INLINED + 1);
    for (size_t i = 0; i < n; i++) {
        cr_assert_eq(frames[i].inlined, i + 1 < n);
        cr_assert_str_eq(frames[i].function, i + 1 < n ? "inlined" : "deep");
        cr_assert(frames[i].address == described[DESCRIBED_DEEP] && frames[i].module);
    }
}
