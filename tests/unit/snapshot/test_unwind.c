/* SPDX-License-Identifier: Apache-2.0 */
/* Unwinding in this process, which is read as another would be. */
#include "sl_test.h"

#include <string.h>
#include <sys/mman.h>

#include "described.h"
#include "harness/snapshot/unwind/table.h"
#include "harness/snapshot/unwind/unwind.h"
#include "sl_alloc.h"

struct scene {
    struct sl_target target;
    struct sl_budget budget;
    struct sl_arena *arena;
    struct sl_reader *reader;
    struct sl_modules *modules;
    struct sl_maps *maps;
};

/* @param memory  of the look; 0: as much as it has by itself */
static void enter(struct scene *scene, uint64_t memory)
{
    const uint64_t limits[SL_N_BUDGET_PARTS] = {[SL_BUDGET_MEMORY] = memory};
    struct sl_error err = {0};
    char *text;
    size_t size;

    *scene = (struct scene){.arena = sl_arena_new()};
    cr_assert(scene->arena);
    sl_assert_ok(sl_target_open(getpid(), &scene->target, &err), &err);
    sl_assert_ok(sl_target_read_all(&scene->target, "maps", &text, &size, &err), &err);
    sl_assert_ok(sl_maps_parse(text, &scene->maps, &err), &err);
    sl_budget_begin(&scene->budget, limits);
    scene->target.budget = &scene->budget;
    sl_assert_ok(sl_reader_new(&scene->target, &scene->reader, &err), &err);
    sl_assert_ok(sl_modules_new(&scene->target, scene->reader, scene->arena, &scene->modules, &err),
                 &err);
}

static void leave(struct scene *scene)
{
    sl_modules_free(scene->modules);
    sl_reader_free(scene->reader);
    sl_maps_free(scene->maps);
    sl_arena_free(scene->arena);
    sl_target_release(&scene->target);
}

static enum sl_status make(void *user, struct sl_error *err)
{
    SL_AUTO(sl_unwinder) struct sl_unwinder *unwinder = NULL;

    (void) user;
    enum sl_status status = sl_unwinder_new(NULL, 16, &unwinder, err);
    cr_assert_eq(unwinder == NULL, status != SL_OK);
    return status;
}

SL_TEST(unwind, a_failed_allocation_is_reported_and_nothing_is_returned)
{
    cr_assert_geq(sl_alloc_fail_each(SL_ALLOC_ONE, make, NULL), 2);
}

/* What is found with so much memory for a look at a table that has to be scanned. */
static enum sl_table_result find_within(uint64_t memory)
{
    SL_CLEANUP(leave) struct scene scene;
    const struct sl_cfi_section *section;
    uint64_t record, address = described[DESCRIBED_FRAMED];

    enter(&scene, memory);
    struct sl_module *module = sl_modules_find(scene.modules, scene.maps, address);
    cr_assert(module);
    return sl_unwind_table_find(scene.modules, module, address, &section, &record);
}

SL_TEST(unwind, a_table_for_which_there_is_no_memory_is_not_taken_for_one_without_the_address)
{
    enum sl_table_result result = SL_TABLE_NONE;
    uint64_t memory = 0;

    /* With too little the section itself can not be had. */
    while (result == SL_TABLE_NONE && memory < 4096)
        result = find_within(memory += 64);
    cr_assert_eq(result, SL_TABLE_NO_MEMORY);
    cr_assert_eq(find_within(0), SL_TABLE_FOUND);
}

/* Code of no module that is nothing but calls, two bytes each. */
static uint8_t *make_calls(size_t size)
{
    static const uint8_t call_rax[] = {0xff, 0xd0};
    uint8_t *code = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    cr_assert(code != MAP_FAILED);
    for (size_t i = 0; i < size; i += sizeof call_rax)
        memcpy(code + i, call_rax, sizeof call_rax);
    cr_assert_eq(mprotect(code, size, PROT_READ | PROT_EXEC), 0);
    return code;
}

SL_TEST(unwind, frames_of_nothing_but_a_frame_pointer_and_a_return_address_are_all_found)
{
    enum { N_CALLERS = 5, SIZE = 4096 };
    SL_AUTO(sl_unwinder) struct sl_unwinder *unwinder = NULL;
    uint8_t *code = make_calls(SIZE);
    uint64_t stack[2 * N_CALLERS + 2] = {0};
    struct sl_registers registers = {0};
    SL_CLEANUP(leave) struct scene scene;
    struct sl_error err = {0};
    struct sl_unwind unwind;

    enter(&scene, 0);
    for (size_t i = 0; i < N_CALLERS; i++) {
        stack[2 * i] = i + 1 < N_CALLERS ? (uintptr_t) &stack[2 * i + 2] : 0;
        stack[2 * i + 1] = (uintptr_t) code + 100 + 2 * i;
    }
    sl_registers_set(&registers, SL_REG_RIP, (uintptr_t) code + 50);
    sl_registers_set(&registers, SL_REG_RSP, (uintptr_t) stack);
    sl_registers_set(&registers, SL_REG_RBP, (uintptr_t) stack);
    struct sl_view view = {.registers = &registers,
                           .sp = (uintptr_t) stack,
                           .stack_end = (uintptr_t) stack + sizeof stack,
                           .copy = (const uint8_t *) stack,
                           .copied = sizeof stack,
                           .reader = scene.reader};
    sl_assert_ok(sl_unwinder_new(scene.modules, 16, &unwinder, &err), &err);
    sl_unwinder_run(unwinder, scene.maps, &view, &unwind);
    cr_assert_eq(unwind.n_pcs, 1 + N_CALLERS);
    for (size_t i = 0; i < N_CALLERS; i++)
        cr_assert_eq(unwind.pcs[1 + i].address, stack[2 * i + 1]);
    (void) munmap(code, SIZE);
}
