/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The memory of unwinds, with made-up stacks.  `reader` is never used: every word is in
 * the copy.
 */
#include "sl_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/macros.h"
#include "harness/snapshot/target/maps.h"
#include "harness/snapshot/unwind/memo.h"

#define WORDS 16
#define PC    UINT64_C(0x401000)

struct sample {
    struct sl_registers registers;
    uint64_t words[WORDS];
    struct sl_view view;
};

/* A stack at `sp` whose word i is 0x500000 + i, but word 3, which points into it. */
static void make(struct sample *sample, uint64_t sp)
{
    memset(sample, 0, sizeof *sample);
    sl_registers_set(&sample->registers, SL_REG_RIP, PC);
    sl_registers_set(&sample->registers, SL_REG_RSP, sp);
    for (size_t i = 0; i < WORDS; i++)
        sample->words[i] = 0x500000 + i;
    sample->words[3] = sp + 40;
    sample->view = (struct sl_view){.registers = &sample->registers,
                                    .sp = sp,
                                    .stack_end = sp + sizeof sample->words,
                                    .copy = (const uint8_t *) sample->words,
                                    .copied = sizeof sample->words};
}

/* Word 3 leads on, word 7 is where code goes on. */
static struct sl_read word_read(const struct sample *sample, size_t word)
{
    return (struct sl_read){.known = true,
                            .is_code = word == 7,
                            .where = (int64_t) (8 * word),
                            .value = sample->words[word]};
}

static struct sl_memo *new_memo(void)
{
    struct sl_error err = {0};
    struct sl_memo *memo = NULL;
    sl_assert_ok(sl_memo_new(&memo, &err), &err);
    return memo;
}

/* An unwind that read words 3 and 7. */
static void plant(struct sl_memo *memo, const struct sample *sample, const void *result)
{
    const struct sl_read reads[] = {word_read(sample, 3), word_read(sample, 7)};
    sl_memo_add(memo, &sample->view, reads, 2, result);
}

/* A memo that has the frames of the first of two equal stacks. */
static struct sl_memo *new_with(struct sample *first, struct sample *second)
{
    struct sl_memo *memo = new_memo();
    make(first, 0x7f0000100000);
    make(second, 0x7f0000900000);
    plant(memo, first, "frames");
    return memo;
}

SL_TEST(memo, an_equal_stack_elsewhere_in_memory_hits)
{
    struct sample first, second;
    SL_AUTO(sl_memo) struct sl_memo *memo = new_with(&first, &second);
    cr_assert_str_eq(sl_memo_find(memo, &second.view), "frames");
}

SL_TEST(memo, a_stack_that_differs_in_one_word_that_was_read_misses)
{
    struct sample first, second;
    SL_AUTO(sl_memo) struct sl_memo *memo = new_with(&first, &second);
    for (size_t word = 0; word < WORDS; word++) {
        make(&second, 0x7f0000900000);
        second.words[word]++;
        const void *found = sl_memo_find(memo, &second.view);
        if (word == 3 || word == 7)
            cr_assert_null(found, "word %zu", word);
        else
            cr_assert(found, "word %zu was not read by the unwind", word);
    }
}

SL_TEST(memo, another_pc_misses)
{
    struct sample first, second;
    SL_AUTO(sl_memo) struct sl_memo *memo = new_with(&first, &second);
    sl_registers_set(&second.registers, SL_REG_RIP, PC + 1);
    cr_assert_null(sl_memo_find(memo, &second.view));
}

SL_TEST(memo, what_leads_on_is_compared_as_an_offset)
{
    struct sample first, second;
    SL_AUTO(sl_memo) struct sl_memo *memo = new_with(&first, &second);

    second.words[3] = second.view.sp + 48;
    cr_assert_null(sl_memo_find(memo, &second.view), "another frame");
    second.words[3] = first.view.sp + 40;
    cr_assert_null(sl_memo_find(memo, &second.view), "a pointer into the other thread's stack");
}

SL_TEST(memo, an_address_of_code_has_to_be_the_same_wherever_it_lies)
{
    static const int64_t distances[] = {-65536, -4096, 8, 64, 4096, 65536};

    for (size_t i = 0; i < SL_COUNT_OF(distances); i++) {
        SL_AUTO(sl_memo) struct sl_memo *memo = new_memo();
        struct sample first, second;
        make(&first, 0x7f0000100000);
        make(&second, 0x7f0000900000);
        first.words[7] = first.view.sp + (uint64_t) distances[i];
        second.words[7] = second.view.sp + (uint64_t) distances[i];
        plant(memo, &first, "frames");
        cr_assert_null(sl_memo_find(memo, &second.view), "at sp%+ld", (long) distances[i]);
        second.words[7] = first.words[7];
        cr_assert(sl_memo_find(memo, &second.view), "at sp%+ld", (long) distances[i]);
    }
}

SL_TEST(memo, a_stack_that_moved_by_less_than_a_word_misses)
{
    SL_AUTO(sl_memo) struct sl_memo *memo = new_memo();
    struct sample first, second;
    make(&first, 0x7f0000100000);
    make(&second, 0x7f0000900004);
    plant(memo, &first, "frames");
    cr_assert_null(sl_memo_find(memo, &second.view));
    plant(memo, &second, "frames");
    cr_assert_null(sl_memo_find(memo, &second.view));
}

SL_TEST(memo, a_register_that_was_read_has_to_match_and_be_known)
{
    SL_AUTO(sl_memo) struct sl_memo *memo = new_memo();
    struct sample first, second;
    make(&first, 0x7f0000100000);
    make(&second, 0x7f0000900000);
    sl_registers_set(&first.registers, SL_REG_RBP, first.view.sp + 64);
    const struct sl_read reads[] = {
        {.is_register = true, .known = true, .where = SL_REG_RBP, .value = first.view.sp + 64}};
    sl_memo_add(memo, &first.view, reads, 1, "frames");

    cr_assert_null(sl_memo_find(memo, &second.view), "rbp is not known");
    sl_registers_set(&second.registers, SL_REG_RBP, second.view.sp + 72);
    cr_assert_null(sl_memo_find(memo, &second.view), "another rbp");
    sl_registers_set(&second.registers, SL_REG_RBP, second.view.sp + 64);
    cr_assert(sl_memo_find(memo, &second.view));
}

SL_TEST(memo, a_word_beyond_the_end_of_the_stack_misses)
{
    struct sample first, second;
    SL_AUTO(sl_memo) struct sl_memo *memo = new_with(&first, &second);
    second.view.stack_end = second.view.sp + 7 * 8;
    second.view.copied = 7 * 8;
    cr_assert_null(sl_memo_find(memo, &second.view));
}

SL_TEST(memo, thousands_of_different_stacks_are_all_kept)
{
    enum { N = 5000 };
    static int results[N];
    SL_AUTO(sl_memo) struct sl_memo *memo = new_memo();
    struct sample sample;

    for (int i = 0; i < N; i++) {
        make(&sample, 0x7f0000100000);
        sample.words[7] = (uint64_t) i;
        plant(memo, &sample, &results[i]);
    }
    for (int i = 0; i < N; i++) {
        make(&sample, 0x7f0000900000);
        sample.words[7] = (uint64_t) i;
        cr_assert_eq(sl_memo_find(memo, &sample.view), &results[i]);
    }
}

/*
 * Random layouts of real memory: stacks with a library beside each, before or behind it, near or
 * far, and threads whose frames are chained by rbp.
 */
enum { N_PLACES = 3, DEPTH = 4, PLACE_PAGES = 16, PAGE = 4096 };

struct place {
    uint64_t *stack;
    const uint8_t *library;
};

struct chain {
    uint64_t sp, callers[DEPTH];
    struct sl_registers registers;
    struct sl_view view;
};

static void *map_at(const void *hint, int protection)
{
    void *memory = mmap((void *) (uintptr_t) hint, PLACE_PAGES * PAGE, protection,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    cr_assert(memory != MAP_FAILED);
    return memory;
}

static void unmap(const void *memory)
{
    cr_assert(munmap((void *) (uintptr_t) memory, PLACE_PAGES * PAGE) == 0);
}

/* All places alike, as far as the kernel follows a hint. */
static void lay_out(struct place *places, unsigned *seed)
{
    static const ptrdiff_t gaps[] = {0, 1, 4, 16, 100, 5000};
    ptrdiff_t gap = gaps[(size_t) rand_r(seed) % SL_COUNT_OF(gaps)] + PLACE_PAGES;
    ptrdiff_t distance = PAGE * (rand_r(seed) % 2 ? gap : -gap);

    for (size_t i = 0; i < N_PLACES; i++) {
        const size_t room = (size_t) 64 * 1024 * 1024; /* for both, and whatever is between */
        char *middle =
            (char *) mmap(NULL, room, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) + room / 2;
        cr_assert(munmap(middle - room / 2, room) == 0);
        places[i].stack = map_at(middle, PROT_READ | PROT_WRITE);
        places[i].library = map_at((char *) places[i].stack + distance, PROT_READ | PROT_EXEC);
    }
}

static struct sl_maps *read_own_maps(void)
{
    struct sl_error err = {0};
    struct sl_maps *maps = NULL;
    char *text = NULL;
    size_t size = 0;
    FILE *file = fopen("/proc/self/maps", "r");

    cr_assert(file && getdelim(&text, &size, '\0', file) > 0);
    (void) fclose(file);
    sl_assert_ok(sl_maps_parse(text, &maps, &err), &err);
    return maps;
}

/* Frames in the place's stack, each returning into the library of a place; few kinds of them. */
static void grow_chain(struct chain *chain, const struct place *places, size_t own,
                       const struct sl_maps *maps, unsigned *seed)
{
    uint64_t *word = places[own].stack + 8 * (1 + rand_r(seed) % 2);
    uint64_t offset = 256 * (uint64_t) (1 + rand_r(seed) % 2);

    memset(chain, 0, sizeof *chain);
    chain->sp = (uintptr_t) word;
    sl_registers_set(&chain->registers, SL_REG_RIP, PC);
    sl_registers_set(&chain->registers, SL_REG_RBP, (uintptr_t) (word + 2));
    for (size_t i = 0; i < DEPTH; i++) {
        size_t called_by = rand_r(seed) % 4 ? own : (size_t) rand_r(seed) % N_PLACES;
        uint64_t *frame = word + 2 + 4 * i;
        frame[0] = (uintptr_t) (frame + 4);
        frame[1] = (uintptr_t) places[called_by].library + offset;
        chain->callers[i] = frame[1];
    }
    chain->view = (struct sl_view){.registers = &chain->registers,
                                   .sp = chain->sp,
                                   .stack_end = sl_maps_find(maps, chain->sp)->end,
                                   .copy = (const uint8_t *) word,
                                   .copied = PLACE_PAGES * PAGE / 2};
}

/* What an unwind along the chain reads. */
static void plant_chain(struct sl_memo *memo, const struct chain *chain, const void *result)
{
    struct sl_read reads[2 * DEPTH] = {{.is_register = true,
                                        .known = true,
                                        .where = SL_REG_RBP,
                                        .value = chain->registers.value[SL_REG_RBP]}};
    for (size_t i = 0, n = 0; i < DEPTH; i++) {
        uint64_t frame = reads[n].value;
        const struct sl_read caller = {.known = true,
                                       .is_code = true,
                                       .where = (int64_t) (frame + 8 - chain->sp),
                                       .value = chain->callers[i]};
        reads[++n] = caller;
        if (i + 1 < DEPTH)
            reads[++n] = (struct sl_read){.known = true,
                                          .where = (int64_t) (frame - chain->sp),
                                          .value = *(const uint64_t *) (uintptr_t) frame};
    }
    sl_memo_add(memo, &chain->view, reads, 2 * DEPTH, result);
}

SL_TEST(memo, in_no_layout_of_stacks_and_libraries_has_a_thread_the_frames_of_another)
{
    enum { ROUNDS = 200, THREADS = 32 };
    static struct chain chains[THREADS];
    size_t n_found = 0, n_alike = 0;
    unsigned seed = 1;

    for (size_t round = 0; round < ROUNDS; round++) {
        SL_AUTO(sl_memo) struct sl_memo *memo = new_memo();
        struct place places[N_PLACES];
        lay_out(places, &seed);
        SL_AUTO(sl_maps) struct sl_maps *maps = read_own_maps();
        for (size_t i = 0; i < THREADS; i++) {
            size_t own = (size_t) rand_r(&seed) % N_PLACES;
            grow_chain(&chains[i], places, own, maps, &seed);
            const struct chain *found = sl_memo_find(memo, &chains[i].view);
            cr_assert(!found ||
                          memcmp(found->callers, chains[i].callers, sizeof chains[i].callers) == 0,
                      "round %zu: frames of a stranger", round);
            n_found += found != NULL;
            for (size_t k = 0; k < i; k++)
                n_alike +=
                    chains[k].callers[0] - chains[k].sp == chains[i].callers[0] - chains[i].sp &&
                    chains[k].callers[0] != chains[i].callers[0];
            if (!found)
                plant_chain(memo, &chains[i], &chains[i]);
        }
        for (size_t i = 0; i < N_PLACES; i++) {
            unmap(places[i].stack);
            unmap(places[i].library);
        }
    }
    cr_assert_gt(n_found, ROUNDS, "equal stacks were not found again");
    cr_assert_gt(n_alike, ROUNDS, "no two stacks were to be confused");
}
