/* SPDX-License-Identifier: Apache-2.0 */
#include "sl_test.h"

#include <stdio.h>

#include "base/macros.h"
#include "reports/print/frames.h"

SL_TEST(frames, a_wide_function_moves_the_place_on_its_own_line_only)
{
    static const struct sl_frame frames[] = {
        {.function = "wait", .file = "a.c", .line = 1},
        {.function = "app::a_name_that_is_wider_than_what_is_aligned::but_fits",
         .file = "b.c",
         .line = 2},
        {.function = "thread_main", .file = "c.c", .line = 3},
    };
    SL_AUTO_FREE char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    sl_frames_print(frames, SL_COUNT_OF(frames), SL_COUNT_OF(frames), 2, out);
    (void) fclose(out);
    cr_assert_str_eq(text, "  wait         a.c:1\n"
                           "  app::a_name_that_is_wider_than_what_is_aligned::but_fits  b.c:2\n"
                           "  thread_main  c.c:3\n");
}
