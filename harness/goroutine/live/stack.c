/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "harness/goroutine/live/look.h"
#include "harness/goroutine/state.h"

#define DEFAULT_MAX_FRAMES 256
#define MAX_FRAMES         65536
#define WORD               sizeof(uint64_t)

/* A stack that was made, and of what. */
struct made {
    const struct sl_stack *stack;
    size_t n_places;
    const struct live_place *places[];
};

/* The words of a stack, of which the first were copied. */
struct words {
    struct sl_reader *reader;
    uint64_t start, end; /* of the stack in use */
    const uint8_t *copy;
    size_t copied;
    uint8_t window[LOOK_WINDOW];
    uint64_t window_start;
    size_t window_size;
};

static bool read_word(struct words *words, uint64_t address, uint64_t *ret_word)
{
    if (address < words->start || address > words->end - WORD)
        return false;
    if (address - words->start + WORD <= words->copied) {
        memcpy(ret_word, words->copy + (address - words->start), WORD);
        return true;
    }
    if (address < words->window_start ||
        address - words->window_start + WORD > words->window_size) {
        size_t size = (size_t) SL_MIN(words->end - address, (uint64_t) sizeof words->window);
        words->window_start = address;
        words->window_size = sl_reader_read(words->reader, address, words->window, size);
        if (words->window_size < WORD)
            return false;
    }
    memcpy(ret_word, words->window + (address - words->window_start), WORD);
    return true;
}

void live_registers(const struct live_look *look, const struct look_g *g, uint64_t *ret_sp,
                    uint64_t *ret_pc)
{
    const struct layout_g *layout = look->image.layout->g;

    *ret_sp = live_field(g, layout->syscallsp, WORD);
    *ret_pc = live_field(g, layout->syscallpc, WORD);
    if (*ret_sp)
        return;
    *ret_sp = live_field(g, layout->sp, WORD);
    *ret_pc = live_field(g, layout->pc, WORD);
}

/* A name without a dot is no function of Go's, but what calls of C come through. */
static bool is_hidden(const struct live_place *place, size_t i, uint8_t of_callee)
{
    const char *function = place->frames[i].function;

    return (place->traits[i] & PLACE_WRAPPER && !(of_callee & PLACE_PANICS)) ||
           (function && !strchr(function, '.') && strcmp(function, "panic") != 0) ||
           goroutine_is_end(function);
}

static const struct sl_stack *make_stack(struct live_look *look,
                                         const struct live_place *const *places, size_t n_places,
                                         const char *reason)
{
    size_t n = 0, n_all = 0;
    uint8_t of_callee = 0;

    for (size_t p = 0; p < n_places; p++)
        n_all += places[p]->n_frames;
    struct sl_frame *frames = sl_arena_array(look->scratch, n_all, sizeof *frames);
    if (!frames)
        return NULL;
    for (size_t p = 0; p < n_places; p++)
        for (size_t i = 0; i < places[p]->n_frames; i++) {
            if (!is_hidden(places[p], i, of_callee))
                frames[n++] = places[p]->frames[i];
            of_callee = places[p]->traits[i];
        }
    n = goroutine_keep_shown(frames, n);
    return intern_stack(&look->intern, frames, n, reason);
}

/* The stack of these places; those that are alike have one. */
static const struct sl_stack *find_stack(struct live_look *look,
                                         const struct live_place *const *places, size_t n_places,
                                         const char *reason)
{
    const size_t size = n_places * sizeof(const struct live_place *);
    const uint64_t hash = intern_hash(&look->intern, places, size) ^ (uintptr_t) reason;
    struct intern_slot *slot;

    if (!intern_reserve(&look->stacks))
        return NULL;
    for (size_t at = 0; (slot = intern_probe(&look->stacks, hash, &at))->item;) {
        const struct made *made = slot->item;
        if (made->n_places == n_places && made->stack->reason == reason &&
            memcmp(made->places, places, size) == 0)
            return made->stack;
    }
    if (!sl_budget_take(&look->budget, SL_BUDGET_FRAMES, n_places))
        return NULL;
    struct made *made = sl_arena_alloc(look->scratch, sizeof *made + size);
    if (!made)
        return NULL;
    made->stack = make_stack(look, places, n_places, reason);
    if (!made->stack)
        return NULL;
    made->n_places = n_places;
    memcpy(made->places, places, size);
    *slot = (struct intern_slot){hash, made};
    look->stacks.n++;
    return made->stack;
}

const struct sl_stack *
live_unwind(struct live_look *look, const struct look_g *g, const uint8_t *copy, size_t copied)
{
    const size_t max =
        look->opts.max_frames ? SL_MIN(look->opts.max_frames, MAX_FRAMES) : DEFAULT_MAX_FRAMES;
    const struct live_place **places = look->places;
    const char *reason = "it has more frames than are looked at";
    struct words words = {.reader = look->reader, .copy = copy, .copied = copied};
    uint64_t sp, pc;
    bool exact = false;
    size_t n = 0;

    live_registers(look, g, &sp, &pc);
    words.start = sp;
    words.end = live_stack_end(g);
    if (!pc) { /* a call of a function that is nil */
        if (!read_word(&words, sp, &pc))
            return NULL;
        sp += WORD;
    }
    while (n < max) {
        const struct live_place *place = functions_find(&look->functions, pc, exact);
        if (!place)
            return NULL;
        places[n++] = place;
        if (place->end) {
            reason = NULL;
            break;
        }
        reason = !place->known     ? "its code lies in no function of the program"
                 : place->size < 0 ? "of its function it is not known how large the frame is"
                                   : NULL;
        if (!reason && place->lost && n > 1)
            reason = "its function may have moved to another stack";
        if (reason)
            break;
        sp += (uint64_t) place->size;
        if (!read_word(&words, sp, &pc)) {
            reason = "its frames lead out of the stack";
            break;
        }
        sp += WORD;
        exact = place->faulted;
        reason = "it has more frames than are looked at";
    }
    return find_stack(look, places, n, reason);
}

const struct sl_stack *live_creator(struct live_look *look, uint64_t pc)
{
    const struct live_place *place = pc ? functions_find(&look->functions, pc, false) : NULL;

    if (!place || !place->known || !place->name ||
        !goroutine_is_shown(&place->frames[place->n_frames - 1], false))
        return NULL;
    /* The function that has the code, at the line of the call, be that one inlined. */
    struct sl_frame frame = place->frames[place->n_frames - 1];
    frame.file = place->frames[0].file;
    frame.line = place->frames[0].line;
    frame.inlined = false;
    return intern_stack(&look->intern, &frame, 1, goroutine_only_call);
}
