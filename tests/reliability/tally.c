/* SPDX-License-Identifier: Apache-2.0 */
#include "tally.h"

#include <stddef.h>
#include <sys/mman.h>

enum { TRIED = 1, ACCEPTED = 2, REJECTED = 4, UNKNOWN = 8, ENTERED = 16, HANDLED = 32 };

struct tally *tally_new(void)
{
    struct tally *tally =
        mmap(NULL, sizeof *tally, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return tally == MAP_FAILED ? NULL : tally;
}

void tally_free(struct tally *tally)
{
    (void) munmap(tally, sizeof *tally);
}

uint32_t tally_try(struct tally *tally, uint32_t key)
{
    uint32_t number = atomic_load(&tally->next[key]) + 1;

    if (number >= TALLY_MESSAGES)
        return 0;
    atomic_fetch_or(&tally->flags[key][number], TRIED);
    atomic_store(&tally->next[key], number);
    return number;
}

void tally_answer(struct tally *tally, uint32_t key, uint32_t number,
                  enum sl_publish_outcome outcome)
{
    static const unsigned char flags[] = {[SL_PUBLISH_ACCEPTED] = ACCEPTED,
                                          [SL_PUBLISH_REJECTED] = REJECTED,
                                          [SL_PUBLISH_UNKNOWN] = UNKNOWN};

    atomic_fetch_or(&tally->flags[key][number], flags[outcome]);
}

void tally_enter(struct tally *tally, uint32_t key, uint32_t number)
{
    unsigned before = atomic_fetch_or(&tally->flags[key][number], ENTERED);
    uint32_t highest = atomic_load(&tally->highest[key]);

    if (!(before & TRIED))
        atomic_fetch_add(&tally->foreign, 1);
    if (atomic_fetch_add(&tally->inside[key], 1) > 0)
        atomic_fetch_add(&tally->overlaps, 1);
    if (!(before & ENTERED) && number < highest)
        atomic_fetch_add(&tally->violations, 1);
    if (before & HANDLED) {
        bool within = atomic_load(&tally->handler[key][number]) ==
                      (unsigned char) atomic_load(&tally->generation);
        atomic_fetch_add(within ? &tally->repeated_within : &tally->repeated_over, 1);
    }
    while (highest < number &&
           !atomic_compare_exchange_weak(&tally->highest[key], &highest, number))
        ;
}

void tally_leave(struct tally *tally, uint32_t key, uint32_t number)
{
    atomic_store(&tally->handler[key][number], (unsigned char) atomic_load(&tally->generation));
    atomic_fetch_or(&tally->flags[key][number], HANDLED);
    atomic_fetch_sub(&tally->inside[key], 1);
}

void tally_begin_consumer(struct tally *tally)
{
    for (uint32_t key = 0; key < TALLY_KEYS; key++)
        atomic_store(&tally->inside[key], 0);
    atomic_fetch_add(&tally->generation, 1);
}

void tally_count(const struct tally *tally, struct tally_counts *ret_counts)
{
    struct tally_counts counts = {0};

    for (uint32_t key = 0; key < TALLY_KEYS; key++) {
        uint32_t last = atomic_load(&tally->next[key]);
        for (uint32_t number = 1; number <= last; number++) {
            unsigned flags = atomic_load(&tally->flags[key][number]);
            counts.tried += (flags & TRIED) != 0;
            counts.accepted += (flags & ACCEPTED) != 0;
            counts.rejected += (flags & REJECTED) != 0;
            counts.unknown += (flags & UNKNOWN) != 0;
            counts.open += !(flags & (ACCEPTED | REJECTED | UNKNOWN));
            counts.handled += (flags & HANDLED) != 0;
            counts.lost += (flags & ACCEPTED) && !(flags & HANDLED);
        }
    }
    *ret_counts = counts;
}
