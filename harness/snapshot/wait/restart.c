/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/snapshot/wait/restart.h"

#include <linux/futex.h>
#include <string.h>
#include <sys/syscall.h>

#include "base/macros.h"
#include "harness/snapshot/wait/futex.h"

/* mov $nr, %eax; syscall */
#define CODE_SIZE 7
#define NR_AT     1

#define MAX_POLLED (UINT64_C(1) << 24)
#define MAX_CLOCK  64

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
static bool fits(int32_t nr, const uint64_t args[6])
{
    uint64_t command = args[1] & (uint64_t) FUTEX_CMD_MASK;

    switch (nr) {
    case SYS_poll:
        return args[1] < MAX_POLLED;
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

struct sl_syscall sl_restart_resolve(const struct sl_syscall *call, const struct sl_stack *stack,
                                     struct sl_reader *reader)
{
    struct sl_syscall resolved = *call;

    if (call->nr != SYS_restart_syscall)
        return resolved;
    int32_t nr = nr_of_code(call->pc, reader);
    if (!fits(nr, call->args))
        nr = nr_of_stack(stack);
    if (fits(nr, call->args))
        resolved.nr = nr;
    return resolved;
}
