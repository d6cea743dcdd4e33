/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the seeds of fuzz_elf are made of (tests/fuzz/elf_seeds.sh): functions whose frames need
 * each kind of rule, and an inlined one.  Linked without a C library, so that the files are small.
 */
#define NOINLINE __attribute__((noinline))

volatile long sink;

static inline __attribute__((always_inline)) long square(long n)
{
    return n * n + sink;
}

/* Registers that are preserved, pushed. */
NOINLINE long many(long a, long b, long c, long d)
{
    long e = square(a), f = square(b), g = square(c), h = square(d);
    for (long i = 0; i < a; i++) {
        sink += e + f;
        e += g * i, f += h * i;
    }
    return e + f + g + h;
}

/* The frame is found through rbp only. */
NOINLINE long variable(long n)
{
    char room[n];
    for (long i = 0; i < n; i++)
        room[i] = (char) many(i, n, i, n);
    return room[n - 1];
}

/* The stack is aligned anew, which takes an expression. */
NOINLINE long aligned(long n)
{
    long room[16] __attribute__((aligned(64)));
    for (int i = 0; i < 16; i++)
        room[i] = variable(n + i);
    return room[n & 15];
}

void _start(void)
{
    /* Nothing called this: the return address is undefined. */
    __asm__ volatile(".cfi_undefined rip");
    sink = aligned(sink);
    for (;;)
        continue;
}
