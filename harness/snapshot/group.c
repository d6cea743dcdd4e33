/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/snapshot/group.h"

#include <sys/resource.h>

#include "base/fail.h"
#include "harness/snapshot/crew.h"

#define BATCH   128 /* threads read together: few, so that a look is soon checked */
#define OWN_FDS 8   /* standard ones, the task directory, and what is open for a moment */

/* What a member of the crew has to itself. */
struct member {
    struct sl_pass *pass;
    struct sl_target target;
    struct sl_source_context context;
    struct sl_reader *own_reader; /* NULL: alone, and reads with that of the code */
    uint8_t *copies;              /* BATCH times SL_MAX_COPY; warm: reused by every group */
    struct sl_attempt *seen[BATCH];
    struct sl_copy requests[2 * BATCH]; /* of stacks, then of what threads wait at */
    struct sl_wait_memory *waits[BATCH];
};

static void member_free(struct member *member)
{
    if (!member)
        return;
    sl_reader_free(member->own_reader);
    free(member->copies);
    free(member);
}
SL_DEFINE_AUTO(member, member_free);

/* Descriptors that a table of one's own has room for. */
static int count_room(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur <= OWN_FDS)
        return 0;
    return (int) SL_MIN(limit.rlim_cur - OWN_FDS, (rlim_t) BATCH);
}

static struct member *member_new(struct sl_pass *pass, size_t number)
{
    SL_AUTO(member) struct member *member = calloc(1, sizeof *member);
    if (!member)
        return NULL;
    member->pass = pass;
    member->target = pass->target;
    member->context = pass->source_context;
    member->context.target = &member->target;
    member->copies = malloc(BATCH * SL_MAX_COPY);
    if (!member->copies ||
        (pass->n_members > 1 && sl_reader_new(&member->target, &member->own_reader, NULL)))
        return NULL;
    if (number) { /* what the process has to spare is for the thread that has its table */
        bool parted = pass->code.parted && sl_crew_part_descriptors(member->target.task_fd);
        member->context.spare_fds = parted ? count_room() : 0;
    }
    return SL_TAKE(member);
}

/* That of the code is another one when the map was read again. */
static struct sl_reader *reader_of(const struct member *member)
{
    return member->own_reader ? member->own_reader : member->pass->code.reader;
}

/* With the lock held: where to copy from. */
static enum sl_status request_copies(struct member *member, size_t n, struct sl_error *err)
{
    struct sl_pass *pass = member->pass;
    enum sl_status status = SL_OK;

    for (size_t i = 0; i < n && !status; i++)
        status = sl_attempt_request(pass, member->seen[i], member->copies + i * pass->copy_size,
                                    &member->requests[i], err);
    return status;
}

/* With the lock held: frames from the copies. */
static enum sl_status unwind_copies(struct member *member, size_t n, struct sl_error *err)
{
    struct sl_pass *pass = member->pass;
    enum sl_status status = SL_OK;

    for (size_t i = 0; i < n && !status; i++) {
        member->seen[i]->copied = member->requests[i].copied;
        status = sl_attempt_unwind(pass, member->seen[i], err);
    }
    size_t wanted = (pass->deepest + 63) / 64 * 64;
    pass->copy_size = SL_MIN(SL_MAX(wanted, SL_MIN_COPY), SL_MAX_COPY);
    return status;
}

/* @return how many there are */
static size_t request_waits(struct member *member, size_t n)
{
    size_t n_waits = 0;

    for (size_t i = 0; i < n; i++) {
        struct sl_attempt *attempt = member->seen[i];
        if (!attempt->sighting.blocked)
            continue;
        member->waits[n_waits] = &attempt->wait_memory;
        member->requests[n + n_waits] =
            sl_wait_request(reader_of(member), &attempt->sighting.call, &attempt->wait_memory);
        n_waits += member->requests[n + n_waits].size > 0;
    }
    return n_waits;
}

static enum sl_status read_stacks(struct member *member, size_t n, struct sl_error *err)
{
    struct sl_pass *pass = member->pass;

    (void) pthread_mutex_lock(&pass->lock);
    enum sl_status status = request_copies(member, n, err);
    (void) pthread_mutex_unlock(&pass->lock);
    if (status)
        return status;
    size_t n_waits = request_waits(member, n);
    sl_reader_copy(reader_of(member), member->requests, n + n_waits);
    for (size_t i = 0; i < n_waits; i++)
        sl_wait_accept(&member->requests[n + i], member->waits[i]);
    (void) pthread_mutex_lock(&pass->lock);
    status = unwind_copies(member, n, err);
    (void) pthread_mutex_unlock(&pass->lock);
    return status;
}

static void check(struct sl_source_context *context, const struct sl_register_source *source,
                  struct sl_attempt *attempt)
{
    attempt->thread->consistent =
        source->held_still(context, attempt->thread->id, &attempt->sighting);
    source->leave(context, attempt->thread->id, &attempt->sighting);
}

static enum sl_status
read_group(struct member *member, struct sl_attempt *attempts, size_t n, struct sl_error *err)
{
    const struct sl_register_source *source = member->pass->source;
    size_t n_seen = 0;

    for (size_t i = 0; i < n; i++) {
        sl_attempt_look(member->pass, &member->context, source, &attempts[i]);
        if (attempts[i].look == SL_LOOK_OK)
            member->seen[n_seen++] = &attempts[i];
    }
    enum sl_status status = n_seen ? read_stacks(member, n_seen, err) : SL_OK;
    for (size_t i = 0; i < n_seen && !source->at_once; i++) /* after a failure too, to leave them */
        check(&member->context, source, member->seen[i]);
    return status;
}

static void note_failure(struct sl_pass *pass, enum sl_status status, const struct sl_error *error)
{
    (void) pthread_mutex_lock(&pass->lock);
    if (!pass->group_status) {
        pass->group_status = status;
        pass->group_error = *error;
    }
    (void) pthread_mutex_unlock(&pass->lock);
    atomic_store(&pass->next, pass->n_attempts); /* nobody begins another group */
}

static void read_groups(void *argument, size_t number)
{
    struct sl_pass *pass = argument;
    struct sl_error error = {0};
    enum sl_status status = SL_OK;
    SL_AUTO(member) struct member *member = member_new(pass, number);

    if (!member) {
        if (!number) /* the others are of help, but not needed */
            note_failure(pass, sl_fail(&error, SL_ENOMEM, "out of memory for copies of stacks"),
                         &error);
        return;
    }
    for (size_t i; !status && !sl_budget_is_over(pass->target.budget) &&
                   (i = atomic_fetch_add(&pass->next, BATCH)) < pass->n_attempts;)
        status = read_group(member, &pass->attempts[i],
                            SL_MIN((size_t) BATCH, pass->n_attempts - i), &error);
    if (status)
        note_failure(pass, status, &error);
}

enum sl_status sl_groups_recheck(struct sl_pass *pass, struct sl_error *err)
{
    enum sl_status status = pass->source->recheck(&pass->source_context, err);
    for (size_t i = 0; i < pass->n_attempts && !status; i++)
        if (pass->attempts[i].look == SL_LOOK_OK)
            check(&pass->source_context, pass->source, &pass->attempts[i]);
    return status;
}

enum sl_status sl_groups_read(struct sl_pass *pass, struct sl_error *err)
{
    pass->n_members = sl_crew_size(pass->n_attempts);
    atomic_store(&pass->next, 0);
    pass->code.parted = pass->n_members > 1 && sl_reader_settle(pass->code.reader);
    sl_crew_run(pass->n_members, read_groups, pass);
    pass->code.parted = false;
    sl_reader_unsettle(pass->code.reader);
    if (pass->group_status) {
        if (err && !err->status)
            *err = pass->group_error;
        return pass->group_status;
    }
    return SL_OK;
}
