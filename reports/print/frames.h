/* SPDX-License-Identifier: Apache-2.0 */
/* Stacks for people. */
#ifndef SL_REPORTS_PRINT_FRAMES_H
#define SL_REPORTS_PRINT_FRAMES_H

#include <stdio.h>

#include "harness/model/snapshot.h"

/*
 * One line per frame, innermost first: function, and file with line, else the file name of the
 * module.
 *
 * @param max  frames printed; what is left out is counted in a line of its own
 */
void sl_frames_print(const struct sl_frame *frames, size_t n_frames, size_t max, int indent,
                     FILE *out);

#endif
