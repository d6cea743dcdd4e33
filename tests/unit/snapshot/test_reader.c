/* SPDX-License-Identifier: Apache-2.0 */
#include "silence.h"
#include "sl_alloc.h"
#include "sl_test.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/macros.h"
#include "harness/snapshot/killable/courier.h"
#include "harness/snapshot/killable/killable.h"
#include "harness/snapshot/target/reader.h"

enum { N = 600 }; /* more bytes, in parts of a page, than a courier carries */

struct scene {
    struct sl_target target;
    struct sl_reader *reader;
    unsigned char *pages, *data;
    struct sl_copy copies[N];
};

static void leave(struct scene *scene)
{
    sl_reader_free(scene->reader);
    sl_target_release(&scene->target);
    sl_killable_reap(SL_NS_PER_S);
}

/* This process, as if it were another one; page i is full of i. */
static void enter(struct scene *scene)
{
    struct sl_error err = {0};

    sl_assert_ok(sl_target_open(getpid(), &scene->target, &err), &err);
    scene->target.self = false;
    sl_assert_ok(sl_reader_new(&scene->target, &scene->reader, &err), &err);
    scene->pages = sl_pages(N);
    scene->data = sl_pages(N);
    for (size_t i = 0; i < N; i++) {
        memset(scene->pages + i * SL_SILENT_PAGE, (int) i, SL_SILENT_PAGE);
        scene->copies[i] =
            (struct sl_copy){.address = (uintptr_t) (scene->pages + i * SL_SILENT_PAGE + 8),
                             .data = scene->data + i * SL_SILENT_PAGE,
                             .size = 1000 + i};
    }
}

static void expect_whole(const struct scene *scene, size_t i)
{
    const unsigned char *data = scene->copies[i].data;

    cr_assert_eq(scene->copies[i].copied, scene->copies[i].size, "copy %zu", i);
    for (size_t k = 0; k < scene->copies[i].size; k++)
        cr_assert_eq(data[k], (unsigned char) i, "copy %zu, byte %zu", i, k);
}

SL_TEST(reader, more_than_is_fetched_at_once_is_whole)
{
    SL_CLEANUP(leave) struct scene scene = {0};

    enter(&scene);
    sl_reader_copy(scene.reader, scene.copies, N);
    for (size_t i = 0; i < N; i++)
        expect_whole(&scene, i);
    cr_assert(!sl_reader_met_silence(scene.reader));
    cr_assert(
        sl_reader_read_all(scene.reader, (uintptr_t) scene.pages, scene.data, N * SL_SILENT_PAGE));
    cr_assert_eq(memcmp(scene.data, scene.pages, N * SL_SILENT_PAGE), 0);
}

SL_TEST(reader, a_hole_takes_its_own_copy_only)
{
    SL_CLEANUP(leave) struct scene scene = {0};

    enter(&scene);
    cr_assert_eq(munmap(scene.pages + 7 * SL_SILENT_PAGE, SL_SILENT_PAGE), 0);
    scene.copies[3].size = SL_SILENT_PAGE;     /* ends in the next page */
    scene.copies[6].size = SL_SILENT_PAGE + 1; /* ends in the hole */
    sl_reader_copy(scene.reader, scene.copies, N);
    cr_assert_eq(scene.copies[3].copied, SL_SILENT_PAGE);
    cr_assert_eq(scene.copies[6].copied, SL_SILENT_PAGE - 8);
    cr_assert_eq(scene.copies[7].copied, 0);
    for (size_t i = 8; i < N; i++)
        expect_whole(&scene, i);
    cr_assert(!sl_reader_met_silence(scene.reader));
}

SL_TEST(reader, memory_that_never_answers_takes_its_own_copy_only, .timeout = 60)
{
    SL_CLEANUP(leave) struct scene scene = {0};

    enter(&scene);
    sl_silence(scene.pages + 300 * SL_SILENT_PAGE, 20);
    sl_reader_copy(scene.reader, scene.copies, N);
    for (size_t i = 0; i < N; i++)
        if (i / 20 == 300 / 20)
            cr_assert_eq(scene.copies[i].copied, 0);
        else
            expect_whole(&scene, i);
    cr_assert(sl_reader_met_silence(scene.reader));
    cr_assert_eq(sl_reader_read(scene.reader, scene.copies[1].address, scene.data, 8), 8);
    cr_assert(!sl_reader_met_silence(scene.reader));
}

static enum sl_status make(void *target, struct sl_error *err)
{
    struct sl_reader *reader = NULL;

    enum sl_status status = sl_reader_new(target, &reader, err);
    cr_assert_eq(reader == NULL, status != SL_OK);
    sl_reader_free(reader);
    return status;
}

/* Pages of address space that this process has. */
static long count_pages(void)
{
    char text[256];

    cr_assert(sl_file_read("/proc/self/statm", text, sizeof text));
    return strtol(text, NULL, 10);
}

SL_TEST(reader, without_memory_there_is_none_and_no_courier_either)
{
    SL_CLEANUP(sl_target_release) struct sl_target target = {.tid = 0};
    struct sl_error err = {0};

    sl_assert_ok(sl_target_open(getpid(), &target, &err), &err);
    cr_assert_eq(sl_alloc_fail_each(SL_ALLOC_ONE, make, &target), 1);
    long before = count_pages();
    cr_assert_eq(sl_alloc_fail_each(SL_ALLOC_ONE, make, &target), 1);
    cr_assert_eq(count_pages(), before);
}
