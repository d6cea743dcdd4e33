/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/run/trial_agents.h"

#include "base/fail.h"
#include "harness/run/trial_end.h"
#include "harness/run/trial_result.h"

static const struct sl_agents *agents_of(const struct trial *trial)
{
    return trial->agents_begun ? trial->input->agents : NULL;
}

enum sl_status
trial_agents_begin(struct trial *trial, struct sl_subject_config *config, struct sl_error *err)
{
    const struct sl_agents *agents = trial->input->agents;

    if (!agents)
        return SL_OK;
    /* The scenario's publishers are those of one machine; each key still belongs to one. */
    config->load.publishers *= agents->n_of[SL_PART_PUBLISH];
    config->share.part = SL_PART_CONSUME;
    config->share.of = agents->n_of[SL_PART_CONSUME] + 1;
    trial->agents_begun = true;
    return agents->begin(agents->user, config, err);
}

/* Wait until all agents of a part have reached a stage. */
static enum sl_status await_stage(struct trial *trial, enum sl_load_part part,
                                  enum sl_agent_stage stage, uint64_t limit_ns,
                                  struct sl_error *err)
{
    static const char *const texts[] = {[SL_AGENT_IDLE] = "stopped",
                                        [SL_AGENT_OPENED] = "opened its bus",
                                        [SL_AGENT_LOADED] = "finished its load",
                                        [SL_AGENT_CLOSED] = "closed its bus"};
    const struct sl_agents *agents = trial->input->agents;
    uint64_t deadline_ns = sl_clock_now_ns() + limit_ns + TRIAL_GRACE_NS;
    const char *name;

    while ((name = agents->lagging(agents->user, part, stage))) {
        struct sl_error local = {0};
        bool subject = false;
        enum sl_status status = trial_await(trial, deadline_ns, &subject, &local);
        if (status == SL_ETIMEDOUT)
            return sl_fail(err, SL_ECONNECT, "%s has not %s in time", name, texts[stage]);
        if (status)
            return sl_fail(err, status, "%s", local.text);
        if (subject) /* which waits for us: it has ended */
            return sl_fail(err, SL_EGONE, "the subject ended");
    }
    return SL_OK;
}

static enum sl_status tell(struct trial *trial, enum sl_load_part part,
                           enum sl_agent_command command, struct sl_error *err)
{
    const struct sl_agents *agents = trial->input->agents;
    return agents->tell(agents->user, part, command, NULL, 0, err);
}

enum sl_status trial_agents_open(struct trial *trial, struct sl_error *err)
{
    return agents_of(trial) ? tell(trial, SL_PART_CONSUME, SL_AGENT_OPEN, err) : SL_OK;
}

/* Publishers open last: their topics are then there, and are not made by several at once. */
enum sl_status trial_agents_go(struct trial *trial, struct sl_error *err)
{
    if (!agents_of(trial))
        return SL_OK;
    uint64_t limit_ns = trial->input->cell->scenario->load.timeout_ns;
    enum sl_status status = await_stage(trial, SL_PART_CONSUME, SL_AGENT_OPENED, limit_ns, err);
    if (!status)
        status = tell(trial, SL_PART_PUBLISH, SL_AGENT_OPEN, err);
    if (!status)
        status = await_stage(trial, SL_PART_PUBLISH, SL_AGENT_OPENED, limit_ns, err);
    if (!status)
        status = tell(trial, SL_PART_CONSUME, SL_AGENT_GO, err);
    return status ? status : tell(trial, SL_PART_PUBLISH, SL_AGENT_GO, err);
}

/* Tell every consumer what became of the messages that it may get. */
static enum sl_status send_outcomes(struct trial *trial, struct sl_error *err)
{
    const struct sl_agents *agents = trial->input->agents;
    uint32_t n_events = trial->input->cell->scenario->load.events;
    SL_AUTO(sl_tally) struct sl_tally *published = sl_tally_new(n_events);
    SL_CLEANUP(sl_packer_release) struct sl_packer packer = {0};

    if (!published)
        return sl_fail(err, SL_ENOMEM, "out of memory for a tally of %u events", n_events);
    enum sl_status status = agents->merge(agents->user, SL_PART_PUBLISH, published, err);
    if (status)
        return status;
    sl_tally_pack_states(published->states, n_events, SL_MESSAGE_TRIED | SL_MESSAGE_ANSWERED,
                         &packer);
    if (packer.failed)
        return sl_fail(err, SL_ENOMEM, "out of memory for the outcomes of %u events", n_events);
    status = agents->tell(agents->user, SL_PART_CONSUME, SL_AGENT_OUTCOMES, packer.data,
                          packer.size, err);
    return status ? status
                  : sl_record_write(trial->process.to_fd, SL_RECORD_OUTCOMES, packer.data,
                                    packer.size, err);
}

enum sl_status trial_agents_publish(struct trial *trial, struct sl_error *err)
{
    if (!agents_of(trial))
        return SL_OK;
    enum sl_status status = await_stage(trial, SL_PART_PUBLISH, SL_AGENT_LOADED,
                                        trial->input->cell->scenario->load.timeout_ns, err);
    return status ? status : send_outcomes(trial, err);
}

enum sl_status trial_agents_close(struct trial *trial, struct sl_error *err)
{
    const struct sl_scenario_load *load = &trial->input->cell->scenario->load;

    if (!agents_of(trial))
        return SL_OK;
    enum sl_status status =
        await_stage(trial, SL_PART_CONSUME, SL_AGENT_LOADED, load->timeout_ns, err);
    for (enum sl_load_part part = SL_PART_PUBLISH; !status && part < SL_N_PARTS; part++)
        status = tell(trial, part, SL_AGENT_CLOSE, err);
    for (enum sl_load_part part = SL_PART_PUBLISH; !status && part < SL_N_PARTS; part++)
        status = await_stage(trial, part, SL_AGENT_CLOSED, load->close_deadline_ns, err);
    trial->agents_closed = !status;
    return status;
}

enum sl_status
trial_agents_merge(struct trial *trial, struct sl_load_record *record, struct sl_error *err)
{
    const struct sl_agents *agents = trial->input->agents;
    uint32_t n_events = trial->input->cell->scenario->load.events;

    if (!trial->agents_closed)
        return SL_OK;
    SL_AUTO(sl_tally) struct sl_tally *all = sl_tally_new(n_events);
    if (!all)
        return sl_fail(err, SL_ENOMEM, "out of memory for a tally of %u events", n_events);
    if (!trial->tally)
        return sl_fail(err, SL_EPROTO, "the subject told no tally");
    enum sl_status status = sl_tally_merge(all, trial->tally, err);
    for (enum sl_load_part part = SL_PART_PUBLISH; !status && part < SL_N_PARTS; part++)
        status = agents->merge(agents->user, part, all, err);
    if (status)
        return status;
    sl_tally_record(all, record);
    trial->merged = *record;
    return SL_OK;
}

void trial_agents_end(struct trial *trial)
{
    const struct sl_agents *agents = agents_of(trial);
    struct sl_trial_result *result = trial->result;

    if (!agents)
        return;
    uint64_t uncertainty_ns =
        agents->end(agents->user, trial->arena, &result->agents, &result->n_agents);
    if (trial->agents_closed)
        sl_trial_result_doubt(result, &trial->merged, uncertainty_ns, trial->arena);
}
