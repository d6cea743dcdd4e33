/* SPDX-License-Identifier: Apache-2.0 */
/* Lines and grids on terminals that are too narrow for them. */
#include "sl_test.h"

#include <stdio.h>
#include <string.h>

#include "reports/format.h"
#include "reports/print/grid.h"
#include "reports/print/wrap.h"

static char *wrapped(unsigned width, size_t indent, const char *text)
{
    char *lines = NULL;
    size_t size = 0;
    const struct sl_page page = {.out = open_memstream(&lines, &size), .width = width};
    sl_wrap_print(&page, SL_STYLE_NONE, indent, text);
    (void) fclose(page.out);
    return lines;
}

SL_TEST(wrap, a_line_that_is_too_wide_goes_on_between_words)
{
    SL_AUTO_FREE char *lines = wrapped(12, 2, "  one two three four");
    cr_assert_str_eq(lines, "  one two\n    three\n    four\n");
}

SL_TEST(wrap, a_line_that_fits_exactly_is_left_alone)
{
    SL_AUTO_FREE char *lines = wrapped(9, 2, "  one two");
    cr_assert_str_eq(lines, "  one two\n");
}

SL_TEST(wrap, a_word_that_is_wider_than_the_terminal_stays_whole)
{
    SL_AUTO_FREE char *lines = wrapped(6, 2, "a incident/keyed/memory b");
    cr_assert_str_eq(lines, "a\n  incident/keyed/memory\n  b\n");
}

SL_TEST(wrap, columns_are_characters_and_not_bytes)
{
    SL_AUTO_FREE char *lines = wrapped(9, 0, "caf\xc3\xa9 caf\xc3\xa9");
    cr_assert_str_eq(lines, "caf\xc3\xa9 caf\xc3\xa9\n");
}

SL_TEST(wrap, without_a_terminal_a_line_stays_a_line)
{
    SL_AUTO_FREE char *lines = wrapped(0, 2,
                                       "a line of more than a hundred columns stays what it "
                                       "is in a file, where somebody may search for a part "
                                       "of it");
    cr_assert_eq(strcspn(lines, "\n") + 1, strlen(lines));
}

/* Two rows of four columns, of which the last heading has two lines and a text, too. */
static char *grid(unsigned width)
{
    static const char *const texts[3][4] = {
        {"", "mode", "faults", "peak\nthreads"},
        {"as it was", "keyed", "pool-not-stopped\norphan-fetcher", "5128"},
        {"fix 1: unified pool only", "unified", "-", "72"},
    };
    SL_AUTO(sl_arena) struct sl_arena *arena = sl_arena_new();
    struct sl_grid grid;
    char *lines = NULL;
    size_t size = 0;

    cr_assert(sl_grid_init(&grid, arena, 3, 4));
    for (size_t row = 0; row < 3; row++)
        for (size_t column = 0; column < 4; column++)
            sl_grid_set(&grid, row, column, texts[row][column], SL_STYLE_NONE);
    const struct sl_page page = {.out = open_memstream(&lines, &size), .width = width};
    sl_grid_print(&grid, &page);
    (void) fclose(page.out);
    return lines;
}

SL_TEST(wrap, a_grid_that_fits_in_neither_form_is_printed_row_by_row)
{
    SL_AUTO_FREE char *lines = grid(32);
    cr_assert_str_eq(lines, "  as it was\n"
                            "    mode          keyed\n"
                            "    faults        pool-not-stopped\n"
                            "                  orphan-fetcher\n"
                            "    peak threads  5128\n"
                            "  fix 1: unified pool only\n"
                            "    mode          unified\n"
                            "    faults        -\n"
                            "    peak threads  72\n");
}

SL_TEST(wrap, no_line_of_a_grid_is_wider_than_the_terminal)
{
    for (unsigned width = 36; width <= 120; width++) {
        SL_AUTO_FREE char *lines = grid(width);
        for (char *line = strtok(lines, "\n"); line; line = strtok(NULL, "\n"))
            cr_assert_leq(sl_utf8_columns(line), width, "at %u: %s", width, line);
    }
}
