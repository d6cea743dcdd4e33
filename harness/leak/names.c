/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/leak/names.h"

#include <string.h>

#include "base/macros.h"
#include "harness/leak/leak.h"
#include "harness/leak/plumbing.h"
#include "harness/model/function_name.h"

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

#define PART_MARK ".part."

static bool starts_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static bool starts_with_any(const char *text, const char *const *prefixes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (starts_with(text, prefixes[i]))
            return true;
    return false;
}

struct sl_leak_name sl_leak_function_name(const char *function)
{
    return function ? (struct sl_leak_name){function, sl_function_name_length(function)}
                    : (struct sl_leak_name){"", 0};
}

struct sl_leak_name sl_leak_module_name(const char *module)
{
    static const char deleted[] = " (deleted)";
    const char *text = sl_path_base(module);
    size_t size = strlen(text), deleted_size = sizeof deleted - 1;

    if (size > deleted_size && strcmp(text + size - deleted_size, deleted) == 0)
        size -= deleted_size;
    const char *version = strstr(text, ".so.");
    if (version) {
        version += strlen(".so.");
        size = (size_t) (version - text) + strspn(version, "0123456789");
    }
    return (struct sl_leak_name){text, size};
}

bool sl_leak_name_equal(struct sl_leak_name a, struct sl_leak_name b)
{
    return a.size == b.size && memcmp(a.text, b.text, a.size) == 0;
}

bool sl_leak_module_is(const char *module, const char *prefix)
{
    return starts_with(sl_path_base(module), prefix);
}

static bool name_is(struct sl_leak_name name, const char *text)
{
    return sl_leak_name_equal(name, (struct sl_leak_name){text, strlen(text)});
}

static bool is_in_c_library(const struct sl_frame *frame)
{
    return starts_with_any(sl_path_base(frame->module), c_libraries, SL_COUNT_OF(c_libraries));
}

static bool is_in_runtime_module(const struct sl_frame *frame)
{
    return is_in_c_library(frame) || starts_with_any(sl_path_base(frame->module), other_runtimes,
                                                     SL_COUNT_OF(other_runtimes));
}

bool sl_leak_is_static(const struct sl_stack *stack)
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
    struct sl_leak_name name = sl_leak_function_name(frame->function);
    for (size_t i = 0; i < SL_COUNT_OF(start_functions); i++)
        if (name_is(name, start_functions[i].function))
            return is_static || start_functions[i].anywhere || is_in_runtime_module(frame);
    return false;
}

static bool is_wait(const struct sl_frame *frame)
{
    if (!frame->function)
        return false;
    struct sl_leak_name name = sl_leak_function_name(frame->function);
    name = sl_leak_bare_name(name);
    if (name.size > 2 && memcmp(name.text + name.size - 2, "64", 2) == 0)
        name.size -= 2;
    for (size_t i = 0; i < SL_COUNT_OF(wait_functions); i++)
        if (name_is(name, wait_functions[i]))
            return true;
    return false;
}

struct sl_leak_name sl_leak_bare_name(struct sl_leak_name name)
{
    if (name.size > 5 && strncmp(name.text, "__GI_", 5) == 0)
        name = (struct sl_leak_name){name.text + 5, name.size - 5};
    while (name.size > 1 && *name.text == '_')
        name = (struct sl_leak_name){name.text + 1, name.size - 1};
    return name;
}

bool sl_leak_is_runtime(const struct sl_frame *frame, bool is_static)
{
    return is_in_runtime_module(frame) || is_start(frame, is_static) ||
           (is_static && is_wait(frame)) || sl_leak_is_rust_std(frame->function);
}

bool sl_leak_is_part(const struct sl_frame *frame)
{
    return frame->function &&
           strstr(frame->function + sl_function_name_length(frame->function), PART_MARK);
}

size_t sl_leak_entry(const struct sl_stack *stack)
{
    bool is_static = sl_leak_is_static(stack);

    for (size_t i = stack->n_frames; i-- > 0;) {
        const struct sl_frame *frame = &stack->frames[i];
        if (!is_in_runtime_module(frame) && !is_start(frame, is_static) &&
            !sl_leak_is_rust_std(frame->function))
            return i;
    }
    for (size_t i = stack->n_frames; i-- > 0;)
        if (!is_start(&stack->frames[i], is_static))
            return i;
    return stack->n_frames - 1;
}

/* Kinds of frames, the better the earlier, by how much they tell of what a thread is for. */
enum telling {
    TELLS_FUNCTION, /* the program's own */
    TELLS_INLINED,  /* mostly a helper that many waits share */
    TELLS_PLACE,    /* the program's own, without a name */
    TELLS_PLUMBING, /* waits or calls on behalf of others */
    TELLS_NOTHING
};

static enum telling judge(const struct sl_frame *frame, bool is_static)
{
    if (is_in_runtime_module(frame) || is_start(frame, is_static) || (is_static && is_wait(frame)))
        return TELLS_NOTHING;
    if (sl_leak_is_plumbing(frame))
        return frame->function && !frame->inlined ? TELLS_PLUMBING : TELLS_NOTHING;
    if (!frame->function)
        return TELLS_PLACE;
    return frame->inlined ? TELLS_INLINED : TELLS_FUNCTION;
}

const struct sl_frame *sl_leak_frame(const struct sl_stack *stack)
{
    if (!stack || !stack->n_frames)
        return NULL;
    const struct sl_frame *best = &stack->frames[sl_leak_entry(stack)];
    enum telling telling = TELLS_NOTHING;
    bool is_static = sl_leak_is_static(stack);

    for (size_t i = 0; i < stack->n_frames && telling; i++) {
        enum telling this = judge(&stack->frames[i], is_static);
        if (this < telling) {
            telling = this;
            best = &stack->frames[i];
        }
    }
    return best;
}
