/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What addresses turned out to be, for the life of the process.  The entries of one
 * test stay; each has build-ids of its own.
 */
#include "sl_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/snapshot/cache/known.h"

#define MAX_FRAMES 4
#define LIMIT      4096 /* entries, of all modules together */

static struct sl_module module_with_id(uint8_t byte, size_t size)
{
    struct sl_module module = {.path = "/lib/a.so", .image.build_id_size = size};
    memset(module.image.build_id, byte, size);
    return module;
}

static struct sl_frame frame_named(const char *function)
{
    return (struct sl_frame){.function = function, .file = "file.c", .line = 7, .inlined = true};
}

/* Of all of them, but for those of the test that tells files apart. */
static const struct sl_file_identity file = {.device = 8, .inode = 77, .size = 4096};

static void add(const struct sl_module *module, uint64_t address, const char *function)
{
    struct sl_frame frame = frame_named(function);
    sl_known_add(module, &file, address, &frame, 1, 0);
}

/* The function known for an address, or NULL. */
static const char *found(const struct sl_module *module, uint64_t address)
{
    struct sl_frame frames[MAX_FRAMES];
    size_t n = sl_known_find(module, &file, address, frames, MAX_FRAMES);
    return n ? frames[n - 1].function : NULL;
}

SL_TEST(known, what_was_added_is_found_by_build_id_and_address)
{
    struct sl_module module = module_with_id(1, 20), same = module_with_id(1, 20);
    struct sl_module other = module_with_id(2, 20), longer = module_with_id(1, 21);

    cr_assert_null(found(&module, 0x1000));
    add(&module, 0x1000, "main");
    cr_assert_str_eq(found(&same, 0x1000), "main");
    cr_assert_null(found(&module, 0x1001));
    cr_assert_null(found(&other, 0x1000));
    cr_assert_null(found(&longer, 0x1000));
    cr_assert(sl_known_has(&same, &file) && !sl_known_has(&other, &file));
}

/* Somebody else's file can have the same build-id; so can another debug file for the same one. */
SL_TEST(known, what_was_found_holds_for_the_same_file_in_the_same_place_only)
{
    struct sl_module module = module_with_id(9, 20), moved = module;
    struct sl_file_identity others[] = {file, file, file, file, file, file, file};
    struct sl_frame frames[MAX_FRAMES];

    others[0].device++;
    others[1].inode++;
    others[2].size++;
    others[3].changed_ns++;
    others[4].root_device++;
    others[5].root_inode++;
    others[6].mounts++;
    moved.path = "/lib/b.so";
    add(&module, 0x1000, "main");
    for (size_t i = 0; i < SL_COUNT_OF(others); i++) {
        cr_assert_eq(sl_known_find(&module, &others[i], 0x1000, frames, MAX_FRAMES), 0, "%zu", i);
        cr_assert(!sl_known_has(&module, &others[i]), "%zu", i);
    }
    cr_assert_null(found(&moved, 0x1000));
    cr_assert_str_eq(found(&module, 0x1000), "main");
}

SL_TEST(known, nothing_is_known_of_a_file_that_cannot_be_had)
{
    struct sl_module module = module_with_id(10, 20);
    struct sl_frame frame = frame_named("main"), got[MAX_FRAMES];

    sl_known_add(&module, NULL, 0x1000, &frame, 1, 0);
    cr_assert_null(found(&module, 0x1000));
    add(&module, 0x1000, "main");
    cr_assert_eq(sl_known_find(&module, NULL, 0x1000, got, MAX_FRAMES), 0);
    cr_assert(!sl_known_has(&module, NULL));
}

SL_TEST(known, all_of_a_frame_is_kept_but_where_it_was_mapped)
{
    struct sl_module module = module_with_id(3, 20);
    char function[] = "inner", source[] = "inner.c";
    const struct sl_frame frames[] = {
        {.address = 0x7f0000001000,
         .function = function,
         .file = source,
         .module = "/lib/a.so",
         .line = 42,
         .inlined = true},
        {.address = 0x7f0000001000, .function = "outer", .module = "/lib/a.so"},
    };
    struct sl_frame got[MAX_FRAMES];

    sl_known_add(&module, &file, 0x1000, frames, 2, 0);
    memset(function, 'x', sizeof function - 1); /* its strings are copies */
    memset(source, 'x', sizeof source - 1);
    cr_assert_eq(sl_known_find(&module, &file, 0x1000, got, MAX_FRAMES), 2);
    cr_assert_str_eq(got[0].function, "inner");
    cr_assert_str_eq(got[0].file, "inner.c");
    cr_assert(got[0].line == 42 && got[0].inlined && !got[0].module && !got[0].address);
    cr_assert_str_eq(got[1].function, "outer");
    cr_assert(!got[1].file && !got[1].line && !got[1].inlined);
}

SL_TEST(known, what_does_not_fit_is_not_cut)
{
    struct sl_module module = module_with_id(4, 20);
    const struct sl_frame frames[] = {frame_named("a"), frame_named("b"), frame_named("c")};
    struct sl_frame got[2] = {{.line = 99}};

    sl_known_add(&module, &file, 0x1000, frames, 3, 0);
    cr_assert_eq(sl_known_find(&module, &file, 0x1000, got, 2), 0);
    cr_assert_eq(got[0].line, 99);
}

SL_TEST(known, a_build_id_that_is_no_digest_names_nothing)
{
    struct sl_module none = module_with_id(0, 0), number = module_with_id(5, 8);

    add(&none, 0x1000, "a");
    add(&number, 0x1000, "b");
    cr_assert_null(found(&none, 0x1000));
    cr_assert_null(found(&number, 0x1000));
}

SL_TEST(known, the_first_answer_stays)
{
    struct sl_module module = module_with_id(6, 20);

    add(&module, 0x1000, "first");
    add(&module, 0x1000, "second");
    cr_assert_str_eq(found(&module, 0x1000), "first");
}

/* In this process alone: Criterion runs each test in one of its own. */
SL_TEST(known, it_does_not_grow_without_end)
{
    struct sl_module module = module_with_id(7, 20);
    char name[32];

    for (uint64_t i = 0; i < LIMIT + 100; i++) {
        (void) snprintf(name, sizeof name, "f%u", (unsigned) i);
        add(&module, i, name);
    }
    cr_assert_str_eq(found(&module, 0), "f0");
    cr_assert_str_eq(found(&module, LIMIT - 1), "f4095");
    cr_assert_null(found(&module, LIMIT));
    add(&module, 0, "again");
    cr_assert_str_eq(found(&module, 0), "f0");
}

SL_TEST(known, only_what_is_of_one_source_is_listed_for_it)
{
    struct sl_module module = module_with_id(9, 20);
    struct sl_frame frame = frame_named("main");
    size_t n = 0;

    sl_known_add(&module, &file, 0x1000, &frame, 1, 77);
    sl_known_add(&module, &file, 0x2000, &frame, 1, 0); /* by a sandbox that might lie */
    sl_known_add(&module, &file, 0x3000, &frame, 1, 78);
    sl_known_add(&module, &file, 0x2000, &frame, 1, 77); /* it is known already */
    SL_AUTO_FREE struct sl_known_code *codes = sl_known_list(&module, &file, 77, &n);
    cr_assert_eq(n, 1);
    cr_assert_eq(codes[0].address, 0x1000);
}
