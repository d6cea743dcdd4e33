/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/snapshot/target/errand.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <linux/openat2.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/macros.h"

#define STACK_SIZE 16384
#define CHUNK      ((size_t) 64 * 1024)

/* Only there when ThreadSanitizer is, which knows of no task beside its threads. */
void __tsan_init(void) __attribute__((weak));

/* Memory that both have, until the task has ended. */
struct errand {
    alignas(16) unsigned char stack[STACK_SIZE];
    atomic_int alive; /* the kernel sets it to 0, and wakes who waits there */
    pid_t parent, tid;
    struct errand *next; /* among the killed */
    int kept;            /* the one descriptor that it has; -1: none */
    long nr, arguments[6], result;
    struct iovec local, remote;
    struct open_how how;
    struct statfs file_system;
    union {
        char path[PATH_MAX];
        unsigned char data[CHUNK];
    };
};

/* Errands that were given up, of any look: they end when the kernel finds the time, or never. */
static struct errand *killed;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* the list; not held over a wait */

/* By hand: errno is of the thread that it shares its registers' meaning with. */
static inline __attribute__((always_inline)) long
call(long nr, long a, long b, long c, long d, long e, long f)
{
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    long result;

    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}

/* Runs beside the thread that made it, with its thread pointer: no library, nothing of its own. */
static __attribute__((no_sanitize("address", "thread", "undefined"))) int run(void *argument)
{
    struct errand *errand = argument;
    const long *a = errand->arguments;

    (void) call(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0, 0);
    /* Of its own table: who waits for the end of a pipe of ours should not wait for this. */
    if (errand->kept > 0)
        (void) call(SYS_close_range, 0, errand->kept - 1, 0, 0, 0, 0);
    (void) call(SYS_close_range, errand->kept + 1, UINT_MAX, 0, 0, 0, 0);
    if (call(SYS_getppid, 0, 0, 0, 0, 0, 0) == errand->parent)
        errand->result = call(errand->nr, a[0], a[1], a[2], a[3], a[4], a[5]);
    (void) call(SYS_exit, 0, 0, 0, 0, 0, 0);
    return 0;
}

/* @return whether it is gone */
static bool await_end(struct errand *errand, uint64_t limit_ns)
{
    const uint64_t end = sl_clock_now_ns() + limit_ns;
    int alive;

    while ((alive = atomic_load(&errand->alive))) {
        struct timespec left = sl_clock_to_timespec(sl_clock_left_ns(end));
        if (!left.tv_sec && !left.tv_nsec)
            return false;
        (void) syscall(SYS_futex, &errand->alive, FUTEX_WAIT, alive, &left, NULL, 0);
    }
    return true;
}

static void bury(struct errand *errand)
{
    (void) pthread_mutex_lock(&lock);
    errand->next = killed;
    killed = errand;
    (void) pthread_mutex_unlock(&lock);
}

static void reap(struct errand *errand)
{
    while (waitpid(errand->tid, NULL, __WCLONE) < 0 && errno == EINTR)
        continue;
}

/* @return false when it was given up: then it is no longer the caller's */
static bool run_errand(struct errand *errand, uint64_t limit_ns, int kept)
{
    const int flags = CLONE_VM | CLONE_UNTRACED | CLONE_CHILD_CLEARTID | CLONE_CHILD_SETTID;

    errand->kept = kept;
    errand->parent = getpid();
    errand->result = -ETIMEDOUT;
    atomic_init(&errand->alive, 1);
    errand->tid = __tsan_init ? -1
                              : clone(run, errand->stack + sizeof errand->stack, flags, errand,
                                      NULL, NULL, &errand->alive);
    if (errand->tid < 0) {
        errand->result = -ENOSYS;
        return true;
    }
    if (await_end(errand, limit_ns)) {
        reap(errand);
        return true;
    }
    (void) kill(errand->tid, SIGKILL);
    bury(errand);
    return false;
}

static struct errand *errand_new(void)
{
    struct errand *errand = mmap(NULL, sizeof *errand, PROT_READ | PROT_WRITE,
                                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return errand == MAP_FAILED ? NULL : errand;
}

static void errand_free(struct errand *errand)
{
    (void) munmap(errand, sizeof *errand);
}
SL_DEFINE_AUTO(errand, errand_free);

void sl_errand_reap(uint64_t limit_ns)
{
    const uint64_t end = sl_clock_now_ns() + limit_ns;

    (void) pthread_mutex_lock(&lock);
    struct errand *list = SL_TAKE(killed);
    (void) pthread_mutex_unlock(&lock);
    for (struct errand *errand = list, *next; errand; errand = next) {
        next = errand->next;
        if (await_end(errand, sl_clock_left_ns(end))) {
            reap(errand);
            errand_free(errand);
        } else {
            bury(errand);
        }
    }
}

ssize_t
sl_errand_read_memory(uint64_t limit_ns, pid_t pid, uint64_t address, void *data, size_t size)
{
    SL_AUTO(errand) struct errand *errand = errand_new();

    if (!errand)
        return -ENOMEM;
    size = SL_MIN(size, sizeof errand->data);
    errand->local = (struct iovec){errand->data, size};
    errand->remote = (struct iovec){(void *) (uintptr_t) address, size};
    errand->nr = SYS_process_vm_readv;
    errand->arguments[0] = pid;
    errand->arguments[1] = (long) &errand->local;
    errand->arguments[2] = 1;
    errand->arguments[3] = (long) &errand->remote;
    errand->arguments[4] = 1;
    if (!run_errand(errand, limit_ns, -1)) {
        errand = NULL;
        return -ETIMEDOUT;
    }
    if (errand->result > 0)
        memcpy(data, errand->data, SL_MIN((size_t) errand->result, size));
    return errand->result;
}

int sl_errand_walk(uint64_t limit_ns, int directory, const char *path, uint64_t flags,
                   uint64_t resolve)
{
    SL_AUTO(errand) struct errand *errand = errand_new();
    size_t size = strlen(path) + 1;

    if (!errand || size > sizeof errand->path)
        return errand ? -ENAMETOOLONG : -ENOMEM;
    memcpy(errand->path, path, size);
    errand->how = (struct open_how){.flags = O_PATH | O_CLOEXEC | flags, .resolve = resolve};
    errand->nr = SYS_openat2;
    errand->arguments[0] = directory;
    errand->arguments[1] = (long) errand->path;
    errand->arguments[2] = (long) &errand->how;
    errand->arguments[3] = sizeof errand->how;
    if (!run_errand(errand, limit_ns, directory)) {
        errand = NULL;
        return -ETIMEDOUT;
    }
    return (int) SL_MIN(errand->result, 0);
}

int sl_errand_file_system(uint64_t limit_ns, int fd, int64_t *ret_type)
{
    SL_AUTO(errand) struct errand *errand = errand_new();

    if (!errand)
        return -ENOMEM;
    errand->nr = SYS_fstatfs;
    errand->arguments[0] = fd;
    errand->arguments[1] = (long) &errand->file_system;
    if (!run_errand(errand, limit_ns, fd)) {
        errand = NULL;
        return -ETIMEDOUT;
    }
    *ret_type = (int64_t) errand->file_system.f_type;
    return (int) errand->result;
}
