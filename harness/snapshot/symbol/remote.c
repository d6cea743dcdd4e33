/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/snapshot/symbol/remote.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/wait.h"
#include "harness/snapshot/sandbox/message.h"
#include "harness/snapshot/sandbox/process.h"
#include "harness/snapshot/symbol/serve.h"
#include "harness/snapshot/symbol/wire.h"
#include "harness/snapshot/target/regular.h"

#define MAX_WAIT_NS (10 * SL_NS_PER_S) /* for one answer */
#define MAX_CPU_NS  (600 * SL_NS_PER_S)
#define MIN_MEMORY  ((uint64_t) 4 * 1024 * 1024)    /* with less it does not come far */
#define MAX_MEMORY  ((uint64_t) 1024 * 1024 * 1024) /* where a look has no budget */

struct sl_remote {
    struct sl_modules *modules;
    void (*serve)(int socket, void *context);
    struct sl_sandbox sandbox;
    uint64_t memory; /* of the look's budget, that it has */
    uint32_t n_started, n_modules;
    bool tainted;       /* see sl_remote_is_clean */
    bool refused;       /* none can be made; not tried again */
    const char *reason; /* why it was given up, or refused */
    struct sl_wire_message message;
};

struct sl_remote *
sl_remote_new(struct sl_modules *modules, void (*serve)(int socket, void *context))
{
    struct sl_remote *remote = calloc(1, sizeof *remote);

    if (!remote)
        return NULL;
    remote->modules = modules;
    remote->serve = serve;
    return remote;
}

static struct sl_budget *budget_of(const struct sl_remote *remote)
{
    return sl_modules_target(remote->modules)->budget;
}

/* Nothing is left of the sandbox.  @return as waitpid says */
static int end(struct sl_remote *remote)
{
    int status = sl_sandbox_end(&remote->sandbox);

    sl_budget_give_back(budget_of(remote), SL_BUDGET_MEMORY, remote->memory);
    remote->memory = 0;
    return status;
}

void sl_remote_free(struct sl_remote *remote)
{
    if (!remote)
        return;
    (void) end(remote);
    free(remote);
}

bool sl_remote_is_clean(const struct sl_remote *remote)
{
    return !remote->tainted;
}

bool sl_remote_has(const struct sl_remote *remote, const struct sl_remote_module *known)
{
    return remote->sandbox.pid && known->opened_in == remote->n_started;
}

const char *sl_remote_reason(const struct sl_remote *remote)
{
    return remote->reason;
}

bool sl_remote_is_refused(const struct sl_remote *remote)
{
    return remote->refused;
}

/* Most of the memory that the look has left is for the sandbox, while there is one. */
static void make(struct sl_remote *remote)
{
    uint64_t left = sl_budget_left(budget_of(remote), SL_BUDGET_MEMORY);
    uint64_t memory = left == UINT64_MAX ? MAX_MEMORY : left - left / 8;
    struct sl_serve limits = {.max_bytes = memory - memory / 8};
    const struct sl_sandbox_work work = {
        .serve = remote->serve,
        .context = &limits,
        .max_memory = memory,
        .max_cpu_ns = SL_MIN(sl_budget_left(budget_of(remote), SL_BUDGET_TIME), MAX_CPU_NS)};

    remote->reason = memory < MIN_MEMORY ? sl_budget_text(SL_BUDGET_MEMORY)
                                         : sl_sandbox_start(&work, &remote->sandbox);
    remote->refused = remote->reason;
    if (remote->refused)
        return;
    remote->n_started++;
    remote->tainted = false;
    if (sl_budget_take(budget_of(remote), SL_BUDGET_MEMORY, memory))
        remote->memory = memory;
}

static bool start(struct sl_remote *remote)
{
    if (!remote->sandbox.pid && !remote->refused)
        make(remote);
    return !remote->refused;
}

/* @param reason  NULL: its end tells */
static enum sl_status give_up(struct sl_remote *remote, const char *reason)
{
    int status = end(remote);

    if (!reason && WIFSIGNALED(status))
        reason = "ended the process that read it";
    remote->reason = reason ? reason : "was not read to its end";
    return SL_ECLOSED;
}

/* @return false when the sandbox is gone, or does not read */
static bool ask(struct sl_remote *remote, const struct sl_wire_head *head, const void *first,
                size_t first_size, const char *text, const int *fds, size_t n_fds)
{
    const struct iovec parts[] = {
        {.iov_base = (void *) head, .iov_len = sizeof *head},
        {.iov_base = (void *) first, .iov_len = first_size},
        {.iov_base = (void *) text, .iov_len = head->sizes[0]},
    };
    return sl_message_send(remote->sandbox.socket, parts, SL_COUNT_OF(parts), fds, n_fds);
}

/*
 * A file that debug information names, as the target sees it.  Whoever has the sandbox in hand may
 * ask for any: it gets none that is no object.
 */
static bool give_file(struct sl_remote *remote)
{
    const struct sl_wire_message *message = &remote->message;
    struct sl_wire_head head = {.kind = SL_WIRE_FILE};
    char path[SL_MAX_FILE], magic[SELFMAG];

    remote->tainted = true;
    memcpy(path, message->text, message->head.sizes[0]);
    path[message->head.sizes[0]] = '\0';
    SL_AUTO_FD int fd =
        sl_regular_open_either(sl_modules_target(remote->modules), path, NULL, NULL);
    bool given = fd >= 0 && pread(fd, magic, sizeof magic, 0) == sizeof magic &&
                 memcmp(magic, ELFMAG, sizeof magic) == 0;
    return ask(remote, &head, NULL, 0, NULL, &fd, given);
}

/* When it has to be there: a file that takes long must not take the time of all others. */
static uint64_t deadline_of(const struct sl_remote *remote)
{
    uint64_t left = sl_budget_left(budget_of(remote), SL_BUDGET_TIME);
    return sl_clock_now_ns() + SL_MIN(left / 2, MAX_WAIT_NS);
}

/* One message of this kind, files given out meanwhile. */
static enum sl_status await(struct sl_remote *remote, uint32_t kind, uint64_t deadline_ns)
{
    struct sl_wire_message *message = &remote->message;

    for (;;) {
        if (!sl_wait_ready(remote->sandbox.socket, POLLIN, deadline_ns))
            return give_up(remote, "takes too long to read");
        ssize_t size = sl_message_receive(remote->sandbox.socket, message, sizeof *message, NULL);
        if (size <= 0)
            return give_up(remote, NULL);
        if (!sl_wire_is_answer(message, (size_t) size))
            return give_up(remote, "led to an answer without sense");
        if (message->head.kind == SL_WIRE_NO_MEMORY ||
            !sl_budget_take(budget_of(remote), SL_BUDGET_MEMORY, (uint64_t) size))
            return give_up(remote, "takes too much memory to read");
        if (message->head.kind == kind)
            return SL_OK;
        if (message->head.kind != SL_WIRE_WANT || !give_file(remote))
            return give_up(remote, NULL);
    }
}

enum sl_status sl_remote_open(struct sl_remote *remote, struct sl_remote_module *known,
                              const struct sl_debugged *debugged,
                              const struct sl_symbol_files *files, bool lines)
{
    const int all[] = {files->file, files->debug, files->alternate};
    struct sl_wire_head head = {.kind = SL_WIRE_OPEN,
                                .flags = lines ? 0 : SL_WIRE_SYMBOLS_ONLY,
                                .n = (uint32_t) debugged->n_code};
    int fds[SL_MESSAGE_FDS];
    size_t n_fds = 0;

    if (!start(remote))
        return SL_ECLOSED;
    remote->tainted |= !sl_symbol_files_owned(files, sl_modules_target(remote->modules));
    for (size_t i = 0; i < SL_COUNT_OF(all); i++) {
        if (all[i] < 0)
            continue;
        head.flags |= 1U << i;
        fds[n_fds++] = all[i];
    }
    head.module = known->number = ++remote->n_modules;
    head.sizes[0] = (uint32_t) strnlen(debugged->path, SL_MAX_FILE - 1);
    if (!ask(remote, &head, debugged->code, head.n * sizeof *debugged->code, debugged->path, fds,
             n_fds))
        return give_up(remote, NULL);
    known->opened_in = remote->n_started;
    return SL_OK;
}

enum sl_status sl_remote_look_up(struct sl_remote *remote, const struct sl_remote_module *known,
                                 uint64_t address, struct sl_arena *arena,
                                 struct sl_code_names *ret_names)
{
    const struct sl_wire_head head = {
        .kind = SL_WIRE_LOOK_UP, .module = known->number, .address = address};
    const uint64_t deadline_ns = deadline_of(remote);
    struct sl_code_names names;

    if (!ask(remote, &head, NULL, 0, NULL, NULL, 0))
        return give_up(remote, NULL);
    enum sl_status status = await(remote, SL_WIRE_NAMES, deadline_ns);
    if (!status && !sl_wire_take_names(&remote->message, arena, &names))
        status = SL_ENOMEM;
    for (size_t i = 0; !status && i < names.source.n; i++) {
        status = await(remote, SL_WIRE_FRAME, deadline_ns);
        if (!status && !sl_wire_take_frame(&remote->message, arena, &names.source.frames[i]))
            status = SL_ENOMEM;
    }
    if (!status)
        *ret_names = names;
    return status;
}

enum sl_status sl_remote_spell(struct sl_remote *remote, const char *raw, struct sl_arena *arena,
                               const char **ret_name)
{
    const uint64_t deadline_ns = deadline_of(remote);
    struct sl_wire_head head = {.kind = SL_WIRE_SPELL,
                                .sizes = {(uint32_t) strnlen(raw, SL_MAX_NAME - 1)}};
    struct sl_code_names names;

    if (!start(remote))
        return SL_ECLOSED;
    remote->tainted = true; /* it is from the memory of the process */
    if (!ask(remote, &head, NULL, 0, raw, NULL, 0))
        return give_up(remote, NULL);
    enum sl_status status = await(remote, SL_WIRE_NAMES, deadline_ns);
    if (!status && !sl_wire_take_names(&remote->message, arena, &names))
        status = SL_ENOMEM;
    /* It comes as the symbol of a frame that has no other. */
    if (!status)
        status = await(remote, SL_WIRE_FRAME, deadline_ns);
    if (!status)
        *ret_name = names.symbol ? names.symbol : raw;
    return status;
}
