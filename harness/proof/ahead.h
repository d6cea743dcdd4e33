/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory around what is marked, read before it is asked for: where blocks lead from one to the
 * next, each is only known when the one before was read, and mostly lies beside it.
 *
 * What is kept may be used as long as no thread of the process runs, as all that is marked.
 */
#ifndef SL_PROOF_AHEAD_H
#define SL_PROOF_AHEAD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/macros.h"
#include "harness/proof/resident.h"
#include "harness/snapshot/target/reader.h"

#define AHEAD_WINDOW  ((uint64_t) 128 * 1024)
#define AHEAD_WINDOWS 64
#define AHEAD_MAX     ((uint64_t) 4096 + 64) /* bytes that may be asked for */

struct ahead {
    struct sl_reader *reader;        /* borrowed, */
    const struct resident *resident; /* this too */
    struct ahead_window {
        uint64_t start, end; /* that it has, of one aligned window; both 0: nothing */
    } windows[AHEAD_WINDOWS];
    unsigned char *bytes; /* of all windows; NULL: nothing is kept */
};

bool ahead_open(struct ahead *ahead, struct sl_reader *reader, const struct resident *resident);
void ahead_close(struct ahead *ahead);

/*
 * @param alone  read it although nothing beside it was asked for
 * @return the bytes, until the next call; NULL: they are not there, may not all be read, or are
 *         too many
 */
const unsigned char *ahead_find(struct ahead *ahead, uint64_t start, uint64_t end, bool alone);

#endif
