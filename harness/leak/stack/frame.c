/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/leak/stack/frame.h"

#include "harness/leak/stack/names.h"
#include "harness/leak/stack/plumbing.h"
#include "harness/leak/stack/runtime.h"

/* Kinds of frames, the better the earlier, by how much they tell of what a thread is for. */
enum telling {
    TELLS_FUNCTION, /* the program's own */
    TELLS_INLINED,  /* mostly a helper that many waits share */
    TELLS_PLACE,    /* the program's own, without a name */
    TELLS_PLUMBING, /* waits or calls on behalf of others */
    TELLS_NOTHING
};

static enum telling judge(const struct sl_frame *frame, bool is_static)
{
    if (runtime_is_native(frame, is_static))
        return TELLS_NOTHING;
    if (plumbing_has(frame))
        return frame->function && !frame->inlined ? TELLS_PLUMBING : TELLS_NOTHING;
    if (!frame->function)
        return TELLS_PLACE;
    return frame->inlined ? TELLS_INLINED : TELLS_FUNCTION;
}

const struct sl_frame *frame_telling(const struct sl_stack *stack)
{
    if (!stack || !stack->n_frames)
        return NULL;
    const struct sl_frame *best = &stack->frames[runtime_entry(stack)];
    enum telling telling = TELLS_NOTHING;
    bool is_static = runtime_is_static(stack);

    for (size_t i = 0; i < stack->n_frames && telling; i++) {
        enum telling this = judge(&stack->frames[i], is_static);
        if (this < telling) {
            telling = this;
            best = &stack->frames[i];
        }
    }
    return best;
}

const char *sl_leak_headline(struct sl_arena *arena, const struct sl_stack *stack)
{
    char buffer[SL_FRAME_TEXT_MAX];
    const struct sl_frame *frame = frame_telling(stack);

    if (!frame)
        return "(no stack)";
    if (!frame->function && !frame->offset) { /* a foreign dump did not tell */
        const char *module = sl_path_base(frame->module);
        return sl_arena_printf(arena, "(no symbol in %s)", *module ? module : "anonymous memory");
    }
    if (!frame->function)
        return sl_arena_strdup(arena, sl_frame_text(frame, buffer));
    struct stack_name function = names_function(frame->function);
    return sl_arena_printf(arena, "%.*s", (int) function.size, function.text);
}
