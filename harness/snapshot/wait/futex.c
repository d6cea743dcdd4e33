/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/snapshot/wait/futex.h"

#include <linux/futex.h>
#include <string.h>

#include "base/macros.h"

#define MAX_FRAMES_SEARCHED 12

/* Bits of the field kind of a mutex, beside the type in the lowest two. */
#define KIND_ROBUST   0x10
#define KIND_INHERIT  0x20
#define KIND_PROTECT  0x40
#define KIND_SHARED   0x80
#define KIND_ALL      0x3ff /* 0x100 and 0x200 what is known about elision */
#define CEILING_SHIFT 19    /* of the lock of a protected one: the ceiling stands above */

/* Where the descriptor of a thread has its tid; and at these places its own address. */
#define DESCRIPTOR_TID  0x2d0
#define DESCRIPTOR_SELF 16

/* Where a condition and a read-write lock have the two words that are waited on. */
#define CONDITION_WORDS 40
#define RWLOCK_WORDS    8

/* Bits of its readers, below their number. */
#define RWLOCK_WRITING 1 /* it is a writer's, and */
#define RWLOCK_WRITTEN 3 /* that has it */
#define RWLOCK_N_BITS  3

/* Waits for a lock of the library itself, as malloc has one: it is no pthread_mutex_t. */
#define LOCK_OF_LIBRARY "lll_lock_wait_private"

/*
 * Functions of glibc in which a thread waits at a futex, without what compilers and linkers add to
 * their names. Other functions of these families wait for something else, or not at all.
 */
static const struct primitive {
    const char *function;
    enum sl_wait_kind kind;
} primitives[] = {
    {"pthread_cond_wait", SL_WAIT_CONDITION},
    {"pthread_cond_wait_common", SL_WAIT_CONDITION},
    {"pthread_cond_timedwait", SL_WAIT_CONDITION},
    {"pthread_cond_clockwait", SL_WAIT_CONDITION},
    {"cnd_wait", SL_WAIT_CONDITION},
    {"cnd_timedwait", SL_WAIT_CONDITION},
    {"sem_wait", SL_WAIT_SEMAPHORE},
    {"sem_timedwait", SL_WAIT_SEMAPHORE},
    {"sem_clockwait", SL_WAIT_SEMAPHORE},
    {"new_sem_wait", SL_WAIT_SEMAPHORE},
    {"new_sem_wait_slow", SL_WAIT_SEMAPHORE},
    {"pthread_mutex_lock", SL_WAIT_MUTEX},
    {"pthread_mutex_lock_full", SL_WAIT_MUTEX},
    {"pthread_mutex_timedlock", SL_WAIT_MUTEX},
    {"pthread_mutex_clocklock", SL_WAIT_MUTEX},
    {"pthread_mutex_clocklock_common", SL_WAIT_MUTEX},
    {"pthread_mutex_cond_lock", SL_WAIT_MUTEX},
    {"pthread_mutex_cond_lock_full", SL_WAIT_MUTEX},
    {"mtx_lock", SL_WAIT_MUTEX},
    {"mtx_timedlock", SL_WAIT_MUTEX},
    {"lll_lock_wait", SL_WAIT_MUTEX},
    {LOCK_OF_LIBRARY, SL_WAIT_MUTEX},
    {"pthread_rwlock_rdlock", SL_WAIT_RWLOCK},
    {"pthread_rwlock_rdlock_full", SL_WAIT_RWLOCK},
    {"pthread_rwlock_timedrdlock", SL_WAIT_RWLOCK},
    {"pthread_rwlock_clockrdlock", SL_WAIT_RWLOCK},
    {"pthread_rwlock_wrlock", SL_WAIT_RWLOCK},
    {"pthread_rwlock_wrlock_full", SL_WAIT_RWLOCK},
    {"pthread_rwlock_timedwrlock", SL_WAIT_RWLOCK},
    {"pthread_rwlock_clockwrlock", SL_WAIT_RWLOCK},
    {"pthread_barrier_wait", SL_WAIT_BARRIER},
    {"pthread_join", SL_WAIT_JOIN},
    {"pthread_timedjoin_np", SL_WAIT_JOIN},
    {"pthread_timedjoin_ex", SL_WAIT_JOIN},
    {"pthread_clockjoin_np", SL_WAIT_JOIN},
    {"pthread_clockjoin_ex", SL_WAIT_JOIN},
    {"thrd_join", SL_WAIT_JOIN},
};

/* Between those and the call. */
static const char *const inner_functions[] = {
    "futex_wait",
    "futex_abstimed_wait",
    "futex_abstimed_wait_cancelable",
    "futex_abstimed_wait_common",
    "futex_lock_pi",
    "do_futex_wait",
    "lll_timedwait",
    "internal_syscall_cancel",
    "syscall_cancel",
    "syscall_cancel_arch",
};

bool sl_futex_is_library(const char *module)
{
    static const char *const names[] = {"libc.so.6", "libpthread.so.0"};
    static const char *const starts[] = {"libc-2.", "libpthread-2."};
    const char *name = sl_path_base(module);

    for (size_t i = 0; i < SL_COUNT_OF(names); i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    for (size_t i = 0; i < SL_COUNT_OF(starts); i++)
        if (strncmp(name, starts[i], strlen(starts[i])) == 0)
            return true;
    return false;
}

bool sl_futex_has_library(const struct sl_maps *maps)
{
    for (size_t i = 0; i < maps->n_mappings; i++)
        if (maps->mappings[i].inode && sl_futex_is_library(maps->mappings[i].path))
            return true;
    return false;
}

bool sl_futex_is_inheriting(const struct sl_syscall *call)
{
    uint32_t command = (uint32_t) call->args[1] & FUTEX_CMD_MASK;
    return command == FUTEX_LOCK_PI || command == FUTEX_LOCK_PI2;
}

bool sl_futex_may_take_mutex(const struct sl_syscall *call)
{
    uint32_t value = (uint32_t) call->args[2];

    /* A mutex is waited for as long as it is taken and waited for; the kernel's own hold a tid. */
    return sl_futex_is_inheriting(call) || (value & ((UINT32_C(1) << CEILING_SHIFT) - 1)) == 2 ||
           (value & FUTEX_WAITERS);
}

bool sl_futex_is_named(const char *name, const char *function)
{
    size_t length = strlen(function);

    name += strspn(name, "_");
    if (strncmp(name, "GI__", 4) == 0)
        name += 2 + strspn(name + 2, "_");
    if (strncmp(name, function, length) != 0)
        return false;
    name += length;
    if (strncmp(name, "64", 2) == 0)
        name += 2;
    return *name == '\0' || *name == '.' || *name == '@';
}

static const struct primitive *find_primitive(const char *name)
{
    for (size_t k = 0; name && k < SL_COUNT_OF(primitives); k++)
        if (sl_futex_is_named(name, primitives[k].function))
            return &primitives[k];
    return NULL;
}

static bool is_inner(const char *name)
{
    for (size_t k = 0; name && k < SL_COUNT_OF(inner_functions); k++)
        if (sl_futex_is_named(name, inner_functions[k]))
            return true;
    return false;
}

/*
 * The primitive in whose function the call was made, or NULL.
 *
 * @param ret_n_nameless  frames in front of the program's own, when all of them are the
 *                        library's and none of them has a name; else 0
 */
static const struct primitive *
primitive_of_stack(const struct sl_stack *stack, bool has_library, size_t *ret_n_nameless)
{
    size_t n = stack ? SL_MIN(stack->n_frames, (size_t) MAX_FRAMES_SEARCHED) : 0, n_named = 0;

    *ret_n_nameless = 0;
    for (size_t i = 0; i < n; i++) {
        const struct sl_frame *frame = &stack->frames[i];
        const struct primitive *primitive = find_primitive(frame->function);
        if (has_library && !sl_futex_is_library(frame->module)) {
            *ret_n_nameless = n_named ? 0 : i;
            break;
        }
        if (primitive)
            return primitive;
        if (!has_library && !is_inner(frame->function))
            break;
        n_named += frame->function != NULL;
    }
    return NULL;
}

static const struct primitive *
recall_primitive(const struct sl_futex_scene *scene, size_t *ret_n_nameless)
{
    const struct sl_stack *stack = scene->stack;
    struct sl_futex_memo *memo = scene->memo;

    if (!memo || !stack)
        return primitive_of_stack(stack, scene->has_library, ret_n_nameless);
    struct sl_futex_memo_entry *entry = &memo->entries[(uintptr_t) stack / 64 % SL_FUTEX_MEMO];
    if (entry->stack != stack) {
        entry->primitive = primitive_of_stack(stack, scene->has_library, &entry->n_nameless);
        entry->stack = stack;
    }
    *ret_n_nameless = entry->n_nameless;
    return entry->primitive;
}

static bool is_contended(const struct sl_mutex_head *head)
{
    if (head->kind & ~KIND_ALL)
        return false;
    if (head->kind & (KIND_ROBUST | KIND_INHERIT))
        return ((uint32_t) head->lock & FUTEX_TID_MASK) == (uint32_t) head->owner;
    if (head->kind & KIND_PROTECT)
        return (head->lock & ((1 << CEILING_SHIFT) - 1)) == 2;
    return head->lock == 2;
}

pid_t sl_futex_mutex_owner(const struct sl_mutex_head *mutex, bool *ret_shared)
{
    *ret_shared = mutex->kind & KIND_SHARED;
    return is_contended(mutex) && mutex->owner > 0 ? mutex->owner : 0;
}

bool sl_futex_inherits(const struct sl_mutex_head *mutex)
{
    return (mutex->kind & KIND_INHERIT) && is_contended(mutex);
}

pid_t sl_futex_rwlock_writer(const struct sl_rwlock_head *lock, bool *ret_shared)
{
    *ret_shared = lock->shared != 0;
    return (lock->readers & RWLOCK_WRITTEN) == RWLOCK_WRITTEN && lock->writer > 0 ? lock->writer
                                                                                  : 0;
}

bool sl_futex_rwlock_is_read(const struct sl_rwlock_head *lock)
{
    return !(lock->readers & RWLOCK_WRITING) && lock->readers >> RWLOCK_N_BITS;
}

/* A call as the library makes it at such a primitive; where its code has no module of its own. */
static bool
agrees(enum sl_wait_kind kind, const struct sl_syscall *call, const struct sl_mutex_head *mutex)
{
    uint32_t command = (uint32_t) call->args[1] & FUTEX_CMD_MASK, value = (uint32_t) call->args[2];
    bool shared = !((uint32_t) call->args[1] & FUTEX_PRIVATE_FLAG);
    bool by_bitset = command == FUTEX_WAIT_BITSET;

    switch (kind) {
    case SL_WAIT_MUTEX:
        return mutex && is_contended(mutex) && mutex->owner > 0;
    case SL_WAIT_CONDITION:
    case SL_WAIT_RWLOCK:
        return by_bitset;
    case SL_WAIT_SEMAPHORE:
        return by_bitset && value == 0;
    case SL_WAIT_JOIN:
        return by_bitset && shared && value > 0;
    default:
        return command == FUTEX_WAIT;
    }
}

/*
 * Two or more frames of the library without names: not its function `syscall`, through which
 * programs make calls of their own.  Of its primitives only semaphores and conditions wait for a
 * word that is 0, and those of conditions have names in every build; a semaphore has the number of
 * its waiters behind its value.
 */
static bool may_be_semaphore(const struct sl_syscall *call, size_t n_nameless)
{
    return n_nameless >= 2 && agrees(SL_WAIT_SEMAPHORE, call, NULL);
}

static bool
is_semaphore(const struct sl_syscall *call, size_t n_nameless, const struct sl_futex_scene *scene)
{
    uint32_t words[2]; /* value, number of waiters */

    if (!may_be_semaphore(call, n_nameless))
        return false;
    if (scene->words)
        memcpy(words, scene->words, sizeof words);
    else if (!scene->reader ||
             !sl_reader_read_all(scene->reader, call->args[0], words, sizeof words))
        return false;
    return words[0] == 0 && words[1] > 0;
}

bool sl_futex_wants_words(const struct sl_syscall *call, const struct sl_futex_scene *scene)
{
    size_t n_nameless;

    return !recall_primitive(scene, &n_nameless) && may_be_semaphore(call, n_nameless);
}

/*
 * Code of the library without a name that waits at what looks like a mutex that somebody
 * has: pthread_mutex_lock jumps to such code for mutexes that are robust or inherit.
 */
static bool is_nameless_mutex(const struct sl_mutex_head *mutex, size_t n_nameless)
{
    return n_nameless && mutex && is_contended(mutex) && mutex->owner > 0;
}

/* A wait for the tid of a thread, which the kernel clears when it ends, in its descriptor. */
static bool is_join(const struct sl_syscall *call, struct sl_reader *reader)
{
    uint64_t descriptor = call->args[0] - DESCRIPTOR_TID;
    uint64_t words[DESCRIPTOR_SELF / sizeof(uint64_t) + 1];
    return reader && agrees(SL_WAIT_JOIN, call, NULL) &&
           sl_reader_read_all(reader, descriptor, words, sizeof words) && words[0] == descriptor &&
           words[SL_COUNT_OF(words) - 1] == descriptor;
}

/* Waiting in a condition, but not by bit set: the mutex is being taken back, if it is one. */
static bool is_taken_back(const struct sl_syscall *call, const struct sl_mutex_head *mutex)
{
    return !agrees(SL_WAIT_CONDITION, call, NULL) && mutex && is_contended(mutex) &&
           mutex->owner > 0;
}

bool sl_futex_may_be_refused(const struct sl_syscall *call)
{
    return call->args[2] == 0 && call->args[0] - call->sp < SL_REFUSED_SIZE;
}

struct sl_futex sl_futex_classify(const struct sl_syscall *call, const struct sl_mutex_head *mutex,
                                  const struct sl_futex_scene *scene)
{
    size_t n_nameless;
    const struct primitive *primitive = recall_primitive(scene, &n_nameless);
    struct sl_futex futex = {.kind = primitive ? primitive->kind : SL_WAIT_FUTEX,
                             .object = call->args[0]};

    if (primitive && strcmp(primitive->function, LOCK_OF_LIBRARY) == 0)
        mutex = NULL;
    if (futex.kind == SL_WAIT_CONDITION && is_taken_back(call, mutex))
        futex.kind = SL_WAIT_MUTEX;
    if (futex.kind == SL_WAIT_FUTEX && is_semaphore(call, n_nameless, scene))
        futex.kind = SL_WAIT_SEMAPHORE;
    if (futex.kind == SL_WAIT_FUTEX && is_join(call, scene->reader))
        futex.kind = SL_WAIT_JOIN;
    futex.by_owner = futex.kind == SL_WAIT_FUTEX && is_nameless_mutex(mutex, n_nameless);
    if (futex.by_owner)
        futex.kind = SL_WAIT_MUTEX;
    if ((!scene->has_library || futex.kind == SL_WAIT_CONDITION) &&
        !agrees(futex.kind, call, mutex) &&
        !(futex.kind == SL_WAIT_MUTEX && sl_futex_may_be_refused(call)))
        futex.kind = SL_WAIT_FUTEX;

    switch (futex.kind) {
    case SL_WAIT_CONDITION:
        futex.object = (call->args[0] & ~UINT64_C(7)) - CONDITION_WORDS;
        break;
    case SL_WAIT_RWLOCK:
        futex.object = (call->args[0] & ~UINT64_C(7)) - RWLOCK_WORDS;
        break;
    case SL_WAIT_BARRIER: /* at 4 */
        futex.object = call->args[0] & ~UINT64_C(7);
        break;
    case SL_WAIT_MUTEX:
        futex.owner = mutex && is_contended(mutex) ? mutex->owner : 0;
        break;
    case SL_WAIT_JOIN:
        futex.owner = (pid_t) call->args[2];
        break;
    default:
        break;
    }
    return futex;
}
