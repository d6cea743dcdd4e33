/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/snapshot/attempt.h"

#include <errno.h>
#include <string.h>

void sl_attempt_record(struct sl_pass *pass, const struct sl_register_source *source,
                       struct sl_attempt *attempt)
{
    struct sl_thread *thread = attempt->thread;
    const struct sl_sighting *sighting = &attempt->sighting;

    *thread = (struct sl_thread){.id = thread->id,
                                 .count = 1,
                                 .start_time = sighting->stat.start_time,
                                 .state = sighting->stat.state,
                                 .wait = {.syscall_nr = -1},
                                 .switches = sighting->count.switches,
                                 .cpu_ns = sighting->count.cpu_ns
                                               ? sighting->count.cpu_ns
                                               : sighting->stat.cpu_ticks * pass->tick_ns};
    memcpy(thread->name, sighting->stat.name, sizeof thread->name);
    if (attempt->look == SL_LOOK_OK) {
        thread->source = source->id;
        if (source->stops) /* others look at many threads at once */
            pass->snapshot->stats.stopped++;
    }
}

void sl_attempt_look(struct sl_pass *pass, struct sl_source_context *context,
                     const struct sl_register_source *source, struct sl_attempt *attempt)
{
    attempt->sighting = (struct sl_sighting){0};
    attempt->copied = 0;
    attempt->wait_memory.size = 0;
    attempt->look = source->look(context, attempt->thread->id, &attempt->sighting);
    sl_attempt_record(pass, source, attempt);
}

void sl_attempt_identify(struct sl_pass *pass, struct sl_attempt *attempt)
{
    int error = sl_target_stat(&pass->target, (pid_t) attempt->thread->id, &attempt->sighting.stat);

    attempt->sighting.error = -error;
    if (!error && sl_stat_has_ended(&attempt->sighting.stat))
        attempt->look =
            (pid_t) attempt->thread->id == pass->target.pid ? SL_LOOK_ENDED : SL_LOOK_GONE;
    if (error == -ESRCH)
        attempt->look = SL_LOOK_GONE;
    sl_attempt_record(pass, pass->source, attempt);
}

enum sl_status sl_attempt_request(struct sl_pass *pass, struct sl_attempt *attempt, uint8_t *to,
                                  struct sl_copy *ret_copy, struct sl_error *err)
{
    uint64_t sp = attempt->sighting.registers.value[SL_REG_RSP];
    const struct sl_mapping *mapping;

    enum sl_status status = sl_code_find_stack(&pass->code, sp, &mapping, err);
    if (status)
        return status;
    attempt->stack_end = mapping ? mapping->end : sp; /* nothing to copy when it is not mapped */
    attempt->copy = to;
    *ret_copy = (struct sl_copy){
        .address = sp, .data = to, .size = SL_MIN(pass->copy_size, attempt->stack_end - sp)};
    return SL_OK;
}

enum sl_status
sl_attempt_unwind(struct sl_pass *pass, struct sl_attempt *attempt, struct sl_error *err)
{
    const struct sl_registers *registers = &attempt->sighting.registers;
    struct sl_view view = {.registers = registers,
                           .sp = registers->value[SL_REG_RSP],
                           .stack_end = attempt->stack_end,
                           .copy = attempt->copy,
                           .copied = attempt->copied,
                           .window = pass->window};

    enum sl_status status =
        sl_code_unwind(&pass->code, &view, &attempt->thread->stack, &attempt->end, err);
    pass->deepest = SL_MAX(pass->deepest, view.deepest);
    return status;
}
