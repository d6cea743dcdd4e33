/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a source with mutants begins with: all of them are compiled, and the environment says which
 * one this process is to have.  Each object has these definitions; the linker keeps one.
 */
#ifndef SL_MUTANT_H
#define SL_MUTANT_H

#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define SL_MUTANTS_MAX 4096

__attribute__((weak, visibility("hidden"))) int sl_mutant_chosen;
/* A byte a mutant, shared by all processes of a test: whether anything came to its place. */
__attribute__((weak, visibility("hidden"))) unsigned char *sl_mutant_reached;

__attribute__((weak, visibility("hidden"), constructor(101))) void sl_mutant_choose(void);
void sl_mutant_choose(void)
{
    const char *chosen = getenv("STRANDLINE_MUTANT"), *reached = getenv("STRANDLINE_REACHED");

    if (chosen)
        sl_mutant_chosen = atoi(chosen);
    if (!reached || sl_mutant_reached)
        return;
    int fd = open(reached, O_RDWR | O_CLOEXEC);
    void *bytes = mmap(NULL, SL_MUTANTS_MAX, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (bytes != MAP_FAILED)
        sl_mutant_reached = (unsigned char *) bytes;
    if (fd >= 0)
        (void) close(fd);
}

static inline bool sl_mutant(int number)
{
    if (sl_mutant_reached)
        sl_mutant_reached[number] = 1;
    return sl_mutant_chosen == number;
}

#endif
