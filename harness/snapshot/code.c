/* SPDX-License-Identifier: Apache-2.0 */
/* What is known about the code of the target, and turning one copied stack into frames. */
#include "harness/snapshot/pass.h"

#include "base/fail.h"

#define MAX_MAPS_READS     4
#define DEFAULT_MAX_FRAMES 256

void sl_code_close(struct sl_code *code)
{
    sl_stacks_free(code->stacks);
    sl_symbolizer_free(code->symbolizer);
    sl_memo_free(code->memo);
    sl_unwinder_free(code->unwinder);
    sl_modules_free(code->modules);
    sl_reader_free(code->reader);
    sl_maps_free(code->maps);
    *code = (struct sl_code){0};
}

static enum sl_status
read_maps(struct sl_pass *pass, struct sl_maps **ret_maps, struct sl_error *err)
{
    char *text;
    size_t size;

    enum sl_status status = sl_target_read_all(&pass->target, "maps", &text, &size, err);
    if (status)
        return status;
    pass->maps_reads++;
    status = sl_maps_parse(text, ret_maps, err);
    sl_error_prefix(err, "process %ld", (long) pass->target.pid);
    return status;
}

enum sl_status sl_code_open(struct sl_pass *pass, struct sl_error *err)
{
    struct sl_code *code = &pass->code;
    struct sl_arena *arena = pass->snapshot->arena;
    uint32_t max_frames = pass->opts->max_frames ? pass->opts->max_frames : DEFAULT_MAX_FRAMES;
    enum sl_status status = read_maps(pass, &code->maps, err);

    if (!status)
        status = sl_reader_new(&pass->target, &code->reader, err);
    if (!status && pass->parted)
        (void) sl_reader_settle(code->reader);
    if (!status)
        status = sl_modules_new(&pass->target, code->reader, arena, &code->modules, err);
    if (!status)
        status = sl_unwinder_new(code->modules, max_frames, &code->unwinder, err);
    if (!status)
        status = sl_memo_new(&code->memo, err);
    if (!status)
        status = sl_symbolizer_new(code->modules, arena, !pass->opts->no_symbols, &code->symbolizer,
                                   err);
    if (!status)
        status = sl_stacks_new(code->symbolizer, arena, &code->stacks, err);
    return status;
}

/* The next mapping that holds code, from *at on; NULL when there is none. */
static const struct sl_mapping *next_code(const struct sl_maps *maps, size_t *at)
{
    while (*at < maps->n_mappings) {
        const struct sl_mapping *mapping = &maps->mappings[(*at)++];
        if (mapping->executable)
            return mapping;
    }
    return NULL;
}

static bool same_code(const struct sl_maps *old_maps, const struct sl_maps *new_maps)
{
    size_t old_at = 0, new_at = 0;
    for (;;) {
        const struct sl_mapping *a = next_code(old_maps, &old_at);
        const struct sl_mapping *b = next_code(new_maps, &new_at);
        if (!a || !b)
            return !a && !b;
        if (a->start != b->start || a->end != b->end || a->offset != b->offset ||
            a->inode != b->inode || a->major != b->major || a->minor != b->minor)
            return false;
    }
}

/* Something is not in the map: threads were made, or code was loaded, since it was read. */
static enum sl_status read_maps_again(struct sl_pass *pass, struct sl_error *err)
{
    struct sl_maps *maps;

    enum sl_status status = read_maps(pass, &maps, err);
    if (status)
        return status;
    if (same_code(pass->code.maps, maps)) {
        sl_maps_free(pass->code.maps);
        pass->code.maps = maps;
        return SL_OK;
    }
    /* Code came or went: everything learned about addresses may be about other code. */
    sl_maps_free(maps);
    status = sl_stacks_symbolize(pass->code.stacks, pass->code.maps, err);
    if (status)
        return status;
    sl_code_close(&pass->code);
    return sl_code_open(pass, err);
}

enum sl_status sl_code_find_stack(struct sl_pass *pass, uint64_t sp,
                                  const struct sl_mapping **ret_mapping, struct sl_error *err)
{
    const struct sl_mapping *mapping = sl_maps_find(pass->code.maps, sp);
    if (!mapping && pass->maps_reads < MAX_MAPS_READS) {
        enum sl_status status = read_maps_again(pass, err);
        if (status)
            return status;
        mapping = sl_maps_find(pass->code.maps, sp);
    }
    *ret_mapping = mapping;
    return SL_OK;
}

/* A result of the memo: frames, and how the unwind ended. */
struct remembered {
    const struct sl_stack *stack;
    enum sl_unwind_end end;
    uint64_t last_pc; /* the outermost */
};

/* @return NULL when memory is short */
static const struct remembered *unwind_anew(struct sl_pass *pass, struct sl_view *view)
{
    struct sl_code *code = &pass->code;
    struct sl_unwind unwind;

    sl_unwinder_run(code->unwinder, code->maps, view, &unwind);
    pass->snapshot->stats.unwound++;
    struct remembered *result = sl_arena_alloc(pass->snapshot->arena, sizeof *result);
    const struct sl_stack *stack =
        sl_stacks_get(code->stacks, unwind.pcs, unwind.n_pcs, unwind.end);
    if (!result || !stack)
        return NULL;
    *result = (struct remembered){
        .stack = stack, .end = unwind.end, .last_pc = unwind.pcs[unwind.n_pcs - 1].address};
    if (unwind.memorable)
        sl_memo_add(code->memo, view, unwind.reads, unwind.n_reads, result);
    return result;
}

static const struct remembered *unwind(struct sl_pass *pass, const struct sl_attempt *attempt)
{
    const struct sl_registers *registers = &attempt->sighting.registers;
    struct sl_view view = {.registers = registers,
                           .sp = registers->value[SL_REG_RSP],
                           .stack_end = attempt->stack_end,
                           .copy = attempt->copy,
                           .copied = attempt->copied,
                           .reader = pass->code.reader,
                           .window = pass->window};

    const struct remembered *result = sl_memo_find(pass->code.memo, &view);
    if (result)
        pass->snapshot->stats.memoised++;
    else
        result = unwind_anew(pass, &view);
    pass->deepest = SL_MAX(pass->deepest, view.deepest);
    return result;
}

enum sl_status
sl_attempt_unwind(struct sl_pass *pass, struct sl_attempt *attempt, struct sl_error *err)
{
    const struct remembered *result = unwind(pass, attempt);

    /* Code that was loaded after the map was read? */
    if (result && result->end == SL_UNWIND_NOT_CODE && pass->maps_reads < MAX_MAPS_READS &&
        !sl_maps_find(pass->code.maps, result->last_pc)) {
        enum sl_status status = read_maps_again(pass, err);
        if (status)
            return status;
        result = unwind(pass, attempt);
    }
    if (!result)
        return sl_fail(err, SL_ENOMEM, "stack of a thread");
    attempt->end = result->end;
    attempt->thread->stack = result->stack;
    return SL_OK;
}
