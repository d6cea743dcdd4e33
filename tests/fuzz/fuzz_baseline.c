/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Baselines from arbitrary bytes: refused with a text of one line, or read, and then every entry is
 * found, and a result without cells changes nothing.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "reports/baseline.h"
#include "require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_accepted(const struct sl_baseline *baseline)
{
    require(baseline->fingerprints == SL_FINGERPRINTS, "fingerprints are those of this program");
    for (size_t i = 0; i < baseline->n_leaks; i++) {
        const struct sl_baseline_leak *leak = &baseline->leaks[i];
        require(leak->max > 0 && *leak->reason, "a leak has a number and a reason");
        require(sl_baseline_max(baseline, leak->cell, leak->fingerprint) == leak->max,
                "every entry is found");
    }
}

/* With a result that has no cells nothing is known to be mended. */
static void check_update(struct sl_baseline *baseline)
{
    const struct sl_run_result nothing = {.n_cells = 0};
    struct sl_baseline_change change;
    size_t n = baseline->n_leaks;

    require(!sl_baseline_update(baseline, &nothing, "why", &change, NULL), "an update works");
    require(baseline->n_leaks == n && !change.n_removed && !change.n_added, "nothing changed");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    SL_AUTO(sl_baseline) struct sl_baseline *baseline = NULL;
    struct sl_error err = {0};

    (void) sl_baseline_is((const char *) data, size);
    if (sl_baseline_parse("fuzz.json", (const char *) data, size, &baseline, &err) == SL_OK) {
        check_accepted(baseline);
        check_update(baseline);
        check_accepted(baseline);
    } else {
        require(err.status == SL_EPARSE, "bad input is malformed input");
        require(!baseline, "output is set on success only");
        require(strncmp(err.text, "fuzz.json", 9) == 0, "the text names the input");
        require(!strpbrk(err.text, "\n\r\x1b"), "the text is one line");
    }
    return 0;
}
