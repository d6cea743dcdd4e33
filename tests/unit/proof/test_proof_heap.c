/* SPDX-License-Identifier: Apache-2.0 */
/* Heaps as a process may have them, also one that lies: in memory of this one. */
#include "sl_test.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "harness/proof/heap.h"
#include "harness/proof/obstacle.h"

#define SIZE     ((size_t) 65536)
#define PREVIOUS 1

struct scene {
    struct sl_target target;
    struct sl_reader *reader;
    struct resident_range range;
    struct resident resident;
    struct heap_view *view;
    uint64_t *words; /* the heap */
};

static void begin(struct scene *scene)
{
    struct sl_error err = {0};

    memset(scene, 0, sizeof *scene);
    sl_assert_ok(sl_target_open(getpid(), &scene->target, &err), &err);
    sl_assert_ok(sl_reader_new(&scene->target, &scene->reader, &err), &err);
    scene->words = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    cr_assert(scene->words != MAP_FAILED);
    memset(scene->words, 0, SIZE);
    scene->range =
        (struct resident_range){(uintptr_t) scene->words, (uintptr_t) scene->words + SIZE, false};
    scene->resident = (struct resident){.ranges = &scene->range, .n_ranges = 1};
    scene->view = calloc(1, sizeof *scene->view);
    cr_assert(scene->view);
    scene->view->reader = scene->reader;
    scene->view->resident = &scene->resident;
}

static void end(struct scene *scene)
{
    free(scene->view);
    (void) munmap(scene->words, SIZE);
    sl_reader_free(scene->reader);
    sl_target_release(&scene->target);
}

static uint64_t start_of(const struct scene *scene)
{
    return (uintptr_t) scene->words;
}

/* A block of that size at the offset; used, unless the one behind it says otherwise. */
static void put(struct scene *scene, size_t offset, uint64_t size_and_bits)
{
    scene->words[offset / 8 + 1] = size_and_bits;
}

/* 64 bytes used, 128 free, 32 used, and the top. */
static void put_honest(struct scene *scene)
{
    put(scene, 0, 64 | PREVIOUS);
    put(scene, 64, 128 | PREVIOUS);
    scene->words[192 / 8] = 128;
    put(scene, 192, 32);
    put(scene, 224, (SIZE - 224) | PREVIOUS);
}

SL_TEST(proof_heap, blocks_are_found_and_who_is_used)
{
    struct scene scene;
    begin(&scene);
    put_honest(&scene);
    struct proof_heap *heap = heap_walk_main(scene.view, start_of(&scene), start_of(&scene) + SIZE);
    cr_assert(heap);
    cr_assert_eq(heap->n_blocks, 3);
    cr_expect_eq(heap->flags[0], HEAP_USED);
    cr_expect_eq(heap->flags[1], 0);
    cr_expect_eq(heap->flags[2], HEAP_USED);
    cr_expect_eq(heap->end, start_of(&scene) + 224);
    cr_expect_eq(heap_find(heap, start_of(&scene) + 63), 0);
    cr_expect_eq(heap_find(heap, start_of(&scene) + 64), 0); /* right behind the first */
    cr_expect_eq(heap_find(heap, start_of(&scene) + 80), 1);
    cr_expect_eq(heap_find(heap, start_of(&scene) + 223), 2);
    heap_free(heap);
    end(&scene);
}

static void expect_refused(struct scene *scene, const char *what)
{
    struct proof_heap *heap = heap_walk_main(scene->view, start_of(scene), start_of(scene) + SIZE);
    cr_expect_null(heap, "%s", what);
    heap_free(heap);
    scene->view->size = 0;
    memset(scene->words, 0, SIZE);
    put_honest(scene);
}

SL_TEST(proof_heap, sizes_that_lie_are_refused)
{
    struct scene scene;
    begin(&scene);
    expect_refused(&scene, "no size at all");
    put(&scene, 64, (SIZE * 2) | PREVIOUS);
    expect_refused(&scene, "beyond the end");
    put(&scene, 64, UINT64_MAX);
    expect_refused(&scene, "the greatest size");
    put(&scene, 64, 8 | PREVIOUS);
    expect_refused(&scene, "smaller than its header");
    put(&scene, 64, 130 | PREVIOUS);
    expect_refused(&scene, "with a mapping of its own");
    scene.words[192 / 8] = 96;
    expect_refused(&scene, "a free block whose two sizes differ");
    put(&scene, 224, (SIZE - 240) | PREVIOUS);
    expect_refused(&scene, "a top that is no end");
    end(&scene);
}

SL_TEST(proof_heap, any_bytes_end_within_bounds)
{
    struct scene scene;
    begin(&scene);
    uint64_t state = 88172645463325252;
    for (int round = 0; round < 200; round++) {
        for (size_t i = 0; i < SIZE / 8; i++) {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            scene.words[i] = round % 2 ? state : state % 512;
        }
        scene.view->size = 0;
        heap_free(heap_walk_main(scene.view, start_of(&scene), start_of(&scene) + SIZE));
        uint64_t behind;
        heap_free(heap_walk_mapped(scene.view, start_of(&scene), start_of(&scene) + SIZE, &behind));
        (void) heap_mapped_block(scene.view, start_of(&scene), start_of(&scene) + SIZE);
    }
    end(&scene);
}

SL_TEST(proof_heap, what_is_not_there_is_not_read)
{
    struct scene scene;
    begin(&scene);
    put_honest(&scene);
    scene.resident.n_ranges = 0;
    struct proof_heap *heap = heap_walk_main(scene.view, start_of(&scene), start_of(&scene) + SIZE);
    cr_expect_null(heap);
    end(&scene);
}

SL_TEST(proof_heap, a_block_with_a_mapping_says_its_size)
{
    struct scene scene;
    begin(&scene);
    uint64_t start = start_of(&scene);
    const uint64_t size = 256 * 1024;
    put(&scene, 0, size | 2);
    cr_expect_eq(heap_mapped_block(scene.view, start, start + size), start + size);
    cr_expect_eq(heap_mapped_block(scene.view, start, start + size - 4096), 0);
    scene.view->size = 0;
    put(&scene, 0, (size + 16) | 2);
    cr_expect_eq(heap_mapped_block(scene.view, start, start + 2 * size), 0);
    end(&scene);
}

SL_TEST(proof_heap, pointers_of_the_kernel_are_read_from_its_files)
{
    struct proof_kernel kernel = {0};

    cr_assert(obstacle_parse_epoll("pos:\t0\nflags:\t02\n"
                                   "tfd:        5 events:       19 data:     7ffc0f00ab10  pos:0\n"
                                   "tfd:        6 events:       19 data:                7  pos:0\n",
                                   &kernel));
    cr_assert(obstacle_parse_timers("ID: 0\nsignal: 60/00007fff86e452a8\nnotify: signal/pid.1\n"
                                    "ClockID: 0\n",
                                    &kernel));
    cr_assert_eq(kernel.n_words, 3);
    cr_expect_eq(kernel.words[0], 0x7ffc0f00ab10);
    cr_expect_eq(kernel.words[1], 7);
    cr_expect_eq(kernel.words[2], 0x7fff86e452a8);
    obstacle_release(&kernel);
}

SL_TEST(proof_heap, a_queue_is_of_no_interest_when_it_is_empty_and_tells_nobody)
{
    cr_expect(
        !obstacle_parse_queue("QSIZE:0          NOTIFY:0     SIGNO:0     NOTIFY_PID:0     \n"));
    cr_expect(
        obstacle_parse_queue("QSIZE:1          NOTIFY:0     SIGNO:0     NOTIFY_PID:0     \n"));
    cr_expect(
        obstacle_parse_queue("QSIZE:0          NOTIFY:2     SIGNO:0     NOTIFY_PID:812   \n"));
    cr_expect(obstacle_parse_queue(""));
}
