/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the two sides of a sandbox that reads names say to each other.
 *
 * The observer asks, and answers only when it is asked for a file meanwhile.  It believes no
 * number of an answer: the sandbox may be in the hands of the file that it reads.
 *
 *   OPEN      files, by descriptor; the path of the module, and where it has code
 *   LOOK_UP   an address of the module opened last under this number  ->  NAMES, n times FRAME
 *   SPELL     a mangled name  ->  NAMES with the name as its symbol
 *   FILE      answers WANT: one descriptor, or none
 */
#ifndef SL_SNAPSHOT_SYMBOL_WIRE_H
#define SL_SNAPSHOT_SYMBOL_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "harness/snapshot/symbol/names.h"

enum sl_wire_kind {
    SL_WIRE_OPEN = 1,
    SL_WIRE_LOOK_UP,
    SL_WIRE_SPELL,
    SL_WIRE_FILE,
    SL_WIRE_NAMES,
    SL_WIRE_FRAME,
    SL_WIRE_WANT,
    SL_WIRE_NO_MEMORY, /* the sandbox ends */
};

#define SL_WIRE_MAX_CODE 256 /* ranges: an image has no more segments */

/* Begins each message; text follows, without zeros. */
struct sl_wire_head {
    uint32_t kind;
    uint32_t module;
    uint64_t address;  /* LOOK_UP; NAMES: where the symbol starts */
    uint32_t flags;    /* of the kind */
    uint32_t n;        /* OPEN: ranges of code, which come first; NAMES: frames; FRAME: the line */
    uint32_t sizes[2]; /* of the texts: path or name or symbol; FRAME: function and file */
};

enum {
    SL_WIRE_HAS_FILE = 1, /* OPEN: descriptors come in this order; FILE */
    SL_WIRE_HAS_DEBUG = 2,
    SL_WIRE_HAS_ALTERNATE = 4,
    SL_WIRE_SYMBOLS_ONLY = 8,
    SL_WIRE_UNSIZED = 1, /* NAMES */
    SL_WIRE_TOO_LARGE = 2,
};

/* The largest message. */
#define SL_WIRE_MAX (sizeof(struct sl_wire_head) + SL_MAX_NAME + SL_MAX_FILE)

struct sl_wire_message {
    struct sl_wire_head head;
    char text[SL_MAX_NAME + SL_MAX_FILE];
};

/* Is this one of the kinds that a sandbox sends, with sizes that add up? */
bool sl_wire_is_answer(const struct sl_wire_message *message, size_t size);

/*
 * Frame `i` of the names, or their symbol and what else NAMES has, from a message that is one.
 * @return false when memory is short
 */
bool sl_wire_take_names(const struct sl_wire_message *message, struct sl_arena *arena,
                        struct sl_code_names *names);
bool sl_wire_take_frame(const struct sl_wire_message *message, struct sl_arena *arena,
                        struct sl_source_frame *frame);

#endif
