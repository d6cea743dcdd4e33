/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads in every state in which threads stay, or only seem to, planted on purpose: what is known
 * to be there has to be found, and called by its name.
 */
#ifndef SL_PLANT_H
#define SL_PLANT_H

#include <stdint.h>

#include "harness/model/proof.h"

/* What is to be found after Close. */
struct sl_plant {
    const char *name;          /* of the state; NULL ends the list */
    const char *function;      /* on the stacks of the threads that stay; NULL: none does */
    const char *cause;         /* as a report says it */
    uint32_t count;            /* threads of this function that stay */
    uint32_t others;           /* that stay besides, because these need them */
    uint32_t late;             /* threads that end after Close */
    enum sl_proof_grade proof; /* what can be proved of them; NONE: it does not matter */
    int (*make)(void);
};

const struct sl_plant *sl_plants(void);

/* NULL: there is none of this name. */
const struct sl_plant *sl_plant_find(const char *name);

/*
 * Make its threads, and one that sl_plant_close() ends and joins, as a bus would: what stays has to
 * be told from it.
 *
 * @return 0, or an error number of pthread_create
 */
int sl_plant_open(const struct sl_plant *plant);

/* Those that are to end after Close do so soon.  Nothing when no plant is open. */
void sl_plant_close(void);

#endif
