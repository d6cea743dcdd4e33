/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/agent/fleet_hire.h"

#include <poll.h>
#include <stdio.h>

#include "base/fail.h"
#include "base/wait.h"

#define CALL_NS  (200 * SL_NS_PER_MS) /* between two calls for agents */
#define ASKED_NS SL_NS_PER_S          /* for an agent to take a place it offered itself for */

static void call(struct sl_fleet *fleet)
{
    const struct sl_wire_header header = {.run = fleet->run, .kind = SL_WIRE_KIND_CALL};
    (void) !sl_peer_send(&fleet->peer, SL_WIRE_CALL, &header, NULL, NULL);
}

/* Places that nobody has; those asked in vain are free again. */
static size_t count_free(struct sl_fleet *fleet)
{
    size_t n = 0;

    for (size_t i = 0; i < fleet->n_members; i++) {
        struct member *member = &fleet->members[i];
        if (member->state == MEMBER_ASKED && sl_clock_now_ns() > member->asked_ns + ASKED_NS)
            fleet_set_free(fleet, member);
        n += member->state != MEMBER_HIRED;
    }
    return n;
}

/* "2 of 3 agents are missing (1 load, 1 consume); there are 'a' on host-1" */
static enum sl_status fail_missing(struct sl_fleet *fleet, struct sl_error *err)
{
    char missing[80] = "", there[160] = "";
    size_t n_missing[SL_N_PARTS] = {0}, n = 0, used = 0;

    for (size_t i = 0; i < fleet->n_members; i++) {
        const struct member *member = &fleet->members[i];
        if (member->state != MEMBER_HIRED) {
            n_missing[member->part]++;
            n++;
        } else if (used < sizeof there) {
            used += (size_t) snprintf(there + used, sizeof there - used, "%s'%s' on %s",
                                      used ? ", " : "; there are ", member->offer.name,
                                      member->offer.host);
        }
    }
    used = 0;
    for (enum sl_load_part part = SL_PART_ALL; part < SL_N_PARTS; part++)
        if (n_missing[part] && used < sizeof missing)
            used += (size_t) snprintf(missing + used, sizeof missing - used, "%s%zu %s",
                                      used ? ", " : "", n_missing[part], sl_peer_role(part));
    return sl_fail(err, SL_ENOENT, "%zu of %zu agents are missing (%s)%s%s%s", n, fleet->n_members,
                   missing, there, fleet->foreign[0] ? "; " : "", fleet->foreign);
}

enum sl_status fleet_hire(struct sl_fleet *fleet, uint64_t wait_ns, struct sl_error *err)
{
    uint64_t until_ns = sl_clock_now_ns() + wait_ns, next_call_ns = 0;

    while (count_free(fleet)) {
        uint64_t now_ns = sl_clock_now_ns();
        if (now_ns >= until_ns)
            return fail_missing(fleet, err);
        if (now_ns >= next_call_ns) {
            call(fleet);
            next_call_ns = now_ns + CALL_NS;
        }
        struct pollfd fds[] = {{.fd = sl_link_fd(fleet->peer.link), .events = POLLIN},
                               {.fd = fleet->wake_fd, .events = POLLIN}};
        struct timespec left =
            sl_clock_to_timespec(SL_MIN(next_call_ns, until_ns) - SL_MIN(now_ns, until_ns));
        enum sl_status status = ppoll(fds, SL_COUNT_OF(fds), &left, NULL) > 0
                                    ? sl_wake_look(fds[1].revents, err)
                                    : SL_OK;
        if (status)
            return status;
        while (fleet_take(fleet))
            ;
    }
    return SL_OK;
}
