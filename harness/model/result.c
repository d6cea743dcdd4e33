/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/model/result.h"

static const char *const trial_status_texts[] = {
#define X(name, text) [SL_TRIAL_##name] = (text),
    SL_TRIAL_STATUS_MAP(X)
#undef X
};

const char *sl_trial_status_text(enum sl_trial_status status)
{
    return trial_status_texts[status];
}

void sl_run_result_free(struct sl_run_result *result)
{
    if (!result)
        return;
    struct sl_arena *arena = result->arena; /* the result itself lives in it */
    sl_arena_free(arena);
}
