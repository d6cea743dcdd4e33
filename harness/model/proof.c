/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/model/proof.h"

#include "base/macros.h"

const char *sl_proof_grade_text(enum sl_proof_grade grade)
{
    static const char *const texts[] = {
#define X(name, text) [SL_PROOF_##name] = (text),
        SL_PROOF_GRADE_MAP(X)
#undef X
    };
    return grade < SL_COUNT_OF(texts) ? texts[grade] : "none";
}

const char *const sl_proof_assumptions[] = {
    ("pointers stand in memory and registers as addresses, at multiples of 8 bytes, with at most "
     "the highest 16 and the lowest 4 bits changed, into a block or right behind it: none is kept "
     "XORed, compressed to 32 bits, in a file, a pipe, a socket, a message or another process, in "
     "memory that the process itself may not read, or where only the kernel has it and gives it "
     "back (sigaltstack, eventfd)"),
    "who unlocks a mutex of pthreads is the thread that locked it",
    ("no thread is woken by a signal, by a debugger, or by a function that was found by name at "
     "run time (dlsym) to cancel it"),
    "signals that tell of faults, SIGSEGV and its like, are sent by nobody",
    "freed memory is not used any more",
};
const size_t sl_proof_n_assumptions = SL_COUNT_OF(sl_proof_assumptions);
