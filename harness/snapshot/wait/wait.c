/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/snapshot/wait/wait.h"

#include <linux/futex.h>
#include <poll.h>
#include <string.h>
#include <sys/syscall.h>

#include "base/macros.h"
#include "harness/snapshot/target/syscall.h"
#include "harness/snapshot/wait/futex.h"

#define MAX_POLLED (SL_WAIT_MEMORY / sizeof(struct pollfd))

/* mov $nr, %eax; syscall */
#define CODE_SIZE 7
#define NR_AT     1

#define PLAUSIBLE_POLLED (UINT64_C(1) << 24)
#define MAX_CLOCK        64

/* The calls that the kernel restarts in this way, and functions of glibc that make them. */
static const struct {
    const char *function;
    int32_t nr;
} callers[] = {
    {"poll", SYS_poll},
    {"nanosleep", SYS_nanosleep},
    {"clock_nanosleep", SYS_clock_nanosleep},
    {"futex_abstimed_wait_common", SYS_futex},
    {"futex_abstimed_wait_cancelable", SYS_futex},
    {"futex_abstimed_wait", SYS_futex},
    {"pthread_cond_timedwait", SYS_futex},
    {"pthread_cond_clockwait", SYS_futex},
    {"pthread_mutex_timedlock", SYS_futex},
    {"pthread_mutex_clocklock", SYS_futex},
    {"sem_timedwait", SYS_futex},
    {"sem_clockwait", SYS_futex},
};

/* Could these be the arguments of such a call that was restarted? */
static bool fits_restart(int32_t nr, const uint64_t args[6])
{
    uint64_t command = args[1] & (uint64_t) FUTEX_CMD_MASK;

    switch (nr) {
    case SYS_poll:
        return args[1] < PLAUSIBLE_POLLED;
    case SYS_nanosleep:
        return args[0];
    case SYS_clock_nanosleep: /* until a point in time it is not restarted in this way */
        return (uint32_t) args[0] < MAX_CLOCK && !(uint32_t) args[1] && args[2];
    case SYS_futex:
        return args[0] % sizeof(uint32_t) == 0 && args[3] &&
               (command == FUTEX_WAIT || command == FUTEX_WAIT_BITSET);
    default:
        return false;
    }
}

/* From the instruction in front of the call. */
static int32_t nr_of_code(uint64_t pc, struct sl_reader *reader)
{
    unsigned char code[CODE_SIZE];
    int32_t nr;

    if (!reader || !sl_reader_read_all(reader, pc - sizeof code, code, sizeof code) ||
        code[0] != 0xb8 || code[CODE_SIZE - 2] != 0x0f || code[CODE_SIZE - 1] != 0x05)
        return -1;
    memcpy(&nr, code + NR_AT, sizeof nr);
    return nr;
}

static int32_t nr_of_stack(const struct sl_stack *stack)
{
    for (size_t i = 0; stack && i < stack->n_frames; i++) {
        const struct sl_frame *frame = &stack->frames[i];
        if (!sl_futex_is_library(frame->module))
            break;
        for (size_t k = 0; frame->function && k < SL_COUNT_OF(callers); k++)
            if (sl_futex_is_named(frame->function, callers[k].function))
                return callers[k].nr;
    }
    return -1;
}

/*
 * A call with a time-out that was interrupted, by a stop for example, goes on as restart_syscall,
 * so that the time-out does not begin anew.  The registers are then still those of the call that
 * goes on, but for its number: the code that made it tells, or the function of the C library
 * around it.  Else it is `call` itself.
 */
static struct sl_syscall resolve_restart(const struct sl_syscall *call,
                                         const struct sl_stack *stack, struct sl_reader *reader)
{
    struct sl_syscall resolved = *call;

    if (call->nr != SYS_restart_syscall)
        return resolved;
    int32_t nr = nr_of_code(call->pc, reader);
    if (!fits_restart(nr, call->args))
        nr = nr_of_stack(stack);
    if (fits_restart(nr, call->args))
        resolved.nr = nr;
    return resolved;
}

static struct sl_futex_scene
scene_of(const struct sl_wait_context *context, const struct sl_stack *stack)
{
    return (struct sl_futex_scene){.stack = stack,
                                   .has_library = context->has_library,
                                   .reader = context->reader,
                                   .memo = context->memo};
}

bool sl_wait_wants_words(const struct sl_wait_context *context, const struct sl_syscall *call,
                         const struct sl_stack *stack)
{
    const struct sl_futex_scene scene = scene_of(context, stack);
    return call->nr == SYS_futex && sl_futex_wants_words(call, &scene);
}

static void describe_futex(const struct sl_wait_context *context, const struct sl_syscall *call,
                           const struct sl_wait_memory *memory, const struct sl_stack *stack,
                           struct sl_wait *wait)
{
    struct sl_mutex_head mutex;
    bool has_mutex = memory->size == sizeof mutex;

    if (has_mutex)
        memcpy(&mutex, memory->bytes, sizeof mutex);
    struct sl_futex_scene scene = scene_of(context, stack);
    scene.words = memory->has_words ? memory->words : NULL;
    struct sl_futex futex = sl_futex_classify(call, has_mutex ? &mutex : NULL, &scene);
    wait->kind = futex.kind;
    wait->object = futex.object;
    wait->owner = sl_ids_find(context->ids, futex.owner);
    if (futex.by_owner && !wait->owner)
        wait->kind = SL_WAIT_FUTEX;
    else if (!wait->owner)
        wait->ended_owner = futex.owner;
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

struct sl_copy sl_wait_request(struct sl_reader *reader, const struct sl_syscall *seen,
                               struct sl_wait_memory *memory)
{
    const struct sl_syscall call = resolve_restart(seen, NULL, reader);
    size_t size = 0;

    if (call.nr == SYS_futex && sl_futex_may_take_mutex(&call))
        size = sizeof(struct sl_mutex_head);
    else if (is_poll(&call) && call.args[1] <= MAX_POLLED)
        size = call.args[1] * sizeof(struct pollfd);
    return (struct sl_copy){.address = call.args[0], .data = memory->bytes, .size = size};
}

void sl_wait_accept(const struct sl_copy *copy, struct sl_wait_memory *memory)
{
    memory->size = copy->copied == copy->size ? copy->size : 0;
}

struct sl_wait sl_wait_describe(const struct sl_wait_context *context,
                                const struct sl_syscall *seen, const struct sl_wait_memory *memory,
                                const struct sl_stack *stack)
{
    const struct sl_syscall call = resolve_restart(seen, stack, context->reader);
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
