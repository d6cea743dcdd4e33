/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/run/agents.h"

#include <string.h>

#include "base/fail.h"
#include "base/parse.h"
#include "harness/agent/fleet.h"
#include "harness/agent/peer.h"

/* "load=2" */
static bool read_word(char *word, uint32_t n_of[SL_N_PARTS])
{
    uint64_t n;
    enum sl_load_part part;
    char *number = strchr(word, '=');

    if (!number)
        return false;
    *number++ = '\0';
    if (!sl_peer_parse_role(word, &part) || part == SL_PART_ALL || n_of[part] ||
        sl_parse_number(number, 1, SL_FLEET_MAX, &n, NULL))
        return false;
    n_of[part] = (uint32_t) n;
    return true;
}

enum sl_status run_agents_read(const char *text, uint32_t n_of[SL_N_PARTS], struct sl_error *err)
{
    uint64_t n;
    uint32_t found[SL_N_PARTS] = {0};
    bool good = true;
    SL_AUTO_FREE char *copy = strdup(text);

    if (!copy)
        return sl_fail(err, SL_ENOMEM, "out of memory");
    char *rest = copy;
    if (!sl_parse_number(text, 1, SL_FLEET_MAX, &n, NULL))
        found[SL_PART_ALL] = (uint32_t) n;
    else
        for (char *word; good && (word = strsep(&rest, ","));)
            good = read_word(word, found);
    if (!good || run_agents_count(found) > SL_FLEET_MAX)
        return sl_fail(err, SL_EINVAL,
                       "'%s' is neither a number up to %u nor like load=2,consume=1", text,
                       SL_FLEET_MAX);
    if (!found[SL_PART_ALL] && !found[SL_PART_PUBLISH])
        return sl_fail(err, SL_EINVAL, "'%s' has nobody who publishes", text);
    memcpy(n_of, found, sizeof found);
    return SL_OK;
}

uint32_t run_agents_count(const uint32_t n_of[SL_N_PARTS])
{
    return n_of[SL_PART_ALL] + n_of[SL_PART_PUBLISH] + n_of[SL_PART_CONSUME];
}
