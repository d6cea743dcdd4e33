/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/snapshot/wait.h"

#include <linux/futex.h>
#include <poll.h>
#include <string.h>
#include <sys/syscall.h>

#include "base/macros.h"
#include "harness/snapshot/syscall.h"

#define MAX_FRAMES_SEARCHED 8
#define MAX_POLLED          (SL_WAIT_MEMORY / sizeof(struct pollfd))

/*
 * Functions of the C library in which threads wait, without leading underscores.
 * An entry matches names that begin with it.
 */
static const struct primitive {
    const char *function;
    enum sl_wait_kind kind;
} primitives[] = {
    {"pthread_cond_", SL_WAIT_CONDITION},
    {"cnd_", SL_WAIT_CONDITION},
    {"sem_wait", SL_WAIT_SEMAPHORE},
    {"sem_timedwait", SL_WAIT_SEMAPHORE},
    {"sem_clockwait", SL_WAIT_SEMAPHORE},
    {"new_sem_wait", SL_WAIT_SEMAPHORE},
    {"pthread_mutex_", SL_WAIT_MUTEX},
    {"mtx_", SL_WAIT_MUTEX},
    {"lll_lock_wait", SL_WAIT_MUTEX},
    {"pthread_rwlock_", SL_WAIT_RWLOCK},
    {"pthread_barrier_wait", SL_WAIT_BARRIER},
    {"pthread_join", SL_WAIT_JOIN},
    {"pthread_timedjoin", SL_WAIT_JOIN},
    {"pthread_clockjoin", SL_WAIT_JOIN},
    {"thrd_join", SL_WAIT_JOIN},
};

/* Head of glibc's pthread_mutex_t on x86-64. */
struct mutex_head {
    int32_t lock; /* 0 free, 1 taken, 2 taken and waited for; a tid when it is inherited */
    uint32_t count;
    int32_t owner;
    uint32_t n_users;
    int32_t kind;
};

static bool is_thread(const struct sl_wait_context *context, pid_t tid)
{
    size_t low = 0, high = context->n_tids;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (context->tids[middle] < tid)
            low = middle + 1;
        else
            high = middle;
    }
    return low < context->n_tids && context->tids[low] == tid;
}

static enum sl_wait_kind kind_of_stack(const struct sl_stack *stack)
{
    size_t n = stack ? SL_MIN(stack->n_frames, (size_t) MAX_FRAMES_SEARCHED) : 0;
    for (size_t i = 0; i < n; i++) {
        const char *name = stack->frames[i].function;
        if (!name)
            continue;
        name += strspn(name, "_");
        for (size_t k = 0; k < SL_COUNT_OF(primitives); k++)
            if (strncmp(name, primitives[k].function, strlen(primitives[k].function)) == 0)
                return primitives[k].kind;
    }
    return SL_WAIT_FUTEX;
}

/*
 * The thread that holds a mutex.  The memory may be a lock of another kind that
 * looks similar, so every field has to make sense.
 */
static pid_t mutex_owner(const struct sl_wait_context *context, const struct sl_wait_memory *memory)
{
    struct mutex_head head;
    if (memory->size != sizeof head)
        return 0;
    memcpy(&head, memory->bytes, sizeof head);
    bool contended = head.lock == 2 || (head.lock & (int32_t) FUTEX_TID_MASK) == head.owner;
    bool sane = head.kind >= 0 && head.kind < 0x200;
    return contended && sane && head.owner > 0 && is_thread(context, head.owner) ? head.owner : 0;
}

static void describe_futex(const struct sl_wait_context *context, const struct sl_syscall *call,
                           const struct sl_wait_memory *memory, const struct sl_stack *stack,
                           struct sl_wait *wait)
{
    uint64_t word = call->args[0];
    uint32_t operation = (uint32_t) call->args[1], value = (uint32_t) call->args[2];
    uint32_t command = operation & FUTEX_CMD_MASK;

    wait->kind = kind_of_stack(stack);
    /* A condition is waited for by bit set.  Otherwise its waiter is taking the mutex back. */
    if (wait->kind == SL_WAIT_CONDITION && command == FUTEX_WAIT)
        wait->kind = SL_WAIT_MUTEX;
    /* Without names: nothing but a join waits, unshared it is not, for a thread's id. */
    if (wait->kind == SL_WAIT_FUTEX && command == FUTEX_WAIT_BITSET &&
        !(operation & FUTEX_PRIVATE_FLAG) && is_thread(context, (pid_t) value))
        wait->kind = SL_WAIT_JOIN;

    wait->object = word;
    switch (wait->kind) {
    case SL_WAIT_CONDITION: /* two futexes, at 40 and 44 */
        wait->object = (word & ~UINT64_C(7)) - 40;
        break;
    case SL_WAIT_RWLOCK: /* two, at 8 and 12 */
        wait->object = (word & ~UINT64_C(7)) - 8;
        break;
    case SL_WAIT_BARRIER: /* at 4 */
        wait->object = word & ~UINT64_C(7);
        break;
    case SL_WAIT_MUTEX:
        wait->owner = mutex_owner(context, memory);
        break;
    case SL_WAIT_JOIN:
        wait->owner = is_thread(context, (pid_t) value) ? (pid_t) value : 0;
        break;
    default:
        break;
    }
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

/* A mutex is waited for as long as it is taken and waited for; the kernel's own hold a tid. */
static bool may_be_mutex(const struct sl_syscall *call)
{
    uint32_t command = (uint32_t) call->args[1] & FUTEX_CMD_MASK, value = (uint32_t) call->args[2];
    return call->nr == SYS_futex && (value == 2 || (value & FUTEX_WAITERS) ||
                                     command == FUTEX_LOCK_PI || command == FUTEX_LOCK_PI2);
}

void sl_wait_read(struct sl_reader *reader, const struct sl_syscall *call,
                  struct sl_wait_memory *ret_memory)
{
    size_t size = 0;

    if (may_be_mutex(call))
        size = sizeof(struct mutex_head);
    else if (is_poll(call) && call->args[1] <= MAX_POLLED)
        size = call->args[1] * sizeof(struct pollfd);
    bool is_read = size && sl_reader_read(reader, call->args[0], ret_memory->bytes, size) == size;
    ret_memory->size = is_read ? size : 0;
}

struct sl_wait sl_wait_describe(const struct sl_wait_context *context,
                                const struct sl_syscall *call, const struct sl_wait_memory *memory,
                                const struct sl_stack *stack)
{
    struct sl_syscall_kind kind = sl_syscall_classify(call);
    struct sl_wait wait = {.kind = kind.kind,
                           .syscall_nr = call->nr,
                           .syscall = sl_syscall_name(call->nr),
                           .timed = kind.timed};

    if (kind.descriptor >= 0) {
        struct sl_descriptor descriptor =
            sl_descriptors_get(context->descriptors, (int) call->args[kind.descriptor]);
        wait.target = descriptor.text;
        if (wait.kind == SL_WAIT_IO && descriptor.is_socket)
            wait.kind = SL_WAIT_SOCKET;
        wait.socket = descriptor.is_socket;
    }
    if (call->nr == SYS_futex)
        describe_futex(context, call, memory, stack, &wait);
    else if (is_poll(call))
        describe_polled(context, memory, &wait);
    return wait;
}
