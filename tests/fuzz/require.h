/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FUZZ_REQUIRE_H
#define FUZZ_REQUIRE_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

/* What does not hold ends the program, which is what a fuzzer looks for. */
static inline void require(bool holds, const char *what)
{
    if (holds)
        return;
    (void) fprintf(stderr, "does not hold: %s\n", what);
    abort();
}

#endif
