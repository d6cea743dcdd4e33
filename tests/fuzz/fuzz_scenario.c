/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scenarios from arbitrary bytes: accepted with every number in its range, or
 * refused with a position and a text of one line.
 */
#include <stdint.h>
#include <string.h>

#include "require.h"
#include "scenarios/scenario.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_accepted(const struct sl_scenario *scenario)
{
    const struct sl_scenario_load *load = &scenario->load;
    bool plays = false;

    require(load->events > 0 && load->topics > 0 && load->aggregates > 0, "load is not empty");
    require(load->payload >= SL_PAYLOAD_MIN, "payload has room for what the load puts into it");
    require(load->publishers > 0 && load->publishers <= SL_MAX(load->topics, load->aggregates),
            "every publisher has a key");
    require(load->timeout_ns > 0 && load->close_deadline_ns > 0, "there is time");
    require((load->keys == SL_KEYS_UNIFORM) == (load->keys_parameter == 0),
            "a distribution has the parameter that it needs");
    require(scenario->trials > 0, "there is a trial");
    for (size_t i = 0; i < SL_N_MODES; i++)
        plays = plays || scenario->modes[i];
    require(plays, "there is a mode");
    require((scenario->variants != NULL) == (scenario->n_variants > 0), "variants are counted");
    for (size_t i = 0; i < scenario->n_variants; i++)
        require(scenario->modes[scenario->variants[i].mode], "a variant's mode is played");
}

static void check_refused(const struct sl_error *err)
{
    require(err->status == SL_EPARSE, "bad input is malformed input");
    require(strncmp(err->text, "fuzz.json:", 10) == 0, "the text names the input");
    require(!strpbrk(err->text, "\n\r\x1b"), "the text is one line");
    require(strlen(err->text) < sizeof err->text - 1, "the text is whole");
    require(err->line > 0 && err->column > 0, "there is a position");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sl_scenario *scenario = NULL;
    struct sl_error err = {0};

    if (size > SL_SCENARIO_SIZE_MAX)
        return -1;
    if (sl_scenario_parse("fuzz.json", (const char *) data, size, &scenario, &err) == SL_OK)
        check_accepted(scenario);
    else
        check_refused(&err);
    sl_scenario_free(scenario);
    return 0;
}
