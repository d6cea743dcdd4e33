/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/leak/stack/process_threads.h"

#include <string.h>
#include <sys/syscall.h>

#include "base/macros.h"
#include "harness/leak/stack/names.h"
#include "harness/leak/stack/runtime.h"

/*
 * One kind.  The module is the start of a file name, up to its '.' or '-' ("libgomp" is
 * libgomp.so.1 and a copy that was renamed libgomp-a34b.so).  Where `function` is set it has to be
 * on the stack; where the library has no symbol for it, the start of the thread's name or the
 * system call has to fit, and a kind with neither is not recognised then.
 */
struct kind {
    const char *module;
    const char *function; /* NULL: every thread that has no frame outside */
    const char *name;
    long syscall; /* 0: not known */
    const char *reason;
};

static const char timers[] = "glibc's helper for timers that start threads, never ended";
static const char aio[] = "glibc's helpers for aio_read and aio_write, which end when idle";
static const char resolver[] = "glibc's helpers for getaddrinfo_a, which end when idle";
static const char openmp[] = "OpenMP's team, kept for the next parallel region";

/* Only with a time-out: a thread of an exclusive pool waits for ever, and is its owner's. */
static const char idle_pool[] = "idle threads of GLib's pools, kept for a while";

static const struct kind kinds[] = {
    {"libc", "timer_helper_thread", NULL, SYS_rt_sigtimedwait, timers},
    {"librt", "timer_helper_thread", NULL, SYS_rt_sigtimedwait, timers},
    {"libc", "handle_fildes_io", NULL, 0, aio},
    {"librt", "handle_fildes_io", NULL, 0, aio},
    {"libc", "handle_requests", NULL, 0, resolver},
    {"libanl", "handle_requests", NULL, 0, resolver},
    {"libgomp", NULL, NULL, 0, openmp},
    {"libomp", NULL, NULL, 0, openmp},
    {"libiomp5", NULL, NULL, 0, openmp},
    {"libtbb", NULL, NULL, 0, "workers of oneTBB, which all of the process shares"},
    {"libuv", "worker", NULL, SYS_futex, "libuv's pool, which all loops of the process share"},
    {"libopenblas", NULL, NULL, 0, "OpenBLAS's pool, kept for the next call"},
    {"libjemalloc", NULL, NULL, 0, "jemalloc's threads, which give memory back"},
    {"libglib-2", "g_thread_pool_thread_proxy", "pool-", 0, idle_pool},
    {"libglib-2", "g_thread_pool_spawn_thread", "pool-spawner", 0,
     "GLib's thread that starts those of its pools, never ended"},
    {"libglib-2", "glib_worker_main", "gmain", 0, "GLib's own loop, never ended"},
    {"libgio-2", "gdbus_shared_thread_func", "gdbus", 0,
     "GIO's loop for all D-Bus connections of the process, never ended"},
};

static bool is_of(const char *module, const char *start)
{
    size_t size = strlen(start);
    const char *file = sl_path_base(module);
    return strncmp(file, start, size) == 0 && (file[size] == '.' || file[size] == '-');
}

static bool may_hold(const struct sl_frame *frame, const struct kind *kind)
{
    return is_of(frame->module, kind->module) || runtime_has(frame, false) ||
           /* GIO runs on top of GLib. */
           (strcmp(kind->module, "libgio-2") == 0 && is_of(frame->module, "libglib-2"));
}

static bool has_function(const struct sl_stack *stack, const char *module, const char *function)
{
    for (size_t i = 0; i < stack->n_frames; i++) {
        const struct sl_frame *frame = &stack->frames[i];
        if (is_of(frame->module, module) && names_is(names_function(frame->function), function))
            return true;
    }
    return false;
}

/*
 * Does the library leave the function of this thread without a name?  libc's own way of starting
 * a thread has two such frames already.
 */
static bool is_nameless(const struct sl_stack *stack, const struct kind *kind)
{
    size_t n = 0, n_started = strcmp(kind->module, "libc") == 0 ? 2 : 0;
    for (size_t i = 0; i < stack->n_frames; i++)
        n += is_of(stack->frames[i].module, kind->module) && !stack->frames[i].function;
    return n > n_started;
}

static bool is_kind(const struct sl_thread *thread, const struct kind *kind)
{
    const struct sl_stack *stack = thread->stack;
    bool there = false;

    for (size_t i = 0; i < stack->n_frames; i++) {
        if (!may_hold(&stack->frames[i], kind))
            return false;
        there = there || is_of(stack->frames[i].module, kind->module);
    }
    if (!there || (kind->reason == idle_pool && !thread->wait.timed))
        return false;
    if (!kind->function || has_function(stack, kind->module, kind->function))
        return true;
    if (!is_nameless(stack, kind))
        return false;
    /* A loop that somebody started with GLib's own function; GLib's do without it. */
    if (strcmp(kind->module, "libglib-2") == 0 &&
        has_function(stack, kind->module, "g_main_loop_run"))
        return false;
    return kind->syscall ? thread->wait.syscall_nr == kind->syscall
                         : kind->name && strncmp(thread->name, kind->name, strlen(kind->name)) == 0;
}

static bool is_foreign(const struct sl_frame *frame)
{
    for (size_t i = 0; i < SL_COUNT_OF(kinds); i++)
        if (is_of(frame->module, kinds[i].module))
            return false;
    return !runtime_has(frame, false);
}

bool process_threads_may_have(const struct sl_stack *stack)
{
    /* The outermost frame of a partial stack may be anybody's. */
    if (!stack || !stack->complete || !stack->n_frames)
        return false;
    for (size_t i = 0; i < stack->n_frames; i++)
        if (is_foreign(&stack->frames[i]))
            return false;
    return true;
}

const char *process_threads_kind(const struct sl_thread *thread)
{
    if (!process_threads_may_have(thread->stack))
        return NULL;
    for (size_t i = 0; i < SL_COUNT_OF(kinds); i++)
        if (is_kind(thread, &kinds[i]))
            return kinds[i].reason;
    return NULL;
}
