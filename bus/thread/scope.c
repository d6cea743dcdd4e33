/* SPDX-License-Identifier: Apache-2.0 */
#include "bus/thread/scope.h"

#include <stddef.h>

static _Thread_local struct scope *innermost;

void scope_enter(struct scope *scope, const void *owner)
{
    scope->owner = owner;
    scope->outer = innermost;
    innermost = scope;
}

void scope_leave(struct scope *scope)
{
    innermost = scope->outer;
}

bool scope_is_within(const void *owner)
{
    for (const struct scope *scope = innermost; scope; scope = scope->outer) {
        if (scope->owner == owner)
            return true;
    }
    return false;
}
