/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/snapshot/wait/wait.h"

#include <poll.h>
#include <string.h>
#include <sys/syscall.h>

#include "base/macros.h"
#include "harness/snapshot/target/syscall.h"
#include "harness/snapshot/wait/futex.h"
#include "harness/snapshot/wait/restart.h"

#define MAX_POLLED (SL_WAIT_MEMORY / sizeof(struct pollfd))

static void describe_futex(const struct sl_wait_context *context, const struct sl_syscall *call,
                           const struct sl_wait_memory *memory, const struct sl_stack *stack,
                           struct sl_wait *wait)
{
    struct sl_mutex_head mutex;
    bool has_mutex = memory->size == sizeof mutex;

    if (has_mutex)
        memcpy(&mutex, memory->bytes, sizeof mutex);
    struct sl_futex futex = sl_futex_classify(call, has_mutex ? &mutex : NULL, stack,
                                              context->has_library, context->reader);
    wait->kind = futex.kind;
    wait->object = futex.object;
    wait->owner = sl_ids_find(context->ids, futex.owner);
    if (futex.by_owner && !wait->owner)
        wait->kind = SL_WAIT_FUTEX;
}

/* The descriptors given to poll, when they are few. */
static void describe_polled(const struct sl_wait_context *context,
                            const struct sl_wait_memory *memory, struct sl_wait *wait)
{
    struct pollfd polled[MAX_POLLED];
    size_t n = memory->size / sizeof *polled;
    const char *text = NULL;

    memcpy(polled, memory->bytes, memory->size);
    for (size_t i = 0; i < n; i++) {
        if (polled[i].fd < 0)
            continue;
        struct sl_descriptor one = sl_descriptors_get(context->descriptors, polled[i].fd);
        if (!one.text)
            return;
        text = text ? sl_arena_printf(context->arena, "%s, %s", text, one.text) : one.text;
        wait->socket |= one.is_socket;
    }
    wait->target = text;
}

static bool is_poll(const struct sl_syscall *call)
{
    return call->nr == SYS_poll || call->nr == SYS_ppoll;
}

void sl_wait_read(struct sl_reader *reader, const struct sl_syscall *seen,
                  struct sl_wait_memory *ret_memory)
{
    const struct sl_syscall call = sl_restart_resolve(seen, NULL, reader);
    size_t size = 0;

    if (call.nr == SYS_futex && sl_futex_may_take_mutex(&call))
        size = sizeof(struct sl_mutex_head);
    else if (is_poll(&call) && call.args[1] <= MAX_POLLED)
        size = call.args[1] * sizeof(struct pollfd);
    bool is_read = size && sl_reader_read_all(reader, call.args[0], ret_memory->bytes, size);
    ret_memory->size = is_read ? size : 0;
}

struct sl_wait sl_wait_describe(const struct sl_wait_context *context,
                                const struct sl_syscall *seen, const struct sl_wait_memory *memory,
                                const struct sl_stack *stack)
{
    const struct sl_syscall call = sl_restart_resolve(seen, stack, context->reader);
    struct sl_syscall_kind kind = sl_syscall_classify(&call);
    struct sl_wait wait = {.kind = kind.kind,
                           .syscall_nr = call.nr,
                           .syscall = sl_syscall_name(call.nr),
                           .timed = kind.timed};

    if (kind.descriptor >= 0) {
        struct sl_descriptor descriptor =
            sl_descriptors_get(context->descriptors, (int) call.args[kind.descriptor]);
        wait.target = descriptor.text;
        if (wait.kind == SL_WAIT_IO && descriptor.is_socket)
            wait.kind = SL_WAIT_SOCKET;
        wait.socket = descriptor.is_socket;
    }
    if (call.nr == SYS_futex)
        describe_futex(context, &call, memory, stack, &wait);
    else if (is_poll(&call))
        describe_polled(context, memory, &wait);
    return wait;
}
