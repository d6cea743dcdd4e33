/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/leak/stack/library.h"

#include "harness/leak/stack/names.h"
#include "harness/leak/stack/runtime.h"

const char *sl_leak_find_library(const struct sl_stack *stack, const char *const *modules)
{
    /* The outermost frame of a partial stack may be anybody's. */
    if (!modules || !stack || !stack->complete || !stack->n_frames)
        return NULL;
    const char *module = stack->frames[runtime_entry(stack)].module;
    for (; *modules; modules++)
        if (names_module_is(module, *modules))
            return sl_path_base(module);
    return NULL;
}
