/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/snapshot/killable/courier.h"

#include <errno.h>
#include <linux/futex.h>
#include <sched.h>
#include <stdbool.h>
#include <unistd.h>

#include "base/clock.h"
#include "harness/snapshot/killable/killable.h"

#define LEAVE_NS      (20 * SL_NS_PER_MS) /* one that waits for an order goes at once */
#define LOOK_ROUND_NS (100 * SL_NS_PER_MS)

enum turn { IDLE, ORDERED, LEAVING };

struct sl_courier {
    struct sl_killable task;
    bool runs;
    int cpu;         /* the one that it is to run on */
    atomic_int turn; /* enum turn; a futex, of both */
    pid_t pid;
    size_t n;
    ssize_t result;
    struct iovec local;
    struct sl_luggage luggage;
};

static SL_KILLABLE_CODE int run(void *argument)
{
    struct sl_courier *courier = argument;
    bool stays = sl_killable_begin(&courier->task, -1);

    while (stays) {
        int turn = atomic_load_explicit(&courier->turn, memory_order_acquire);
        if (turn == ORDERED) {
            courier->result =
                sl_killable_call(SYS_process_vm_readv, courier->pid, (long) &courier->local, 1,
                                 (long) courier->luggage.wanted, (long) courier->n, 0);
            atomic_store_explicit(&courier->turn, IDLE, memory_order_release);
            (void) sl_killable_call(SYS_futex, (long) &courier->turn, FUTEX_WAKE_PRIVATE, 1, 0, 0,
                                    0);
        } else if (turn == IDLE) {
            (void) sl_killable_call(SYS_futex, (long) &courier->turn, FUTEX_WAIT_PRIVATE, IDLE, 0,
                                    0, 0);
        }
        stays = turn != LEAVING;
    }
    (void) sl_killable_call(SYS_exit, 0, 0, 0, 0, 0, 0);
    return 0;
}

static void order(struct sl_courier *courier, enum turn turn)
{
    atomic_store_explicit(&courier->turn, turn, memory_order_release);
    (void) syscall(SYS_futex, &courier->turn, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

/* @return 0, -ECHILD when it has ended, or -ETIMEDOUT */
static int await_return(struct sl_courier *courier, uint64_t limit_ns)
{
    const uint64_t now = sl_clock_now_ns();
    const uint64_t end = limit_ns > UINT64_MAX - now ? UINT64_MAX : now + limit_ns;

    while (atomic_load_explicit(&courier->turn, memory_order_acquire) == ORDERED) {
        uint64_t left_ns = SL_MIN(sl_clock_left_ns(end), LOOK_ROUND_NS);
        struct timespec left = sl_clock_to_timespec(left_ns);
        if (!atomic_load(&courier->task.alive))
            return -ECHILD;
        if (!left_ns)
            return -ETIMEDOUT;
        (void) syscall(SYS_futex, &courier->turn, FUTEX_WAIT_PRIVATE, ORDERED, &left, NULL, 0);
    }
    return 0;
}

/* To wake a CPU that sleeps costs more than to give this one away for a moment. */
static void come_near(struct sl_courier *courier)
{
    int cpu = sched_getcpu();
    cpu_set_t set;

    if (cpu == courier->cpu || cpu < 0 || cpu >= CPU_SETSIZE)
        return;
    CPU_ZERO(&set);
    CPU_SET((size_t) cpu, &set);
    if (!sched_setaffinity(courier->task.tid, sizeof set, &set))
        courier->cpu = cpu;
}

struct sl_courier *sl_courier_new(void)
{
    struct sl_courier *courier = sl_killable_new(sizeof *courier);
    if (courier)
        courier->cpu = -1;
    return courier;
}

void sl_courier_free(struct sl_courier *courier)
{
    if (!courier)
        return;
    if (courier->runs) {
        order(courier, LEAVING);
        if (!sl_killable_await_end(&courier->task, LEAVE_NS)) {
            sl_killable_give_up(&courier->task);
            return;
        }
    }
    sl_killable_free(&courier->task);
}

struct sl_luggage *sl_courier_luggage(struct sl_courier *courier)
{
    return &courier->luggage;
}

ssize_t
sl_courier_fetch(struct sl_courier **courier, uint64_t limit_ns, pid_t pid, size_t n, size_t size)
{
    struct sl_courier *sent = *courier;

    if (!sent->runs && !sl_killable_start(&sent->task, run))
        return -ENOSYS;
    sent->runs = true;
    sent->pid = pid;
    sent->n = n;
    sent->local = (struct iovec){sent->luggage.data, size};
    come_near(sent);
    order(sent, ORDERED);
    int failure = await_return(sent, limit_ns);
    if (!failure)
        return sent->result;
    if (failure == -ECHILD) {
        sent->runs = !sl_killable_await_end(&sent->task, 0);
        atomic_store(&sent->turn, IDLE);
        return failure;
    }
    sl_killable_give_up(&sent->task);
    *courier = NULL;
    return failure;
}
