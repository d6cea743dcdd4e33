/* SPDX-License-Identifier: Apache-2.0 */
/* What the table of functions of a Go program says of an address; each looked up once. */
#ifndef SL_GOROUTINE_LIVE_FUNCTIONS_H
#define SL_GOROUTINE_LIVE_FUNCTIONS_H

#include "harness/goroutine/dump/intern.h"
#include "harness/goroutine/live/image.h"

/* What matters of a frame beside what is shown. */
enum place_trait {
    PLACE_WRAPPER = 1, /* made by the compiler: hidden, unless a panic comes of it */
    PLACE_PANICS = 2
};

/* An address, with the calls that were inlined there. */
struct live_place {
    uint64_t pc;
    bool exact;              /* the instruction itself, not the one behind a call */
    bool known;              /* in a function of the program; else only the address is of use */
    bool end;                /* nothing called it: a stack that reaches it is complete */
    bool faulted;            /* it was not called, but began at a fault of what is outside of it */
    bool lost;               /* the function may have moved to another stack */
    int64_t size;            /* of the frame at pc, without the return address; -1: not known */
    const char *name;        /* of the function that has the code */
    struct sl_frame *frames; /* innermost first */
    uint8_t *traits;         /* of each */
    size_t n_frames;
};

struct live_functions {
    struct sl_reader *reader;
    const struct live_image *image;
    struct sl_arena *arena;
    struct intern *intern;
    struct sl_budget *budget;
    uint8_t wrapper; /* id of functions that the compiler made */
    struct intern_table places;
};

/* @return NULL when memory, or what the look may take, is short */
const struct live_place *functions_find(struct live_functions *functions, uint64_t pc, bool exact);

/* Name of the function that begins in front of the address; NULL: none. */
const char *functions_name(struct live_functions *functions, uint64_t pc);

/* A function of the runtime. */
struct live_function {
    struct live_span code;
    uint8_t id; /* 0: as most */
};

/* @return false when the program has none of this name */
bool functions_find_named(struct live_functions *functions, const char *name,
                          struct live_function *ret_function);

void functions_release(struct live_functions *functions);

#endif
