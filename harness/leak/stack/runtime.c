/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/leak/stack/runtime.h"

#include <string.h>

#include "base/macros.h"
#include "harness/leak/stack/names.h"
#include "harness/leak/stack/plumbing.h"

/* Starts of file names. */
static const char *const c_libraries[] = {
    "libc.so",  "libc-2.", "libpthread.so", "libpthread-2.",
    "ld-linux", "ld-2.",   "ld-musl",       "libc.musl",
};
/* The sanitizers wrap thread start and every blocking call. */
static const char *const other_runtimes[] = {
    "[vdso]",     "[vsyscall]", "libstdc++.so", "libc++.so",  "libc++abi.so", "libgcc_s.so",
    "libasan.so", "libtsan.so", "libubsan.so",  "liblsan.so", "libclang_rt.",
};

/* How threads and processes start; everything outside of them is nobody's code. */
static const struct {
    const char *function;
    bool anywhere; /* also in a program that has a C library beside it */
} start_functions[] = {
    {"_start", true},
    {"__libc_start_main", false},
    {"__libc_start_main_impl", false},
    {"__libc_start_call_main", false},
    {"start_thread", false},
    {"clone", false},
    {"__clone", false},
    {"clone3", false},
    {"__clone3", false},
    {"__clone_internal", false},
    {"execute_native_thread_routine", true}, /* libstdc++ linked statically */
    {"asan_thread_start", true},             /* so are clang's sanitizers */
    {"__tsan_thread_start_func", true},
};

/*
 * In a static program the C library has no module of its own.  These are the names under which
 * threads block there, without "__GI_", leading underscores and a "64" at the end.
 */
static const char *const wait_functions[] = {
    "clock_nanosleep",
    "cnd_timedwait",
    "cnd_wait",
    "futex_abstimed_wait",
    "futex_abstimed_wait_cancelable",
    "futex_abstimed_wait_common",
    "futex_lock_pi",
    "futex_wait",
    "futex_wait_cancelable",
    "futex_wait_simple",
    "internal_syscall_cancel",
    "lll_clocklock_wait",
    "lll_lock_wait",
    "lll_lock_wait_private",
    "lll_timedlock_wait",
    "lll_wait_tid",
    "mtx_lock",
    "mtx_timedlock",
    "new_sem_wait",
    "new_sem_wait_slow",
    "pthread_barrier_wait",
    "pthread_clockjoin_ex",
    "pthread_clockjoin_np",
    "pthread_cond_clockwait",
    "pthread_cond_timedwait",
    "pthread_cond_wait",
    "pthread_cond_wait_common",
    "pthread_join",
    "pthread_mutex_clocklock",
    "pthread_mutex_clocklock_common",
    "pthread_mutex_cond_lock",
    "pthread_mutex_cond_lock_full",
    "pthread_mutex_lock",
    "pthread_mutex_lock_full",
    "pthread_mutex_timedlock",
    "pthread_once",
    "pthread_once_slow",
    "pthread_rwlock_clockrdlock",
    "pthread_rwlock_clockwrlock",
    "pthread_rwlock_rdlock",
    "pthread_rwlock_rdlock_full",
    "pthread_rwlock_timedrdlock",
    "pthread_rwlock_timedwrlock",
    "pthread_rwlock_wrlock",
    "pthread_rwlock_wrlock_full",
    "pthread_timedjoin_np",
    "sem_clockwait",
    "sem_timedwait",
    "sem_wait",
    "syscall_cancel",
    "syscall_cancel_arch",
    "thrd_join",
};

static bool is_any(const char *module, const char *const *prefixes, size_t n)
{
    const char *file = sl_path_base(module);

    /* Asked for every frame: most differ in their first letters. */
    for (size_t i = 0; i < n; i++) {
        const char *prefix = prefixes[i];
        size_t same = 0;
        while (prefix[same] && file[same] == prefix[same])
            same++;
        if (!prefix[same])
            return true;
    }
    return false;
}

static bool is_in_c_library(const struct sl_frame *frame)
{
    return is_any(frame->module, c_libraries, SL_COUNT_OF(c_libraries));
}

static bool is_in_runtime_module(const struct sl_frame *frame)
{
    return is_in_c_library(frame) ||
           is_any(frame->module, other_runtimes, SL_COUNT_OF(other_runtimes));
}

bool runtime_is_static(const struct sl_stack *stack)
{
    for (size_t i = 0; i < stack->n_frames; i++)
        if (is_in_c_library(&stack->frames[i]))
            return false;
    return true;
}

static bool is_start(const struct sl_frame *frame, bool is_static)
{
    if (!frame->function)
        return false;
    struct stack_name name = names_function(frame->function);
    for (size_t i = 0; i < SL_COUNT_OF(start_functions); i++)
        if (names_is(name, start_functions[i].function))
            return is_static || start_functions[i].anywhere || is_in_runtime_module(frame);
    return false;
}

static bool is_wait(const struct sl_frame *frame)
{
    if (!frame->function)
        return false;
    struct stack_name name = names_function(frame->function);
    name = names_bare(name);
    if (name.size > 2 && memcmp(name.text + name.size - 2, "64", 2) == 0)
        name.size -= 2;
    for (size_t i = 0; i < SL_COUNT_OF(wait_functions); i++)
        if (names_is(name, wait_functions[i]))
            return true;
    return false;
}

bool runtime_is_native(const struct sl_frame *frame, bool is_static)
{
    return is_in_runtime_module(frame) || is_start(frame, is_static) ||
           (is_static && is_wait(frame));
}

bool runtime_has(const struct sl_frame *frame, bool is_static)
{
    return runtime_is_native(frame, is_static) || plumbing_is_rust_std(frame->function);
}

size_t runtime_entry(const struct sl_stack *stack)
{
    bool is_static = runtime_is_static(stack);

    for (size_t i = stack->n_frames; i-- > 0;) {
        const struct sl_frame *frame = &stack->frames[i];
        if (!is_in_runtime_module(frame) && !is_start(frame, is_static) &&
            !plumbing_is_rust_std(frame->function))
            return i;
    }
    for (size_t i = stack->n_frames; i-- > 0;)
        if (!is_start(&stack->frames[i], is_static))
            return i;
    return stack->n_frames - 1;
}
