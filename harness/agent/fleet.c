/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/agent/fleet.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/sync.h"
#include "harness/agent/fleet_heart.h"
#include "harness/agent/fleet_trial.h"

/* All agents are there for the first time: which of them plays what is now settled. */
static enum sl_status settle_parts(struct sl_fleet *fleet, struct sl_error *err)
{
    uint32_t *n_of = fleet->agents.n_of;

    for (size_t i = 0; i < fleet->n_members; i++) {
        fleet->members[i].part_fixed = true;
        fleet->members[i].number = n_of[fleet->members[i].part]++;
    }
    if (!n_of[SL_PART_PUBLISH])
        return sl_fail(err, SL_EINVAL,
                       "no agent takes part as load, so nothing would be published");
    return SL_OK;
}

static enum sl_status
start(struct sl_fleet *fleet, const struct sl_fleet_opts *opts, struct sl_error *err)
{
    char subject[SL_WIRE_SUBJECT_MAX], host[SL_WIRE_NAME_MAX] = "";

    (void) gethostname(host, sizeof host - 1);
    sl_peer_name(&fleet->peer, "strandline run", host);
    sl_wire_observer_subject(fleet->run, subject);
    const struct sl_link_opts link = {.servers = opts->servers,
                                      .credentials = opts->credentials,
                                      .name = "strandline run",
                                      .subjects = {subject},
                                      .intercept = fleet_heart_intercept,
                                      .user = fleet};
    enum sl_status status = sl_link_open(&link, &fleet->peer.link, err);
    if (status)
        return status;
    errno = pthread_create(&fleet->heart, NULL, fleet_heart_main, fleet);
    if (errno)
        return sl_fail_errno(err, "cannot create a thread");
    fleet->heart_beats = true;
    status = fleet_hire(fleet, fleet->wait_ns, err);
    return status ? status : settle_parts(fleet, err);
}

enum sl_status
sl_fleet_open(const struct sl_fleet_opts *opts, struct sl_fleet **ret_fleet, struct sl_error *err)
{
    SL_AUTO(sl_fleet) struct sl_fleet *fleet = calloc(1, sizeof *fleet);

    if (!fleet)
        return sl_fail(err, SL_ENOMEM, "out of memory for agents");
    sync_mutex_init(&fleet->mutex);
    sync_cond_init(&fleet->heard);
    fleet->wait_ns = opts->wait_ns;
    fleet->wake_fd = opts->wake_fd;
    for (enum sl_load_part part = SL_PART_ALL; part < SL_N_PARTS; part++)
        fleet->n_members += opts->n_of[part];
    fleet->members = calloc(fleet->n_members, sizeof *fleet->members);
    if (!fleet->members)
        return sl_fail(err, SL_ENOMEM, "out of memory for agents");
    size_t n = 0;
    for (enum sl_load_part part = SL_PART_ALL; part < SL_N_PARTS; part++)
        for (uint32_t i = 0; i < opts->n_of[part]; i++) {
            fleet->members[n].part = part;
            fleet->members[n++].part_fixed = part != SL_PART_ALL;
        }
    if (getrandom(&fleet->run, sizeof fleet->run, 0) != sizeof fleet->run || !fleet->run)
        return sl_fail_errno(err, "cannot make an id");
    enum sl_status status = start(fleet, opts, err);
    if (status)
        return status;
    fleet_trial_fill(fleet);
    *ret_fleet = SL_TAKE(fleet);
    return SL_OK;
}

void sl_fleet_close(struct sl_fleet *fleet)
{
    if (!fleet)
        return;
    pthread_mutex_lock(&fleet->mutex);
    fleet->ending = true;
    pthread_cond_broadcast(&fleet->heard);
    pthread_mutex_unlock(&fleet->mutex);
    if (fleet->heart_beats)
        (void) pthread_join(fleet->heart, NULL);
    for (size_t i = 0; fleet->peer.link && i < fleet->n_members; i++)
        if (fleet->members[i].state != MEMBER_FREE)
            fleet_send(fleet, &fleet->members[i], SL_WIRE_KIND_DISMISS, NULL);
    sl_link_close(fleet->peer.link);
    for (size_t i = 0; fleet->members && i < fleet->n_members; i++) {
        sl_tally_free(fleet->members[i].tally);
        sl_packer_release(&fleet->members[i].body.bytes);
    }
    free(fleet->members);
    sync_cond_release(&fleet->heard);
    sync_mutex_release(&fleet->mutex);
    free(fleet);
}

const struct sl_agents *sl_fleet_agents(const struct sl_fleet *fleet)
{
    return &fleet->agents;
}
