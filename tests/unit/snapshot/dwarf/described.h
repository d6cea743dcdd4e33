/* SPDX-License-Identifier: Apache-2.0 */
/* Code whose debug information is written by hand (described.S): what compilers seldom write. */
#ifndef DESCRIBED_H
#define DESCRIBED_H

#include <stdint.h>

enum described {
    DESCRIBED_NESTED,    /* a function in a name space */
    DESCRIBED_NAMELESS,  /* one without a name */
    DESCRIBED_DEEP,      /* one with as many inlined in each other as can be known */
    DESCRIBED_ASSEMBLED, /* an assembler's, of which lines alone are known: DESCRIBED_LINE */
    DESCRIBED_SPLIT,     /* two units whose functions are in other files */
    DESCRIBED_SPLIT_TOO,
    DESCRIBED_FRAMED /* in no debug information; .debug_frame, and nothing else, unwinds it */
};

#define DESCRIBED_LINE 77

extern const uintptr_t described[]; /* where each is */

#endif
