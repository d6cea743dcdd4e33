/* SPDX-License-Identifier: Apache-2.0 */
#include "reports/print/frames.h"

#include <inttypes.h>

#include "base/macros.h"
#include "base/short_name.h"
#include "base/utf8.h"

#define MAX_PADDED 48 /* columns; a wider function moves the place on its own line only */

/* @return its columns */
static size_t print_function(const struct sl_frame *frame, FILE *out)
{
    char buffer[SL_FRAME_TEXT_MAX], fitting[SL_SHORT_NAME_MAX];
    return sl_utf8_print(sl_short_name(sl_frame_text(frame, buffer), fitting), out);
}

/* "bus/engine/pool.c:88", else the file name of the module. */
static void print_place(const struct sl_frame *frame, FILE *out)
{
    (void) sl_utf8_print(frame->file ? frame->file : sl_path_base(frame->module), out);
    if (frame->file && frame->line)
        (void) fprintf(out, ":%" PRIu32, frame->line);
}

void sl_frames_print(const struct sl_frame *frames, size_t n_frames, size_t max, int indent,
                     FILE *out)
{
    size_t n = SL_MIN(n_frames, max), width = 0;

    for (size_t i = 0; i < n; i++) {
        size_t columns = print_function(&frames[i], NULL);
        if (columns <= MAX_PADDED)
            width = SL_MAX(width, columns);
    }
    for (size_t i = 0; i < n; i++) {
        (void) fprintf(out, "%*s", indent, "");
        size_t columns = print_function(&frames[i], out);
        (void) fprintf(out, "%*s", (int) (SL_MAX(width, columns) - columns + 2), "");
        print_place(&frames[i], out);
        (void) fputs(frames[i].inlined             ? " (inlined)\n"
                     : frames[i].by_frame_pointers ? " (by frame pointer)\n"
                                                   : "\n",
                     out);
    }
    if (n_frames > n)
        (void) fprintf(out, "%*s... %zu more frames\n", indent, "", n_frames - n);
}
