/* SPDX-License-Identifier: Apache-2.0 */
#include "bus/thread/ledger.h"

#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/fail.h"
#include "base/sync.h"
#include "bus/thread/scope.h"

/* Sanitizers have their own idea of what a stack is for. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define STACK_LEAST (256u * 1024u)
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define STACK_LEAST (256u * 1024u)
#endif
#endif
#ifndef STACK_LEAST
#define STACK_LEAST 0u
#endif

void ledger_init(struct ledger *ledger, const void *owner, uint32_t n_planned, uint64_t stack_size)
{
    *ledger = (struct ledger){.owner = owner, .n_planned = n_planned};
    sync_mutex_init(&ledger->mutex);
    sync_cond_init(&ledger->finished);

    size_t page = (size_t) sysconf(_SC_PAGESIZE);
    size_t least = SL_MAX((size_t) sysconf(_SC_THREAD_STACK_MIN), (size_t) STACK_LEAST);
    size_t wanted = SL_MAX((size_t) stack_size, least);
    ledger->stack_size = (wanted + page - 1) / page * page;
}

void ledger_release(struct ledger *ledger)
{
    sync_cond_release(&ledger->finished);
    sync_mutex_release(&ledger->mutex);
}

static void *bus_thread_main(void *argument)
{
    struct thread *thread = argument;
    struct ledger *ledger = thread->ledger;
    struct scope scope;

    (void) pthread_setname_np(pthread_self(), thread->name);
    scope_enter(&scope, ledger->owner);
    thread->run(thread->argument);
    scope_leave(&scope);

    /* The lock is for the one that waits, if any: thousands of threads may end at once. */
    atomic_store(&thread->finished, true);
    if (atomic_load(&thread->awaited)) {
        sync_lock(&ledger->mutex);
        sync_broadcast(&ledger->finished);
        sync_unlock(&ledger->mutex);
    }
    return NULL;
}

static int create(struct ledger *ledger, struct thread *thread)
{
    pthread_attr_t attributes;
    sigset_t all;

    int number = pthread_attr_init(&attributes);
    if (number)
        return number;
    (void) sigfillset(&all);
    number = thread->stack ? pthread_attr_setstack(&attributes, thread->stack, ledger->stack_size)
                           : pthread_attr_setstacksize(&attributes, ledger->stack_size);
    if (!number)
        number = pthread_attr_setsigmask_np(&attributes, &all);
    if (!number)
        number = pthread_create(&thread->handle, &attributes, bus_thread_main, thread);
    (void) pthread_attr_destroy(&attributes);
    return number;
}

static void link_thread(struct ledger *ledger, struct thread *thread)
{
    sync_lock(&ledger->mutex);
    thread->ledger = ledger;
    atomic_store(&thread->finished, false);
    atomic_store(&thread->awaited, false);
    thread->previous = NULL;
    thread->next = ledger->threads;
    if (thread->next)
        thread->next->previous = thread;
    ledger->threads = thread;
    ledger->n_threads++;
    sync_unlock(&ledger->mutex);
}

static void unlink_thread(struct ledger *ledger, struct thread *thread)
{
    sync_lock(&ledger->mutex);
    if (thread->next)
        thread->next->previous = thread->previous;
    if (thread->previous)
        thread->previous->next = thread->next;
    else
        ledger->threads = thread->next;
    ledger->n_threads--;
    thread->ledger = NULL;
    sync_unlock(&ledger->mutex);
}

enum sl_status ledger_start(struct ledger *ledger, struct thread *thread,
                            void (*run)(void *argument), void *argument, struct sl_error *err,
                            const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void) vsnprintf(thread->name, sizeof thread->name, format, args);
    va_end(args);
    thread->run = run;
    thread->argument = argument;

    link_thread(ledger, thread);
    int number = create(ledger, thread);
    if (!number)
        return SL_OK;
    unlink_thread(ledger, thread);
    errno = number;
    if (number != EAGAIN)
        return sl_fail_errno(err, "cannot create thread '%s'", thread->name);
    return sl_fail(err, SL_ELIMIT,
                   "cannot create thread '%s': %u of %u threads were created; see ulimit -u, "
                   "kernel.threads-max, kernel.pid_max, vm.max_map_count, pids.max of the cgroup "
                   "and the address space limit",
                   thread->name, ledger_count(ledger), ledger->n_planned);
}

bool ledger_join(struct thread *thread, uint64_t deadline_ns)
{
    struct ledger *ledger = thread->ledger;
    if (!ledger)
        return true;

    bool in_time = true;
    sync_lock(&ledger->mutex);
    atomic_store(&thread->awaited, true);
    while (!atomic_load(&thread->finished) && in_time)
        in_time = sync_wait_until(&ledger->finished, &ledger->mutex, deadline_ns);
    atomic_store(&thread->awaited, false);
    bool finished = atomic_load(&thread->finished);
    sync_unlock(&ledger->mutex);
    if (!finished)
        return false;

    (void) pthread_join(thread->handle, NULL); /* only its exit is left, nothing of ours */
    unlink_thread(ledger, thread);
    return true;
}

uint32_t ledger_count(const struct ledger *ledger)
{
    return atomic_load_explicit(&ledger->n_threads, memory_order_relaxed);
}
