/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/snapshot/target/hold.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/macros.h"

static bool contains_any(const char *text, const char *const *parts, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strstr(text, parts[i]))
            return true;
    return false;
}

bool sl_holds_is_fault_place(const char *wchan)
{
    /* A fault takes the lock of the memory map, reads the page, or asks the program itself. */
    static const char *const parts[] = {"fault", "folio",          "page",        "swap",
                                        "rwsem", "memcg",          "io_schedule", "mem_cgroup",
                                        "fuse",  "migration_entry"};
    return contains_any(wchan, parts, SL_COUNT_OF(parts));
}

bool sl_holds_is_freezer_place(const char *wchan)
{
    /* cgroup v2, in kernels that made it a part of its caller too, where nothing else sleeps; v1 */
    static const char *const parts[] = {"freezer", "get_signal", "refrigerator"};
    return contains_any(wchan, parts, SL_COUNT_OF(parts));
}

/* The function of the kernel that the thread sleeps in; "" when that is not told. */
static void read_wchan(const struct sl_target *target, pid_t tid, char *wchan, size_t size)
{
    if (sl_target_read(target, tid, "wchan", wchan, size) <= 0)
        *wchan = '\0';
}

static bool is_frozen(const struct sl_target *target, pid_t tid)
{
    char wchan[64];
    read_wchan(target, tid, wchan, sizeof wchan);
    return sl_holds_is_freezer_place(wchan);
}

/* A control group freezes whole processes, so one thread of them is asked. */
static bool may_be_frozen(struct sl_holds *holds)
{
    if (!holds->asked)
        holds->freezes = is_frozen(holds->target, holds->target->tid);
    holds->asked = true;
    return holds->freezes;
}

/* Names the process, so that it can be ended. */
static const char *name_process(struct sl_arena *arena, pid_t pid)
{
    char path[64], name[17] = "";

    (void) snprintf(path, sizeof path, "/proc/%ld/comm", (long) pid);
    SL_AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd < 0 ? 0 : read(fd, name, sizeof name - 1);
    name[got > 0 ? got : 0] = '\0';
    name[strcspn(name, "\n")] = '\0';
    return *name ? sl_arena_printf(arena, "process %ld '%s'", (long) pid, name)
                 : sl_arena_printf(arena, "process %ld", (long) pid);
}

const char *sl_holds_tracer(struct sl_holds *holds, pid_t tid)
{
    pid_t tracer = sl_target_tracer(holds->target, tid);

    if (tracer <= 0)
        return NULL;
    if (tracer != holds->tracer) {
        holds->tracer = tracer;
        holds->text = name_process(holds->arena, tracer);
    }
    return holds->text;
}

const char *sl_holds_find(struct sl_holds *holds, pid_t tid, char state, bool outside_call)
{
    if (state == 'T')
        return "stopped";
    if (state == 't') {
        const char *tracer = sl_holds_tracer(holds, tid);
        const char *text = tracer ? sl_arena_printf(holds->arena, "traced by %s", tracer) : NULL;
        return text ? text : "traced"; /* by a process that is not seen from here, or no more */
    }
    if (state != 'S' && state != 'D')
        return NULL;
    return (outside_call || may_be_frozen(holds)) && is_frozen(holds->target, tid) ? "frozen"
                                                                                   : NULL;
}

bool sl_holds_is_fault(const struct sl_holds *holds, pid_t tid)
{
    char wchan[64];
    read_wchan(holds->target, tid, wchan, sizeof wchan);
    return sl_holds_is_fault_place(wchan);
}
