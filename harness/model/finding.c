/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/model/finding.h"

static const char *const cause_texts[] = {
#define X(name, text) [SL_CAUSE_##name] = (text),
    SL_CAUSE_MAP(X)
#undef X
};

static const char *const fact_kind_texts[] = {
#define X(name, text) [SL_FACT_##name] = (text),
    SL_FACT_MAP(X)
#undef X
};

const char *sl_cause_text(enum sl_cause cause)
{
    return (size_t) cause < SL_COUNT_OF(cause_texts) ? cause_texts[cause] : "unknown";
}

const char *sl_fact_kind_text(enum sl_fact_kind kind)
{
    return (size_t) kind < SL_COUNT_OF(fact_kind_texts) ? fact_kind_texts[kind] : "unknown";
}

const char *sl_leak_rule_kind_text(enum sl_leak_rule_kind kind)
{
    static const char *const texts[] = {
#define X(name, text) [SL_LEAK_RULE_##name] = (text),
        SL_LEAK_RULE_MAP(X)
#undef X
    };
    return (size_t) kind < SL_COUNT_OF(texts) ? texts[kind] : "unknown";
}

const char *sl_rule_state_text(enum sl_rule_state state)
{
    static const char *const texts[] = {
#define X(name, text) [SL_RULE_STATE_##name] = (text),
        SL_RULE_STATE_MAP(X)
#undef X
    };
    return (size_t) state < SL_COUNT_OF(texts) ? texts[state] : "unknown";
}
