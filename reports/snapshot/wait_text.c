/* SPDX-License-Identifier: Apache-2.0 */
#include "reports/snapshot/wait_text.h"

#include <inttypes.h>
#include <string.h>

#include "reports/format.h"

/* How each kind is told. */
enum telling {
    TELL_KIND,   /* "condition" */
    TELL_OWNER,  /* "mutex held by 812 'holder'" */
    TELL_SYSCALL /* "read on pipe:[81]": the call says more than the kind */
};

static enum telling telling_of(enum sl_wait_kind kind)
{
    switch (kind) {
    case SL_WAIT_MUTEX:
    case SL_WAIT_RWLOCK:
    case SL_WAIT_JOIN:
        return TELL_OWNER;
    case SL_WAIT_SLEEP:
    case SL_WAIT_SOCKET:
    case SL_WAIT_IO:
    case SL_WAIT_POLL:
    case SL_WAIT_SIGNAL:
    case SL_WAIT_CHILD:
    case SL_WAIT_OTHER:
        return TELL_SYSCALL;
    default:
        return TELL_KIND;
    }
}

static const char *say_idle(char state)
{
    switch (state) {
    case 'R':
        return "runnable"; /* on a CPU, or waiting for one */
    case 'D':
        return "in the kernel, not interruptible";
    case 'Z':
    case 'X':
        return "ended";
    default:
        return "not known";
    }
}

/* Is the lock itself told, for it is not known who has it?  One of readers many may have. */
static bool tells_object(const struct sl_wait *wait)
{
    return !wait->owner && !wait->ended_owner && wait->kind != SL_WAIT_RWLOCK;
}

/* " held by 812 'holder'" */
static const char *
say_owner(struct sl_arena *arena, const struct sl_snapshot *snapshot, const struct sl_wait *wait)
{
    const char *relation = wait->kind == SL_WAIT_JOIN ? "of" : "held by";
    const struct sl_thread *owner = wait->owner ? sl_snapshot_find(snapshot, wait->owner) : NULL;

    if (wait->ended_owner)
        return sl_arena_printf(arena, " held by %ld, which is not of the process any more",
                               (long) wait->ended_owner);
    if (!wait->owner)
        return wait->object && tells_object(wait)
                   ? sl_arena_printf(arena, " at 0x%" PRIx64, wait->object)
                   : "";
    if (!owner)
        return sl_arena_printf(arena, " %s %ld", relation, (long) wait->owner);
    return sl_arena_printf(arena, " %s %ld '%s'", relation, (long) wait->owner, owner->name);
}

const char *sl_wait_say(struct sl_arena *arena, const struct sl_snapshot *snapshot,
                        const struct sl_thread *thread)
{
    const struct sl_wait *wait = &thread->wait;
    enum telling telling = telling_of(wait->kind);
    const char *what = sl_wait_kind_text(wait->kind), *owner = "";

    if (wait->text)
        return sl_format_printable(arena, wait->text);
    if (wait->kind == SL_WAIT_NONE)
        return wait->held ? sl_format_printable(arena, wait->held) : say_idle(thread->state);
    if (telling == TELL_OWNER)
        owner = say_owner(arena, snapshot, wait);
    if (telling == TELL_SYSCALL && wait->syscall)
        what = sl_wait_call_text(wait);
    if (!owner)
        return NULL;
    const char *text =
        sl_arena_printf(arena, "%s%s%s%s%s%s%s", what, owner, wait->target ? " on " : "",
                        wait->target ? wait->target : "",
                        wait->timed && wait->kind != SL_WAIT_SLEEP ? ", with a time-out" : "",
                        wait->held ? ", " : "", wait->held ? wait->held : "");
    return text ? sl_format_printable(arena, text) : NULL;
}

static int compare_texts(const char *a, const char *b)
{
    return a == b ? 0 : strcmp(a ? a : "", b ? b : "");
}

#define COMPARE(a, b) ((a) < (b) ? -1 : (a) > (b))

int sl_wait_compare(const struct sl_thread *left, const struct sl_thread *right)
{
    const struct sl_wait *a = &left->wait, *b = &right->wait;
    enum telling telling = telling_of(a->kind);
    int order = COMPARE(a->kind, b->kind);

    if (!order)
        order = compare_texts(a->held, b->held);
    if (!order && (a->text || b->text))
        return compare_texts(a->text, b->text);
    if (!order && a->kind == SL_WAIT_NONE)
        return strcmp(say_idle(left->state), say_idle(right->state));
    if (!order)
        order = COMPARE(a->timed, b->timed);
    if (!order && telling == TELL_OWNER)
        order = COMPARE(a->owner, b->owner);
    if (!order && telling == TELL_OWNER)
        order = COMPARE(a->ended_owner, b->ended_owner);
    if (!order && telling == TELL_OWNER && tells_object(a))
        order = COMPARE(a->object, b->object);
    if (!order && telling == TELL_SYSCALL)
        order = compare_texts(a->syscall, b->syscall);
    return order ? order : compare_texts(a->target, b->target);
}
