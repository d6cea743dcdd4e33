/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/snapshot/symbol/wire.h"

#include <string.h>

#include "base/macros.h"

/* Most bytes of the two texts. */
static bool has_sizes(const struct sl_wire_head *head, size_t first, size_t second)
{
    return head->sizes[0] < first && head->sizes[1] < second;
}

bool sl_wire_is_answer(const struct sl_wire_message *message, size_t size)
{
    const struct sl_wire_head *head = &message->head;
    bool known = false;

    if (size < sizeof *head)
        return false;
    switch (head->kind) {
    case SL_WIRE_NAMES:
        known = has_sizes(head, SL_MAX_NAME, 1) && head->n >= 1 && head->n <= SL_MAX_INLINED + 1;
        break;
    case SL_WIRE_FRAME:
        known = has_sizes(head, SL_MAX_NAME, SL_MAX_FILE);
        break;
    case SL_WIRE_WANT:
        known = has_sizes(head, SL_MAX_FILE, 1);
        break;
    case SL_WIRE_NO_MEMORY:
        known = has_sizes(head, 1, 1);
        break;
    default:
        break;
    }
    return known && size == sizeof *head + head->sizes[0] + head->sizes[1] &&
           !memchr(message->text, '\0', head->sizes[0] + head->sizes[1]);
}

/* @return false when memory is short; no text at all is NULL */
static bool take(struct sl_arena *arena, const char *text, size_t size, const char **ret_text)
{
    *ret_text = size ? sl_arena_printf(arena, "%.*s", (int) size, text) : NULL;
    return *ret_text || !size;
}

bool sl_wire_take_names(const struct sl_wire_message *message, struct sl_arena *arena,
                        struct sl_code_names *names)
{
    const struct sl_wire_head *head = &message->head;

    *names = (struct sl_code_names){.symbol_start = head->address,
                                    .symbol_unsized = head->flags & SL_WIRE_UNSIZED,
                                    .too_large = head->flags & SL_WIRE_TOO_LARGE};
    names->source.n = head->n;
    return take(arena, message->text, head->sizes[0], &names->symbol);
}

bool sl_wire_take_frame(const struct sl_wire_message *message, struct sl_arena *arena,
                        struct sl_source_frame *frame)
{
    const struct sl_wire_head *head = &message->head;

    *frame = (struct sl_source_frame){.place.line = head->n};
    return take(arena, message->text, head->sizes[0], &frame->function) &&
           take(arena, message->text + head->sizes[0], head->sizes[1], &frame->place.file);
}
