/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kinds whose threads are kept alive by other threads: by a register, by words on a stack, by what
 * a thread does that waits on something live, by the owner of a lock.
 */
#include <linux/futex.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "planted.h"

#ifdef __x86_64__

#define HWCAP2_FSGSBASE 2
#define NEVER_USED      "cc", "memory", "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11"

static const uintptr_t mask = MASK;
static uintptr_t saved; /* of the register that has the pointer */
static long call[5];    /* that blocks: its number and arguments */

/*
 * A function that blocks in the call, once, while nothing but a register has the pointer.  All
 * operands are found from the program counter, so that every other register may be used.
 */
#define DEFINE_HOLD(where, put, get)                                                               \
    static DO_NOT_INLINE void hold_in_##where(void)                                                \
    {                                                                                              \
        __asm__ volatile(                                                                          \
            "mov %[hidden], %%rax; xor %[mask], %%rax; mov %[mask], %%rcx;"                        \
            "mov %%rcx, %[hidden];" put "mov %[number], %%rax; mov %[first], %%rdi;"               \
            "mov %[second], %%rsi; mov %[third], %%rdx; mov %[fourth], %%r10; syscall;" get        \
            "xor %[mask], %%rax; mov %%rax, %[hidden]"                                             \
            : [hidden] "+m"(hidden), [saved] "+m"(saved)                                           \
            : [mask] "m"(mask), [number] "m"(call[0]), [first] "m"(call[1]),                       \
              [second] "m"(call[2]), [third] "m"(call[3]), [fourth] "m"(call[4])                   \
            : NEVER_USED);                                                                         \
    }
#define DEFINE_HOLD_SAVED(where)                                                                   \
    DEFINE_HOLD(where, "mov %%" #where ", %[saved]; mov %%rax, %%" #where ";",                     \
                "mov %%" #where ", %%rax; mov %[saved], %%" #where ";")

DEFINE_HOLD_SAVED(rbx)
DEFINE_HOLD_SAVED(rbp)
DEFINE_HOLD_SAVED(r8)
DEFINE_HOLD_SAVED(r9)
DEFINE_HOLD_SAVED(r12)
DEFINE_HOLD_SAVED(r13)
DEFINE_HOLD_SAVED(r14)
DEFINE_HOLD_SAVED(r15)
DEFINE_HOLD(xmm9, "movq %%rax, %%xmm9;", "movq %%xmm9, %%rax; pxor %%xmm9, %%xmm9;")
DEFINE_HOLD(
    ymm9,
    "vmovq %%rax, %%xmm9; vinserti128 $1, %%xmm9, %%ymm9, %%ymm9; vpxor %%xmm8, %%xmm8, %%xmm8;"
    "vinserti128 $0, %%xmm8, %%ymm9, %%ymm9;",
    "vextracti128 $1, %%ymm9, %%xmm9; vmovq %%xmm9, %%rax; vzeroupper;")
DEFINE_HOLD(mm3, "movq %%rax, %%mm3;", "movq %%mm3, %%rax; emms;")
DEFINE_HOLD(gs, "rdgsbase %%rcx; mov %%rcx, %[saved]; wrgsbase %%rax;",
            "rdgsbase %%rax; mov %[saved], %%rcx; wrgsbase %%rcx;")
DEFINE_HOLD(red_zone, "sub $512, %%rsp; mov %%rax, -64(%%rsp);",
            "mov -64(%%rsp), %%rax; add $512, %%rsp;")

static char read_byte;

static void by_main(void (*hold)(void))
{
    call[0] = SYS_read;
    call[1] = STDIN_FILENO;
    call[2] = (long) &read_byte;
    call[3] = 1;
    hold();
}

#define DEFINE_MAIN_HOLD(where)                                                                    \
    static void main_in_##where(void)                                                              \
    {                                                                                              \
        by_main(hold_in_##where);                                                                  \
    }
DEFINE_MAIN_HOLD(rbx)
DEFINE_MAIN_HOLD(rbp)
DEFINE_MAIN_HOLD(r8)
DEFINE_MAIN_HOLD(r9)
DEFINE_MAIN_HOLD(r12)
DEFINE_MAIN_HOLD(r13)
DEFINE_MAIN_HOLD(r14)
DEFINE_MAIN_HOLD(r15)
DEFINE_MAIN_HOLD(xmm9)
DEFINE_MAIN_HOLD(mm3)
DEFINE_MAIN_HOLD(red_zone)

static void main_in_ymm9(void)
{
    if (__builtin_cpu_supports("avx2"))
        by_main(hold_in_ymm9);
    else
        await_end();
}

static void main_in_gs(void)
{
    if (getauxval(AT_HWCAP2) & HWCAP2_FSGSBASE)
        by_main(hold_in_gs);
    else
        await_end();
}

/* a thread that waits, and has a pointer to what others wait on */

static int live_word;

static void wait_with_register(struct object *unused)
{
    (void) unused;
    call[0] = SYS_futex;
    call[1] = (long) &live_word;
    call[2] = FUTEX_WAIT_PRIVATE;
    call[3] = 0;
    call[4] = 0;
    hold_in_rbx();
    wake_hidden();
}

static void place_in_waiter(void)
{
    (void) plant(FATE_ALIVE, wait_with_register, NULL);
}

static void wake_waiter(void)
{
    __atomic_store_n(&live_word, 1, __ATOMIC_SEQ_CST);
    (void) syscall(SYS_futex, &live_word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}
#endif

static struct object *live;
static _Thread_local struct object *volatile own;

static void wait_with_stack(struct object *object)
{
    struct object *volatile kept = reveal();
    hide(NULL);
    object_wait(object);
    object_wake(kept);
}

static void wait_with_own(struct object *object)
{
    own = reveal();
    hide(NULL);
    object_wait(object);
    object_wake(own);
}

static void place_on_stack(void)
{
    live = object_new(WAY_CONDITION);
    (void) plant(FATE_ALIVE, wait_with_stack, live);
}

static void place_in_own(void)
{
    live = object_new(WAY_CONDITION);
    (void) plant(FATE_ALIVE, wait_with_own, live);
}

/* Three threads, each of which the one before would wake. */
static void place_in_chain(void)
{
    struct object *last = reveal();
    live = object_new(WAY_CONDITION);
    for (struct object *object = live; object != last;) {
        struct object *next = object == live ? object_new(WAY_SEMAPHORE) : last;
        hide(next);
        (void) plant(FATE_ALIVE, wait_with_stack, object);
        while (reveal())
            (void) usleep(1000);
        object = next;
    }
}

static void wake_live(void)
{
    object_wake(live);
}

/* a thread that sleeps in a call which no other thread has to end */

static int ends[2];

static void read_with_stack(struct object *unused)
{
    struct object *volatile kept = reveal();
    char byte;

    (void) unused;
    hide(NULL);
    (void) !read(ends[0], &byte, 1);
    object_wake(kept);
}

static void place_in_reader(void)
{
    if (pipe(ends))
        abort();
    (void) plant(FATE_ALIVE, read_with_stack, NULL);
}

static void end_reader(void)
{
    (void) close(ends[1]);
}

static pthread_t reader;

static void join_reader(struct object *unused)
{
    (void) unused;
    (void) pthread_join(reader, NULL);
}

static void plant_joiner(void)
{
    hide(object_new(WAY_CONDITION)); /* for whom nobody waits */
    if (pipe(ends))
        abort();
    reader = plant(FATE_ALIVE, read_with_stack, NULL);
    (void) plant(FATE_ALIVE, join_reader, NULL);
}

/* owners of locks that nobody else knows any more */

static void own_and_read(struct object *unused)
{
    char byte;

    (void) unused;
    (void) pthread_mutex_lock(&reveal()->mutex);
    (void) !read(ends[0], &byte, 1);
    (void) pthread_mutex_unlock(&reveal()->mutex);
}

/* The kernel releases a robust mutex when its owner ends. */
static void own_until_the_end(struct object *unused)
{
    char byte;

    (void) unused;
    (void) pthread_mutex_lock(&reveal()->mutex);
    (void) !read(ends[0], &byte, 1);
}

static void lock_once(struct object *object)
{
    if (pthread_mutex_lock(&object->mutex) == 0)
        (void) pthread_mutex_unlock(&object->mutex);
}

static void plant_owner(int protocol, int robust)
{
    pthread_mutexattr_t attributes;
    struct object *object = object_new(WAY_MUTEX);

    (void) pthread_mutexattr_init(&attributes);
    (void) pthread_mutexattr_setprotocol(&attributes, protocol);
    (void) pthread_mutexattr_setrobust(&attributes, robust);
    (void) pthread_mutex_init(&object->mutex, &attributes);
    if (pipe(ends))
        abort();
    hide(object);
    (void) plant(FATE_ALIVE, robust == PTHREAD_MUTEX_ROBUST ? own_until_the_end : own_and_read,
                 NULL);
    while (pthread_mutex_trylock(&object->mutex) == 0) {
        (void) pthread_mutex_unlock(&object->mutex);
        (void) usleep(1000);
    }
    (void) plant(FATE_ALIVE, lock_once, object);
}

static void plant_owner_alive(void)
{
    plant_owner(PTHREAD_PRIO_NONE, PTHREAD_MUTEX_STALLED);
}

static void plant_owner_inherits(void)
{
    plant_owner(PTHREAD_PRIO_INHERIT, PTHREAD_MUTEX_STALLED);
}

static void plant_robust(void)
{
    plant_owner(PTHREAD_PRIO_NONE, PTHREAD_MUTEX_ROBUST);
}

const struct kind kept_kinds[] = {
#ifdef __x86_64__
    {"rbx of main", plant_hidden, .hold = main_in_rbx, .wake = wake_hidden},
    {"rbp of main", plant_hidden, .hold = main_in_rbp, .wake = wake_hidden},
    {"r8 of main", plant_hidden, .hold = main_in_r8, .wake = wake_hidden},
    {"r9 of main", plant_hidden, .hold = main_in_r9, .wake = wake_hidden},
    {"r12 of main", plant_hidden, .hold = main_in_r12, .wake = wake_hidden},
    {"r13 of main", plant_hidden, .hold = main_in_r13, .wake = wake_hidden},
    {"r14 of main", plant_hidden, .hold = main_in_r14, .wake = wake_hidden},
    {"r15 of main", plant_hidden, .hold = main_in_r15, .wake = wake_hidden},
    {"xmm9 of main", plant_hidden, .hold = main_in_xmm9, .wake = wake_hidden},
    {"upper half of ymm9 of main", plant_hidden, .hold = main_in_ymm9, .wake = wake_hidden},
    {"mm3 of main", plant_hidden, .hold = main_in_mm3, .wake = wake_hidden},
    {"gs of main", plant_hidden, .hold = main_in_gs, .wake = wake_hidden},
    {"red zone of main", plant_hidden, .hold = main_in_red_zone, .wake = wake_hidden},
    {"register of a waiter", plant_hidden, place_in_waiter, .wake = wake_waiter},
#endif
    {"stack of a waiter", plant_hidden, place_on_stack, .wake = wake_live},
    {"thread-local of a waiter", plant_hidden, place_in_own, .wake = wake_live},
    {"chain of waiters", plant_hidden, place_in_chain, .wake = wake_live},
    {"stack of a reader", plant_hidden, place_in_reader, .wake = end_reader},
    {"joiner of a reader", plant_joiner, .wake = end_reader},
    {"owner alive", plant_owner_alive, .wake = end_reader},
    {"owner alive, inheriting", plant_owner_inherits, .wake = end_reader},
    {"owner alive, robust", plant_robust, .wake = end_reader},
    {0},
};
