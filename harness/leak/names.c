/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/leak/names.h"

#include <ctype.h>
#include <string.h>

#include "base/macros.h"
#include "harness/leak/leak.h"

/* Starts of file names.  The sanitizers wrap thread start and every blocking call. */
static const char *const runtime_modules[] = {
    "libc.so",      "libc-2.",     "libpthread.so", "libpthread-2.", "ld-linux",
    "ld-2.",        "ld-musl",     "libc.musl",     "[vdso]",        "[vsyscall]",
    "libstdc++.so", "libc++.so",   "libc++abi.so",  "libgcc_s.so",   "libasan.so",
    "libtsan.so",   "libubsan.so", "liblsan.so",    "libclang_rt.",
};

/* How threads and processes start; everything outside of them is nobody's code. */
static const char *const start_functions[] = {
    "_start",
    "__libc_start_main",
    "__libc_start_main_impl",
    "__libc_start_call_main",
    "start_thread",
    "clone",
    "__clone",
    "clone3",
    "__clone3",
    "__clone_internal",
    "execute_native_thread_routine",
    "asan_thread_start",
    "__tsan_thread_start_func",
};

/*
 * In a static program the C library has no module of its own; these are starts of
 * the names under which threads block there, leading underscores left out.
 */
static const char *const wait_functions[] = {
    "pthread_",       "futex_",
    "lll_",           "new_sem_",
    "sem_wait",       "sem_timedwait",
    "sem_clockwait",  "clock_nanosleep",
    "syscall_cancel", "internal_syscall_cancel",
};

/* Appended to the name of a clone; where a number has to follow, the mark ends in a dot. */
static const char *const clone_marks[] = {
    ".part.", ".constprop.", ".isra.", ".lto_priv.", ".llvm.", ".__uniq.", ".cold",
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

/* Is the text a clone mark, up to its number or its end? */
static bool is_clone_mark(const char *text)
{
    for (size_t i = 0; i < SL_COUNT_OF(clone_marks); i++) {
        const char *mark = clone_marks[i];
        if (!starts_with(text, mark))
            continue;
        char last = mark[strlen(mark) - 1], next = text[strlen(mark)];
        if (last == '.' ? isdigit((unsigned char) next) : next == '\0' || next == '.')
            return true;
    }
    return false;
}

/* "::h" and 16 hex digits, all that is left of the text. */
static bool is_rust_hash(const char *text)
{
    return starts_with(text, "::h") && strspn(text + 3, "0123456789abcdef") == 16 &&
           text[3 + 16] == '\0';
}

struct sl_leak_name sl_leak_function_name(const char *function)
{
    if (!function)
        return (struct sl_leak_name){"", 0};
    size_t size = 0;
    for (; function[size]; size++) {
        const char *rest = function + size;
        if (size > 0 &&
            (*rest == '@' || (*rest == '.' && is_clone_mark(rest)) ||
             starts_with(rest, " [clone .") || starts_with(rest, " (.") || is_rust_hash(rest)))
            break;
    }
    return (struct sl_leak_name){function, size};
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

static bool is_start(const struct sl_frame *frame)
{
    if (!frame->function)
        return false;
    struct sl_leak_name name = sl_leak_function_name(frame->function);
    for (size_t i = 0; i < SL_COUNT_OF(start_functions); i++) {
        struct sl_leak_name start = {start_functions[i], strlen(start_functions[i])};
        if (sl_leak_name_equal(name, start))
            return true;
    }
    return false;
}

static bool is_in_runtime_module(const struct sl_frame *frame)
{
    return starts_with_any(sl_path_base(frame->module), runtime_modules,
                           SL_COUNT_OF(runtime_modules));
}

bool sl_leak_is_runtime(const struct sl_frame *frame)
{
    if (is_in_runtime_module(frame) || is_start(frame))
        return true;
    if (!frame->function)
        return false;
    const char *name = frame->function + strspn(frame->function, "_");
    return starts_with_any(name, wait_functions, SL_COUNT_OF(wait_functions));
}

bool sl_leak_is_part(const struct sl_frame *frame)
{
    return frame->function && strstr(frame->function, PART_MARK);
}

size_t sl_leak_entry(const struct sl_stack *stack)
{
    for (size_t i = stack->n_frames; i-- > 0;)
        if (!is_in_runtime_module(&stack->frames[i]) && !is_start(&stack->frames[i]))
            return i;
    for (size_t i = stack->n_frames; i-- > 0;)
        if (!is_start(&stack->frames[i]))
            return i;
    return stack->n_frames - 1;
}

const char *sl_leak_function(const struct sl_stack *stack)
{
    if (!stack || !stack->n_frames)
        return NULL;
    for (size_t i = 0; i < stack->n_frames; i++) {
        const struct sl_frame *frame = &stack->frames[i];
        if (frame->function && !frame->inlined && !sl_leak_is_runtime(frame))
            return frame->function;
    }
    return stack->frames[sl_leak_entry(stack)].function;
}
