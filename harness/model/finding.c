/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/model/finding.h"

static const char *const cause_texts[] = {
#define X(name, text) [SL_CAUSE_##name] = (text),
    SL_CAUSE_MAP(X)
#undef X
};

const char *sl_cause_text(enum sl_cause cause)
{
    return cause_texts[cause];
}
