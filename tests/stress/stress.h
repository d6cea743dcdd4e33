/* SPDX-License-Identifier: Apache-2.0 */
/* Checks of stress programs, which run under ThreadSanitizer where Criterion can not. */
#ifndef SL_STRESS_H
#define SL_STRESS_H

#include <stdio.h>
#include <stdlib.h>

#define EXPECT(condition)                                                                          \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            (void) fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);         \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

#endif
