/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/leak/pattern.h"

#include <fnmatch.h>
#include <string.h>

#include "base/macros.h"
#include "harness/leak/stack/frame.h"
#include "harness/leak/stack/names.h"
#include "harness/leak/stack/runtime.h"

#define SPECIAL       "*?[\\"
#define NAME_MAX_SIZE 4096 /* longer names fit no glob but "*" */

/* A file name as it was when it was still there. */
static struct stack_name file_name(const char *path)
{
    static const char deleted[] = " (deleted)";
    const char *text = sl_path_base(path);
    size_t size = strlen(text), rest = sizeof deleted - 1;

    if (size > rest && strcmp(text + size - rest, deleted) == 0)
        size -= rest;
    return (struct stack_name){text, size};
}

static bool glob_fits(const char *glob, struct stack_name name)
{
    char text[NAME_MAX_SIZE];
    size_t plain = strcspn(glob, SPECIAL);

    /* Most names differ from most globs in what comes before the first wildcard. */
    if (name.size < plain || memcmp(glob, name.text, plain) != 0)
        return false;
    size_t rest = name.size - plain;
    if (rest >= sizeof text)
        return strcmp(glob + plain, "*") == 0;
    memcpy(text, name.text + plain, rest);
    text[rest] = '\0';
    return fnmatch(glob + plain, text, 0) == 0;
}

static bool text_fits(const char *glob, const char *text)
{
    return glob_fits(glob, (struct stack_name){text, strlen(text)});
}

static bool frame_fits(const char *glob, const struct sl_frame *frame)
{
    return frame && frame->function && glob_fits(glob, names_function(frame->function));
}

static const struct sl_frame *find_frame(const char *glob, const struct sl_stack *stack)
{
    for (size_t i = 0; stack && i < stack->n_frames; i++)
        if (frame_fits(glob, &stack->frames[i]))
            return &stack->frames[i];
    return NULL;
}

static bool any_frame_fits(const char *glob, const struct sl_stack *stack)
{
    return find_frame(glob, stack);
}

static const char *entry_module(const struct sl_stack *stack)
{
    bool whole = stack && stack->complete && stack->n_frames;
    return whole ? stack->frames[runtime_entry(stack)].module : NULL;
}

const char *pattern_module(const struct sl_stack *stack)
{
    const char *module = entry_module(stack);
    return module ? sl_path_base(module) : NULL;
}

/* To find the entry takes longer than to see that no frame lies there. */
static bool module_fits(const char *glob, const struct sl_stack *stack)
{
    size_t plain = strcspn(glob, SPECIAL);
    bool fits = false;

    for (size_t i = 0; stack && i < stack->n_frames && !fits; i++)
        fits = strncmp(sl_path_base(stack->frames[i].module), glob, plain) == 0;
    const char *module = fits ? entry_module(stack) : NULL;
    return module && glob_fits(glob, file_name(module));
}

bool pattern_fits_stack(const struct sl_pattern *pattern, const struct sl_stack *stack)
{
    return (!pattern->module || module_fits(pattern->module, stack)) &&
           (!pattern->top_function || frame_fits(pattern->top_function, frame_telling(stack))) &&
           (!pattern->any_function || any_frame_fits(pattern->any_function, stack));
}

const struct sl_frame *pattern_frame(const struct sl_pattern *pattern, const struct sl_stack *stack)
{
    return pattern->any_function ? find_frame(pattern->any_function, stack) : frame_telling(stack);
}

static bool wait_fits(const char *glob, const struct sl_thread *thread)
{
    return thread && (text_fits(glob, sl_wait_kind_text(thread->wait.kind)) ||
                      (thread->wait.socket && text_fits(glob, "socket")));
}

bool pattern_fits_thread(const struct sl_pattern *pattern, const struct sl_thread *thread,
                         const struct sl_thread *before)
{
    return (!pattern->thread_name || text_fits(pattern->thread_name, thread->name)) &&
           (!pattern->wait || wait_fits(pattern->wait, thread) ||
            wait_fits(pattern->wait, before)) &&
           (!pattern->creator || any_frame_fits(pattern->creator, thread->created_by));
}

bool pattern_fits(const struct sl_pattern *pattern, const struct sl_thread *thread,
                  const struct sl_thread *before)
{
    const struct sl_stack *stack = thread->stack;

    if (before && (!stack || !stack->complete))
        stack = before->stack;
    return pattern_fits_thread(pattern, thread, before) && pattern_fits_stack(pattern, stack);
}

bool pattern_fits_cause(const struct sl_pattern *pattern, const char *cause)
{
    return !pattern->cause || text_fits(pattern->cause, cause);
}

const char *pattern_of_text(struct sl_arena *arena, const char *text, size_t size, const char *rest)
{
    char *glob = sl_arena_alloc(arena, 2 * size + strlen(rest) + 1);
    size_t n = 0;

    for (size_t i = 0; glob && i < size; i++) {
        if (strchr(SPECIAL, text[i]))
            glob[n++] = '\\';
        glob[n++] = text[i];
    }
    if (glob)
        memcpy(glob + n, rest, strlen(rest) + 1);
    return glob;
}
