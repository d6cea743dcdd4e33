/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/snapshot/symbol/serve.h"

#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "harness/snapshot/sandbox/message.h"
#include "harness/snapshot/symbol/name.h"
#include "harness/snapshot/symbol/object.h"
#include "harness/snapshot/symbol/wire.h"

/* A module that was opened. */
struct opened {
    struct opened *next;
    uint32_t number;
    struct sl_debugged debugged;
    struct sl_range code[SL_WIRE_MAX_CODE];
    char path[SL_MAX_FILE];
    struct sl_object *object;
};

struct server {
    int socket;
    uint64_t max_bytes;
    struct opened *list;
    struct sl_wire_message message;
};

static bool
send_message(int socket, const struct sl_wire_head *head, const char *first, const char *second)
{
    const struct iovec parts[] = {
        {.iov_base = (void *) head, .iov_len = sizeof *head},
        {.iov_base = (void *) first, .iov_len = head->sizes[0]},
        {.iov_base = (void *) second, .iov_len = head->sizes[1]},
    };
    return sl_message_send(socket, parts, SL_COUNT_OF(parts), NULL, 0);
}

static uint32_t size_of(const char *text)
{
    return text ? (uint32_t) strlen(text) : 0;
}

static bool send_names(int socket, const struct sl_code_names *names)
{
    const struct sl_wire_head head = {
        .kind = SL_WIRE_NAMES,
        .address = names->symbol_start,
        .flags = (names->symbol_unsized ? SL_WIRE_UNSIZED : 0) |
                 (names->too_large ? SL_WIRE_TOO_LARGE : 0),
        .n = (uint32_t) names->source.n,
        .sizes = {size_of(names->symbol)},
    };
    bool ok = send_message(socket, &head, names->symbol, NULL);

    for (size_t i = 0; i < names->source.n && ok; i++) {
        const struct sl_source_frame *frame = &names->source.frames[i];
        const struct sl_wire_head part = {
            .kind = SL_WIRE_FRAME,
            .n = frame->place.line,
            .sizes = {size_of(frame->function), size_of(frame->place.file)},
        };
        ok = send_message(socket, &part, frame->function, frame->place.file);
    }
    return ok;
}

/* The other side opens what debug information names. */
static int want(void *context, const char *path)
{
    const struct server *server = context;
    const struct sl_wire_head head = {.kind = SL_WIRE_WANT, .sizes = {size_of(path)}};
    struct sl_wire_head answer;
    int fds[SL_MESSAGE_FDS];

    if (head.sizes[0] >= SL_MAX_FILE || !send_message(server->socket, &head, path, NULL) ||
        sl_message_receive(server->socket, &answer, sizeof answer, fds) != sizeof answer)
        return -1;
    return fds[0];
}

static bool open_module(struct server *server, size_t size, int fds[SL_MESSAGE_FDS])
{
    const struct sl_wire_head *head = &server->message.head;
    struct opened *opened = calloc(1, sizeof *opened);
    size_t code_size = head->n * sizeof *opened->code, next = 0;

    if (!opened || head->n > SL_WIRE_MAX_CODE || head->sizes[0] >= sizeof opened->path ||
        size != sizeof *head + code_size + head->sizes[0])
        return false;
    memcpy(opened->code, server->message.text, code_size);
    memcpy(opened->path, server->message.text + code_size, head->sizes[0]);
    opened->number = head->module;
    opened->debugged = (struct sl_debugged){.path = opened->path,
                                            .code = opened->code,
                                            .n_code = head->n,
                                            .open = want,
                                            .context = server,
                                            .max_bytes = server->max_bytes};
    struct sl_symbol_files files = {.file = -1, .debug = -1, .alternate = -1};
    int *const all[] = {&files.file, &files.debug, &files.alternate};
    for (size_t i = 0; i < SL_COUNT_OF(all); i++)
        if (head->flags & 1U << i)
            *all[i] = fds[next++];
    opened->object =
        sl_object_new(&files, !(head->flags & SL_WIRE_SYMBOLS_ONLY), &opened->debugged);
    opened->next = server->list;
    server->list = opened;
    return opened->object;
}

static bool look_up(struct server *server, struct sl_arena *arena)
{
    const struct sl_wire_head *head = &server->message.head;
    struct opened *opened = server->list;
    struct sl_code_names names;

    while (opened && opened->number != head->module)
        opened = opened->next;
    return opened && !sl_object_look_up(opened->object, head->address, arena, &names) &&
           send_names(server->socket, &names);
}

static bool spell(struct server *server, struct sl_arena *arena)
{
    struct sl_wire_message *message = &server->message;
    struct sl_code_names names = {.source.n = 1};

    if (message->head.sizes[0] >= sizeof message->text)
        return false;
    message->text[message->head.sizes[0]] = '\0';
    names.symbol = sl_symbol_name(arena, message->text);
    return names.symbol && send_names(server->socket, &names);
}

/* @return false when memory is short */
static bool serve(struct server *server, size_t size, int fds[SL_MESSAGE_FDS])
{
    SL_AUTO(sl_arena) struct sl_arena *arena = sl_arena_new();

    if (!arena)
        return false;
    switch (server->message.head.kind) {
    case SL_WIRE_OPEN:
        return open_module(server, size, fds);
    case SL_WIRE_LOOK_UP:
        return look_up(server, arena);
    case SL_WIRE_SPELL:
        return spell(server, arena);
    default:
        return false;
    }
}

void sl_serve_names(int socket, void *context)
{
    const struct sl_serve *limits = context;
    const struct sl_wire_head no_memory = {.kind = SL_WIRE_NO_MEMORY};
    struct server *server = calloc(1, sizeof *server);
    int fds[SL_MESSAGE_FDS];
    ssize_t size;
    bool ok = server;

    if (server)
        *server = (struct server){.socket = socket, .max_bytes = limits->max_bytes};
    while (ok && (size = sl_message_receive(socket, &server->message, sizeof server->message,
                                            fds)) >= (ssize_t) sizeof server->message.head)
        ok = serve(server, (size_t) size, fds);
    if (!ok)
        (void) send_message(socket, &no_memory, NULL, NULL);
    _exit(0);
}
