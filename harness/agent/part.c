/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/agent/part.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/fail.h"

/* A record that has begun is there soon. */
#define RECORD_NS (10 * SL_NS_PER_S)
#define EXIT_NS   (5 * SL_NS_PER_S)

void sl_part_init(struct sl_part *part)
{
    *part = (struct sl_part){.process = SL_PROCESS_NONE, .phase = -1};
}

void sl_part_end(struct sl_part *part)
{
    if (part->runs)
        sl_process_end(&part->process);
    free(part->config);
    free(part->record.data);
    sl_packer_release(&part->tally);
    sl_part_init(part);
}

/* The subject has ended: of what, and with which last words? */
static enum sl_status explain_end(struct sl_part *part, struct sl_error *err)
{
    char end[240];

    (void) sl_process_reap(&part->process, EXIT_NS);
    sl_process_describe_end(&part->process, end, sizeof end);
    return sl_fail(err, SL_EGONE, "the subject %s", end);
}

/* A record for the subject, which may have ended. */
static enum sl_status tell(struct sl_part *part, enum sl_record_type type, const void *data,
                           size_t size, struct sl_error *err)
{
    struct sl_error local = {0};
    enum sl_status status = sl_record_write(part->process.to_fd, type, data, size, &local);
    if (status == SL_EGONE)
        return explain_end(part, err);
    return status ? sl_fail(err, status, "%s", local.text) : SL_OK;
}

enum sl_status
sl_part_begin(struct sl_part *part, const struct sl_subject_config *config, struct sl_error *err)
{
    sl_part_end(part);
    part->config = malloc(sizeof *part->config);
    if (!part->config ||
        !sl_record_make_room(&part->record, sl_tally_size_max(config->load.events)))
        return sl_fail(err, SL_ENOMEM, "out of memory for a load of %u events",
                       config->load.events);
    *part->config = *config;
    enum sl_status status = sl_process_start("strandline: agent", false, &part->process, err);
    part->runs = !status;
    sl_dialogue_begin(&part->dialogue, config);
    return status ? status : tell(part, SL_RECORD_CONFIG, config, sizeof *config, err);
}

int sl_part_fd(const struct sl_part *part)
{
    return part->runs ? part->process.from_fd : -1;
}

static enum sl_status go(struct sl_part *part, struct sl_error *err)
{
    enum sl_status status = sl_dialogue_go(&part->dialogue, part->process.from_fd, err);

    part->phase = -1;
    return status ? status : tell(part, SL_RECORD_GO, NULL, 0, err);
}

/* After its last phase the subject exits, and what it told is final. */
static enum sl_status finish(struct sl_part *part, bool *ret_stage, struct sl_error *err)
{
    enum sl_status status = go(part, err);
    if (status)
        return status;
    if (!sl_process_reap(&part->process, EXIT_NS))
        return sl_fail(err, SL_ETIMEDOUT, "the subject did not exit after its last phase");
    sl_process_end(&part->process);
    part->runs = false;
    part->stage = SL_AGENT_CLOSED;
    *ret_stage = true;
    return SL_OK;
}

static enum sl_status at_phase(struct sl_part *part, bool *ret_stage, struct sl_error *err)
{
    switch (part->phase) {
    case SL_PHASE_OPEN:
        part->stage = SL_AGENT_OPENED;
        *ret_stage = true;
        return SL_OK;
    case SL_PHASE_LOADED:
        part->stage = SL_AGENT_LOADED;
        *ret_stage = true;
        return SL_OK;
    case SL_PHASE_TORN_DOWN:
        return finish(part, ret_stage, err);
    default: /* nobody looks at this subject */
        return go(part, err);
    }
}

static enum sl_status keep_tally(struct sl_part *part, struct sl_error *err)
{
    part->tally.size = 0;
    sl_pack_bytes(&part->tally, part->record.data, part->record.size);
    return part->tally.failed ? sl_fail(err, SL_ENOMEM, "out of memory for a tally of %zu bytes",
                                        part->record.size)
                              : SL_OK;
}

enum sl_status sl_part_step(struct sl_part *part, bool *ret_stage, struct sl_error *err)
{
    const struct sl_record *record = &part->record;
    struct sl_error local = {0};

    *ret_stage = false;
    enum sl_status status =
        sl_record_read(part->process.from_fd, sl_clock_now_ns() + RECORD_NS, &part->record, &local);
    if (status == SL_EGONE)
        return explain_end(part, err);
    if (status)
        return sl_fail(err, status, "%s", local.text);
    status = sl_dialogue_take(&part->dialogue, &part->record, err);
    if (status)
        return status;
    switch (record->type) {
    case SL_RECORD_TALLY:
        return keep_tally(part, err);
    case SL_RECORD_FAILURE: {
        const struct sl_failure_record *failure = record->data;
        /* After Close there is nothing left to measure here. */
        return failure->phase == SL_PHASE_TORN_DOWN
                   ? SL_OK
                   : sl_fail(err, failure->status, "%s", failure->text);
    }
    case SL_RECORD_PHASE:
        part->phase = part->dialogue.phase;
        return at_phase(part, ret_stage, err);
    default:
        return SL_OK;
    }
}

enum sl_status sl_part_tell(struct sl_part *part, enum sl_agent_command command, const void *data,
                            size_t size, struct sl_error *err)
{
    bool consumes = part->runs && part->config->share.part == SL_PART_CONSUME;

    if (part->runs && command == SL_AGENT_GO && part->phase == SL_PHASE_OPEN)
        return go(part, err);
    if (part->runs && command == SL_AGENT_CLOSE && part->phase == SL_PHASE_LOADED)
        return go(part, err);
    if (consumes && command == SL_AGENT_OUTCOMES && part->phase == -1 &&
        part->stage == SL_AGENT_OPENED)
        return tell(part, SL_RECORD_OUTCOMES, data, size, err);
    return sl_fail(err, SL_EPROTO, "the observer asked for something out of turn");
}
