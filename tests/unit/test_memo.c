/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The memory of unwinds, with made-up stacks.  `reader` is never used: every word is in
 * the copy.
 */
#include "sl_test.h"

#include <string.h>

#include "harness/snapshot/memo.h"

#define WORDS 16
#define PC    UINT64_C(0x401000)

struct sample {
    struct sl_registers registers;
    uint64_t words[WORDS];
    struct sl_view view;
};

/* A stack at `sp` whose word i is 0x500000 + i. */
static void make(struct sample *sample, uint64_t sp)
{
    memset(sample, 0, sizeof *sample);
    sl_registers_set(&sample->registers, SL_REG_RIP, PC);
    sl_registers_set(&sample->registers, SL_REG_RSP, sp);
    for (size_t i = 0; i < WORDS; i++)
        sample->words[i] = 0x500000 + i;
    sample->view = (struct sl_view){.registers = &sample->registers,
                                    .sp = sp,
                                    .stack_end = sp + sizeof sample->words,
                                    .copy = (const uint8_t *) sample->words,
                                    .copied = sizeof sample->words};
}

static struct sl_read word_read(const struct sample *sample, size_t word)
{
    return sl_read_classify(&sample->view, false, (int64_t) (8 * word), sample->words[word], true);
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
    sl_memo_add(memo, PC, reads, 2, result);
}

SL_TEST(memo, an_equal_stack_elsewhere_in_memory_hits)
{
    SL_AUTO(sl_memo) struct sl_memo *memo = new_memo();
    struct sample first, second;
    make(&first, 0x7f0000100000);
    make(&second, 0x7f0000900000);
    plant(memo, &first, "frames");
    cr_assert_str_eq(sl_memo_find(memo, &second.view), "frames");
}

SL_TEST(memo, a_stack_that_differs_in_one_word_that_was_read_misses)
{
    SL_AUTO(sl_memo) struct sl_memo *memo = new_memo();
    struct sample first, second;
    make(&first, 0x7f0000100000);
    plant(memo, &first, "frames");
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
    SL_AUTO(sl_memo) struct sl_memo *memo = new_memo();
    struct sample first, second;
    make(&first, 0x7f0000100000);
    make(&second, 0x7f0000900000);
    plant(memo, &first, "frames");
    sl_registers_set(&second.registers, SL_REG_RIP, PC + 1);
    cr_assert_null(sl_memo_find(memo, &second.view));
}

SL_TEST(memo, pointers_into_the_stack_are_compared_as_offsets)
{
    SL_AUTO(sl_memo) struct sl_memo *memo = new_memo();
    struct sample first, second;
    make(&first, 0x7f0000100000);
    make(&second, 0x7f0000900000);
    first.words[3] = first.view.sp + 40;
    plant(memo, &first, "frames");

    second.words[3] = second.view.sp + 40;
    cr_assert(sl_memo_find(memo, &second.view));
    second.words[3] = second.view.sp + 48;
    cr_assert_null(sl_memo_find(memo, &second.view), "another frame");
    second.words[3] = first.view.sp + 40;
    cr_assert_null(sl_memo_find(memo, &second.view), "a pointer into the other thread's stack");
}

SL_TEST(memo, an_absolute_value_that_points_into_the_other_stack_misses)
{
    SL_AUTO(sl_memo) struct sl_memo *memo = new_memo();
    struct sample first, second;
    make(&first, 0x7f0000100000);
    make(&second, 0x7f0000900000);
    first.words[3] = second.words[3] = second.view.sp + 8;
    plant(memo, &first, "frames");
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
        sl_read_classify(&first.view, true, SL_REG_RBP, first.view.sp + 64, true)};
    sl_memo_add(memo, PC, reads, 1, "frames");

    cr_assert_null(sl_memo_find(memo, &second.view), "rbp is not known");
    sl_registers_set(&second.registers, SL_REG_RBP, second.view.sp + 72);
    cr_assert_null(sl_memo_find(memo, &second.view), "another rbp");
    sl_registers_set(&second.registers, SL_REG_RBP, second.view.sp + 64);
    cr_assert(sl_memo_find(memo, &second.view));
}

SL_TEST(memo, a_word_beyond_the_end_of_the_stack_misses)
{
    SL_AUTO(sl_memo) struct sl_memo *memo = new_memo();
    struct sample first, second;
    make(&first, 0x7f0000100000);
    make(&second, 0x7f0000900000);
    plant(memo, &first, "frames");
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
