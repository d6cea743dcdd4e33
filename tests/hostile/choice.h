/* SPDX-License-Identifier: Apache-2.0 */
/* Choices that follow from a seed: the same seed makes the same target. */
#ifndef HOSTILE_CHOICE_H
#define HOSTILE_CHOICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct choice {
    uint64_t state;
};

/* splitmix64 */
static inline uint64_t choose(struct choice *choice)
{
    uint64_t z = choice->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* 0 to n - 1 */
static inline uint64_t choose_below(struct choice *choice, uint64_t n)
{
    return choose(choice) % n;
}

static inline bool one_in(struct choice *choice, uint64_t n)
{
    return choose_below(choice, n) == 0;
}

/* 1 to most, small ones as often as large ones. */
static inline uint64_t choose_size(struct choice *choice, uint64_t most)
{
    uint64_t limit = most;
    while (limit > 1 && choose_below(choice, 3))
        limit = (limit + 3) / 4;
    return 1 + choose_below(choice, limit);
}

/* A number at which readers of numbers go wrong; `near` is one that would be right. */
static inline uint64_t choose_evil(struct choice *choice, uint64_t near)
{
    switch (choose_below(choice, 12)) {
    case 0:
        return 0;
    case 1:
        return UINT64_MAX - choose_below(choice, 16);
    case 2:
        return UINT64_C(1) << choose_below(choice, 64);
    case 3:
        return (UINT64_C(1) << choose_below(choice, 64)) - 1;
    case 4:
        return near + 1;
    case 5:
        return near - 1;
    case 6:
        return near * 2;
    case 7:
        return near + (choose(choice) & 0xfff);
    case 8:
        return choose_below(choice, 256);
    case 9:
        return UINT64_C(0) - near;
    case 10:
        return choose(choice);
    default:
        return near ^ (UINT64_C(1) << choose_below(choice, 64));
    }
}

#endif
