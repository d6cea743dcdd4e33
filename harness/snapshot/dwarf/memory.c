/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/snapshot/dwarf/memory.h"

#include <setjmp.h>

/* Of the thread's attempt; the handler is told nothing. */
static _Thread_local jmp_buf *way_out;

static __attribute__((noreturn)) void leave(void)
{
    longjmp(*way_out, 1); /* which there is: nothing else takes memory of libdw's */
}

void sl_dwarf_guard(Dwarf *dwarf)
{
    (void) dwarf_new_oom_handler(dwarf, leave);
}

bool sl_dwarf_attempt(void (*work)(void *context), void *context)
{
    jmp_buf here;
    bool was_left = setjmp(here);

    if (!was_left) {
        way_out = &here;
        work(context);
    }
    way_out = NULL;
    return !was_left;
}
