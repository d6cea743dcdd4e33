/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/leak/stack/plumbing.h"

#include <ctype.h>
#include <string.h>

#include "base/macros.h"
#include "harness/leak/stack/names.h"

/* C++: what std::thread and its like put between a thread and its function. */
static const char *const cxx_spaces[] = {
    "std::",
    "__gnu_cxx::",
    "__cxxabiv1::",
    "boost::thread",
    "boost::detail::thread_data",
    "boost::condition_variable",
    "boost::this_thread::",
    "boost::mutex::",
};

/* Crates that rustc links into every program. */
static const char *const rust_crates[] = {"std", "core", "alloc"};

/* Go's scheduler, and the way into the kernel. */
static const char *const go_packages[] = {
    "runtime.", "runtime/", "internal/runtime/", "syscall.", "internal/runtime/syscall.",
    /* of the standard library: what waits, reads or writes
       for whoever called it */
    "sync.", "internal/sync.", "internal/poll.", "time.Sleep", "net.(*", "os.(*File).", "io.",
    "bufio.", "crypto/tls.(*"};

/* Libraries: start of the file name, and start of the function; "" for all that it has. */
static const struct {
    const char *module, *function;
} libraries[] = {
    {"libglib-2.0.so", "g_thread_proxy"},
    {"libglib-2.0.so", "g_thread_pool_thread_proxy"},
    {"libglib-2.0.so", "g_thread_join"},
    {"libglib-2.0.so", "g_cond_"},
    {"libglib-2.0.so", "g_mutex_"},
    {"libglib-2.0.so", "g_rec_mutex_"},
    {"libglib-2.0.so", "g_rw_lock_"},
    {"libglib-2.0.so", "g_async_queue_"},
    {"libglib-2.0.so", "g_main_context_"},
    {"libglib-2.0.so", "g_main_loop_run"},
    {"libglib-2.0.so", "g_poll"},
    {"libglib-2.0.so", "g_usleep"},
    {"libQt5Core.so", "QThreadPrivate::start("},
    {"libQt5Core.so", "QThread::"},
    {"libQt5Core.so", "QWaitCondition::"},
    {"libQt5Core.so", "QMutex::"},
    {"libQt5Core.so", "QSemaphore::"},
    {"libQt5Core.so", "QEventLoop::"},
    {"libQt6Core.so", "QThreadPrivate::start("},
    {"libQt6Core.so", "QThread::"},
    {"libQt6Core.so", "QWaitCondition::"},
    {"libQt6Core.so", "QMutex::"},
    {"libQt6Core.so", "QSemaphore::"},
    {"libQt6Core.so", "QEventLoop::"},
    {"libuv.so", "uv_cond_"},
    {"libuv.so", "uv_mutex_"},
    {"libuv.so", "uv_sem_"},
    {"libuv.so", "uv_barrier_"},
    {"libboost_thread.so", ""},
    {"libgomp.so", ""},
    {"libomp.so", ""},
    {"libiomp5.so", ""},
};

static bool starts_with(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

static bool starts_with_any(const char *text, const char *const *starts, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (starts_with(text, starts[i]))
            return true;
    return false;
}

/* Past "operator<<", whose signs are no brackets; the name of a conversion is left to the caller.
 */
static const char *skip_operator(const char *text)
{
    text += strlen("operator");
    if (starts_with(text, "()") || starts_with(text, "[]"))
        return text + 2;
    return text + strspn(text, "<>=!+-*/%^&|~,");
}

/* Does the word begin here? */
static bool is_word(const char *function, const char *at, const char *word)
{
    return starts_with(at, word) &&
           (at == function || (!isalnum((unsigned char) at[-1]) && at[-1] != '_')) &&
           !isalnum((unsigned char) at[strlen(word)]) && at[strlen(word)] != '_';
}

const char *plumbing_qualified_name(const char *function, bool *ret_parameters)
{
    static const char anonymous[] = "(anonymous namespace)";
    const char *start = function;
    bool after_operator = false, after_decltype = false;
    int depth = 0;

    *ret_parameters = false;
    for (const char *at = function; *at; at++) {
        if (depth == 0 && starts_with(at, anonymous)) {
            at += sizeof anonymous - 2;
        } else if (depth == 0 && is_word(function, at, "operator")) {
            after_operator = true;
            at = skip_operator(at) - 1;
        } else if (depth == 0 && is_word(function, at, "decltype")) {
            after_decltype = true;
        } else if (depth == 0 && *at == '(' && !after_decltype) {
            *ret_parameters = true;
            return start;
        } else if (strchr("<([{", *at)) {
            depth++;
            after_decltype = false;
        } else if (strchr(">)]}", *at)) {
            bool arrow = *at == '>' && at > function && at[-1] == '-';
            depth -= depth > 0 && !arrow;
        } else if (*at == ' ' && depth == 0 && !after_operator && !after_decltype) {
            start = at + 1;
        }
    }
    return start;
}

/* The crate that a path of Rust begins with: "<&mut names::Pool<u8>>::wait" is of names. */
static struct stack_name crate_of(const char *function)
{
    static const char *const before[] = {"<", "&", "*", "[", "(", "mut ", "const ", "dyn "};

    for (bool skipped = true; skipped;) {
        skipped = false;
        for (size_t i = 0; i < SL_COUNT_OF(before); i++) {
            if (!starts_with(function, before[i]))
                continue;
            function += strlen(before[i]);
            skipped = true;
        }
    }
    size_t size = 0;
    while (isalnum((unsigned char) function[size]) || function[size] == '_')
        size++;
    return (struct stack_name){function, starts_with(function + size, "::") ? size : 0};
}

bool plumbing_is_rust_std(const char *function)
{
    bool parameters;

    if (!function || !strstr(function, "::"))
        return false;
    (void) plumbing_qualified_name(*function == '<' ? "" : function, &parameters);
    if (parameters)
        return false;
    struct stack_name crate = crate_of(function);
    for (size_t i = 0; i < SL_COUNT_OF(rust_crates); i++)
        if (names_is(crate, rust_crates[i]))
            return true;
    /* What calls a closure through a pointer is named for the closure's type. */
    return strstr(function, "::{shim:") || strstr(function, "::{{vtable.shim}}");
}

static bool is_cxx_plumbing(const char *function)
{
    bool parameters;
    const char *name = plumbing_qualified_name(function, &parameters);
    return parameters && starts_with_any(name, cxx_spaces, SL_COUNT_OF(cxx_spaces));
}

bool plumbing_has(const struct sl_frame *frame)
{
    const char *module = sl_path_base(frame->module), *function = frame->function;

    for (size_t i = 0; i < SL_COUNT_OF(libraries); i++)
        if (starts_with(module, libraries[i].module) &&
            (!*libraries[i].function || (function && starts_with(function, libraries[i].function))))
            return true;
    if (!function)
        return false;
    if (strstr(function, "::"))
        return plumbing_is_rust_std(function) || is_cxx_plumbing(function);
    return starts_with_any(function, go_packages, SL_COUNT_OF(go_packages));
}
