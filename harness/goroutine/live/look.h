/* SPDX-License-Identifier: Apache-2.0 */
/* One look at the goroutines of a process: the state of it, and its steps. */
#ifndef SL_GOROUTINE_LIVE_LOOK_H
#define SL_GOROUTINE_LIVE_LOOK_H

#include <strandline/snapshot.h>

#include "harness/goroutine/live/functions.h"
#include "harness/model/snapshot.h"
#include "harness/snapshot/target/ids.h"

#define LOOK_WINDOW 4096 /* bytes of a stack that are read at once */

/* A goroutine as it was read. */
struct look_g {
    uint64_t address;
    uint8_t bytes[LAYOUT_G_SIZE];
};

struct live_look {
    struct sl_snapshot_opts opts;
    struct sl_target target;
    struct sl_budget budget;
    bool refused; /* memory, which the budget did not have */
    struct sl_reader *reader;
    struct live_image image;
    struct sl_snapshot *snapshot;
    struct sl_arena *scratch;
    struct intern intern;
    struct live_functions functions;
    struct intern_table stacks;       /* that were made, by their places */
    const struct live_place **places; /* room for those of one stack */
    struct sl_ids ids;

    uint64_t *addresses; /* of every struct g */
    size_t n_addresses, n_left_out;
    struct sl_thread *threads;
    size_t n_threads, n_odd; /* with a stack that is none */
};

/* A number of these many bytes in a struct g. */
static inline uint64_t live_field(const struct look_g *g, uint16_t offset, size_t size)
{
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++)
        value |= (uint64_t) g->bytes[offset + i] << (8 * i);
    return value;
}

static inline uint32_t live_status(const struct live_look *look, const struct look_g *g)
{
    return (uint32_t) live_field(g, look->image.layout->g->status, 4) & ~LAYOUT_SCAN;
}

/* Where a goroutine that does not run goes on. */
void live_registers(const struct live_look *look, const struct look_g *g, uint64_t *ret_sp,
                    uint64_t *ret_pc);

/* Bounds of its stack. */
static inline uint64_t live_stack_low(const struct look_g *g)
{
    return live_field(g, 0, 8);
}
static inline uint64_t live_stack_end(const struct look_g *g)
{
    return live_field(g, 8, 8);
}

/*
 * The stack of a goroutine that does not run.
 *
 * @param copy  what was read of it, from its stack pointer on
 * @return NULL: memory is short, or what the look may take
 */
const struct sl_stack *
live_unwind(struct live_look *look, const struct look_g *g, const uint8_t *copy, size_t copied);

/* The call that started it; NULL: not known, or none. */
const struct sl_stack *live_creator(struct live_look *look, uint64_t pc);

/* Where all goroutines are: fills addresses. */
SL_CHECKED enum sl_status live_list(struct live_look *look, struct sl_error *err);

/* All of them into threads. */
SL_CHECKED enum sl_status live_read(struct live_look *look, struct sl_error *err);

#endif
