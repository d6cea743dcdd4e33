/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which buses the calling thread works for: those whose thread it is, and those
 * whose callback it is in.  Close refuses to wait for itself by asking this.
 */
#ifndef BUS_THREAD_SCOPE_H
#define BUS_THREAD_SCOPE_H

#include <stdbool.h>

/* Lives on the stack of the thread between enter and leave; scopes nest. */
struct scope {
    const void *owner; /* struct bus, compared only */
    struct scope *outer;
};

void scope_enter(struct scope *scope, const void *owner);
void scope_leave(struct scope *scope);
bool scope_is_within(const void *owner);

#endif
