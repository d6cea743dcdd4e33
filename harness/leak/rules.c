/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/leak/rules.h"

#include <string.h>

#include "base/fail.h"
#include "harness/leak/pattern.h"
#include "harness/leak/stack/names.h"

/* NULL stands for itself.  @return false when memory is short */
static bool glob_of(struct sl_arena *arena, const char *text, size_t size, const char *rest,
                    const char **ret_glob)
{
    *ret_glob = text ? pattern_of_text(arena, text, size, rest) : NULL;
    return *ret_glob || !text;
}

static bool add_module(struct sl_arena *arena, const char *module, struct sl_leak_rule *rule)
{
    *rule = (struct sl_leak_rule){.kind = SL_LEAK_RULE_RESIDENT, .reason = module};
    return glob_of(arena, module, strlen(module), "*", &rule->pattern.module);
}

static bool add_witness(struct sl_arena *arena, const struct sl_leak_witness *witness,
                        struct sl_leak_rule *rule)
{
    struct stack_name function = names_function(witness->function);

    *rule = (struct sl_leak_rule){.kind = SL_LEAK_RULE_WITNESS,
                                  .pattern.wait = witness->socket ? "socket" : NULL,
                                  .reason = witness->text};
    return glob_of(arena, witness->module, witness->module ? strlen(witness->module) : 0, "*",
                   &rule->pattern.module) &&
           glob_of(arena, witness->function, function.size, "", &rule->pattern.any_function);
}

enum sl_status sl_leak_rules_join(const char *const *modules,
                                  const struct sl_leak_witness *witnesses,
                                  const struct sl_leak_rules *more, struct sl_arena *arena,
                                  struct sl_leak_rules *ret_rules, struct sl_error *err)
{
    size_t n_modules = 0, n_witnesses = 0, n = 0;

    while (modules && modules[n_modules])
        n_modules++;
    while (witnesses && witnesses[n_witnesses].text)
        n_witnesses++;
    struct sl_leak_rule *rules =
        sl_arena_array(arena, n_modules + n_witnesses + more->n, sizeof *rules);
    bool good = rules;
    for (size_t i = 0; i < n_modules && good; i++)
        good = add_module(arena, modules[i], &rules[n++]);
    for (size_t i = 0; i < n_witnesses && good; i++)
        good = add_witness(arena, &witnesses[i], &rules[n++]);
    if (!good)
        return sl_fail(err, SL_ENOMEM, "out of memory for the rules of an analysis");
    if (more->n)
        memcpy(&rules[n], more->rules, more->n * sizeof *rules);
    *ret_rules = (struct sl_leak_rules){rules, n + more->n};
    return SL_OK;
}

bool sl_leak_rules_may_reside(const struct sl_leak_rules *rules, const struct sl_stack *stack)
{
    for (size_t i = 0; i < rules->n; i++)
        if (rules->rules[i].kind == SL_LEAK_RULE_RESIDENT && !rules->rules[i].expired &&
            pattern_fits_stack(&rules->rules[i].pattern, stack))
            return true;
    return false;
}

const struct sl_leak_rule *
sl_leak_rules_resident(const struct sl_leak_rules *rules, const struct sl_thread *thread)
{
    if (!thread->stack || !thread->stack->complete)
        return NULL;
    for (size_t i = 0; i < rules->n; i++)
        if (rules->rules[i].kind == SL_LEAK_RULE_RESIDENT && !rules->rules[i].expired &&
            pattern_fits(&rules->rules[i].pattern, thread, NULL))
            return &rules->rules[i];
    return NULL;
}
