/* SPDX-License-Identifier: Apache-2.0 */
/* Plain data: can anything that lives ever wake these threads?  Lives in a caller's arena. */
#ifndef SL_MODEL_PROOF_H
#define SL_MODEL_PROOF_H

#include <stddef.h>
#include <stdint.h>

#define SL_PROOF_GRADE_MAP(X)                                                                      \
    X(NONE, "none") /* nobody asked */                                                             \
    X(DEAD, "dead") /* nothing that lives reaches what it waits for */                             \
    X(UNLESS_CANCELLED, "dead-unless-cancelled") /* the same, but code can cancel or signal it */  \
    X(ALIVE, "alive")                                                                              \
    X(NOT_JUDGED, "not-judged")

enum sl_proof_grade {
#define X(name, text) SL_PROOF_##name,
    SL_PROOF_GRADE_MAP(X)
#undef X
};

/* A word that was read, and what it holds: a pointer into the memory that the next step is about.
 */
struct sl_proof_step {
    const char *what; /* "main's stack", "g_bus+0x18 (data of app)", "heap block of 96 bytes" */
    uint64_t at;      /* address of the word; of the last step: what they wait for.  0: no memory */
    uint64_t holds;   /* 0 in the last step */
};

/* Of a thread, or of a group: then dead when all of its threads are. */
struct sl_proof {
    enum sl_proof_grade grade;
    const struct sl_proof_step *path; /* of one that is alive, from a root to what it waits for */
    size_t n_path;
    const char *reason; /* why it is alive without a path, dead, or not judged; or NULL */
    uint32_t n_dead;    /* threads of the group that are, whatever its grade */
};

const char *sl_proof_grade_text(enum sl_proof_grade grade);

/* What all claims rest upon, in sentences. */
extern const char *const sl_proof_assumptions[];
extern const size_t sl_proof_n_assumptions;

#endif
