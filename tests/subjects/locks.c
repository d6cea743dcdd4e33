/* SPDX-License-Identifier: Apache-2.0 */
/*
 * locks [nested]: thread `holder` holds a mutex of every kind and pauses; for each kind a thread
 * that is named after it waits for that mutex.  `joiner` joins the holder.  With `nested`, all
 * that in a pid namespace, where ids are others: in a child, and the process that was started only
 * waits for it (status 77 where no namespace may be made).
 *
 * Functions of the program itself, named like those of the C library, that call futex by
 * themselves; each in a thread that is named so:
 *
 *     wrapper    pthread_mutex_lock_wrapper     refill     mtx_refill_pool
 *     jobs       sem_wait_for_job               exact      cnd_wait, which the library has as well
 *     timed_own  pthread_cond_timedwait_own, with the bits and values of a condition
 *
 * The main thread reads standard input and ends the process when that is closed.
 */
#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define EXIT_SKIP   77
#define MTX_PLAIN   0
#define N_OWN       5
#define FUTEX_TAKEN 2
#ifdef __clang__
#define DO_NOT_INLINE __attribute__((noinline))
#else
#define DO_NOT_INLINE __attribute__((noinline, noclone))
#endif

int mtx_init(void *mutex, int type); /* of <threads.h>, which declares cnd_wait as well */
int mtx_lock(void *mutex);
int cnd_wait(void *word, void *unused);

enum kind {
    KIND_DEFAULT,
    KIND_NORMAL,
    KIND_RECURSIVE,
    KIND_ERRORCHECK,
    KIND_ADAPTIVE,
    KIND_ROBUST,
    KIND_INHERIT,
    KIND_PROTECT,
    KIND_SHARED,
    KIND_TIMED,
    KIND_C11,
    N_KINDS
};

static const char *const kind_names[N_KINDS] = {
    [KIND_DEFAULT] = "default",       [KIND_NORMAL] = "normal",     [KIND_RECURSIVE] = "recursive",
    [KIND_ERRORCHECK] = "errorcheck", [KIND_ADAPTIVE] = "adaptive", [KIND_ROBUST] = "robust",
    [KIND_INHERIT] = "inherit",       [KIND_PROTECT] = "protect",   [KIND_SHARED] = "shared",
    [KIND_TIMED] = "timed",           [KIND_C11] = "c11",
};

static pthread_mutex_t mutexes[N_KINDS];
static pthread_t holder;
static atomic_int holding;
static int word;

static void init(enum kind kind)
{
    pthread_mutexattr_t attributes;
    (void) pthread_mutexattr_init(&attributes);
    static const int types[N_KINDS] = {
        [KIND_RECURSIVE] = PTHREAD_MUTEX_RECURSIVE,
        [KIND_ERRORCHECK] = PTHREAD_MUTEX_ERRORCHECK,
        [KIND_ADAPTIVE] = PTHREAD_MUTEX_ADAPTIVE_NP,
    };
    if (types[kind] || kind == KIND_NORMAL) /* saying so makes another kind than saying nothing */
        (void) pthread_mutexattr_settype(&attributes, types[kind]);
    if (kind == KIND_ROBUST)
        (void) pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    if (kind == KIND_INHERIT)
        (void) pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT);
    if (kind == KIND_SHARED)
        (void) pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    if (kind == KIND_C11)
        (void) mtx_init(&mutexes[kind], MTX_PLAIN);
    else
        (void) pthread_mutex_init(&mutexes[kind], &attributes);
}

static int lock(enum kind kind)
{
    struct timespec end = {.tv_sec = INT32_MAX};
    if (kind == KIND_C11)
        return mtx_lock(&mutexes[kind]);
    return kind == KIND_TIMED ? pthread_mutex_timedlock(&mutexes[kind], &end)
                              : pthread_mutex_lock(&mutexes[kind]);
}

/* A ceiling needs a priority of its own, which not everybody may have: see the unit test. */
static int is_tried(enum kind kind)
{
    return kind != KIND_PROTECT;
}

static void *hold(void *argument)
{
    (void) pthread_setname_np(pthread_self(), "holder");
    for (enum kind kind = 0; kind < N_KINDS; kind++)
        if (is_tried(kind))
            (void) lock(kind);
    atomic_store(&holding, 1);
    for (;;)
        (void) pause();
    return argument;
}

static void *wait_for(void *argument)
{
    enum kind kind = (enum kind)(uintptr_t) argument;
    (void) pthread_setname_np(pthread_self(), kind_names[kind]);
    (void) lock(kind);
    return NULL;
}

static void *join(void *argument)
{
    (void) pthread_setname_np(pthread_self(), "joiner");
    (void) pthread_join(holder, NULL);
    return argument;
}

static void wait_at(int *at, int operation, int value)
{
    for (;;)
        (void) syscall(SYS_futex, at, operation, value, NULL, NULL, FUTEX_BITSET_MATCH_ANY);
}

DO_NOT_INLINE static void pthread_mutex_lock_wrapper(void)
{
    static int lock_word = FUTEX_TAKEN;
    wait_at(&lock_word, FUTEX_WAIT_PRIVATE, FUTEX_TAKEN);
}

DO_NOT_INLINE static void mtx_refill_pool(void)
{
    wait_at(&word, FUTEX_WAIT_PRIVATE, 0);
}

DO_NOT_INLINE static void sem_wait_for_job(void)
{
    static int words[2] = {0, 1}; /* looks like a semaphore with one waiter */
    wait_at(words, FUTEX_WAIT_BITSET_PRIVATE | FUTEX_CLOCK_REALTIME, 0);
}

DO_NOT_INLINE int cnd_wait(void *at, void *unused)
{
    (void) unused;
    wait_at(at, FUTEX_WAIT_PRIVATE, 0);
    return 0;
}

DO_NOT_INLINE static void pthread_cond_timedwait_own(void)
{
    wait_at(&word, FUTEX_WAIT_BITSET_PRIVATE | FUTEX_CLOCK_REALTIME, 0);
}

static void *run_own(void *argument)
{
    static const char *const names[N_OWN] = {"wrapper", "refill", "jobs", "exact", "timed_own"};
    uintptr_t which = (uintptr_t) argument;
    (void) pthread_setname_np(pthread_self(), names[which]);
    if (which == 0)
        pthread_mutex_lock_wrapper();
    else if (which == 1)
        mtx_refill_pool();
    else if (which == 2)
        sem_wait_for_job();
    else if (which == 3)
        (void) cnd_wait(&word, NULL);
    else
        pthread_cond_timedwait_own();
    return NULL;
}

/* The child's end is that of the process that was started. */
static void enter_namespace(void)
{
    int status;
    if (unshare(CLONE_NEWPID))
        _exit(write(STDOUT_FILENO, ".", 1) == 1 ? EXIT_SKIP : 1);
    pid_t child = fork();
    if (child > 0)
        _exit(waitpid(child, &status, 0) == child && WIFEXITED(status) ? WEXITSTATUS(status) : 1);
    (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
}

int main(int argc, char **argv)
{
    pthread_t thread;
    char byte = '.';

    if (argc > 1 && strcmp(argv[1], "nested") == 0)
        enter_namespace();
    for (enum kind kind = 0; kind < N_KINDS; kind++)
        init(kind);
    if (pthread_create(&holder, NULL, hold, NULL))
        return 1;
    while (!atomic_load(&holding))
        (void) sched_yield();
    for (uintptr_t kind = 0; kind < N_KINDS; kind++)
        if (is_tried((enum kind) kind) && pthread_create(&thread, NULL, wait_for, (void *) kind))
            return 1;
    if (pthread_create(&thread, NULL, join, NULL))
        return 1;
    for (uintptr_t i = 0; i < N_OWN; i++)
        if (pthread_create(&thread, NULL, run_own, (void *) i))
            return 1;
    if (write(STDOUT_FILENO, &byte, 1) != 1)
        return 1;
    while (read(STDIN_FILENO, &byte, 1) > 0)
        continue;
    _exit(0);
}
