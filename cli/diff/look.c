/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/diff/look.h"

#include <ctype.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/file.h"
#include "base/macros.h"
#include "base/parse.h"
#include "cli/snapshot/process.h"
#include "harness/goroutine/dump/dump.h"
#include "harness/leak/group.h"
#include "reports/snapshot/read.h"

#define FILE_MAX ((size_t) 1 << 30)

SL_DEFINE_AUTO(sl_snapshot, sl_snapshot_free);

bool diff_look_is_process(const char *look)
{
    return *look && strspn(look, "0123456789") == strlen(look);
}

/* What the groups and the rest need of the snapshot is copied. */
static enum sl_status side_of(const struct sl_snapshot *snapshot, struct sl_arena *arena,
                              struct sl_diff_side *ret_side, struct sl_error *err)
{
    const char *what = snapshot->dump ? snapshot->dump->format : sl_snapshot_command(snapshot);
    struct sl_diff_side side = {.kind = snapshot->kind,
                                .what = sl_arena_strdup(arena, what),
                                .pid = snapshot->pid,
                                .n_left_out = snapshot->n_left_out};

    if (what && !side.what)
        return sl_fail(err, SL_ENOMEM, "out of memory for a look");
    if (snapshot->dump) {
        side.n_errors = snapshot->dump->n_errors;
        side.more = snapshot->dump->more;
    }
    enum sl_status status = sl_leak_group_all(snapshot, arena, &side.groups, &side.n_groups, err);
    if (status)
        return status;
    for (size_t i = 0; i < side.n_groups; i++)
        side.n_threads += side.groups[i].count;
    *ret_side = side;
    return SL_OK;
}

static enum sl_status look_at_process(const struct sl_command *command, const char *look,
                                      struct sl_arena *arena, struct sl_diff_side *ret_side,
                                      struct sl_error *err)
{
    struct snapshot_request request = {.command = command, .opts.size = sizeof request.opts};
    SL_AUTO(sl_snapshot) struct sl_snapshot *snapshot = NULL;
    uint64_t pid;

    if (sl_parse_number(look, 1, INT32_MAX, &pid, err))
        return SL_EINVAL;
    request.pid = (pid_t) pid;
    enum sl_status status = snapshot_process_take(&request, &snapshot, err);
    return status ? status : side_of(snapshot, arena, ret_side, err);
}

/* Does it begin as JSON does?  No dump of goroutines has a brace there. */
static bool is_json(const char *data, size_t size)
{
    size_t i = 0;

    while (i < size && isspace((unsigned char) data[i]))
        i++;
    return i < size && data[i] == '{';
}

static enum sl_status
read_file(const char *look, char **ret_data, size_t *ret_size, struct sl_error *err)
{
    bool is_input = strcmp(look, "-") == 0;
    SL_AUTO_FD int fd = is_input ? dup(STDIN_FILENO) : open(look, O_RDONLY | O_CLOEXEC | O_NOCTTY);

    if (fd < 0 || !sl_file_read_all(fd, FILE_MAX, ret_data, ret_size))
        return sl_fail_errno(err, "%s", is_input ? "standard input" : look);
    if (*ret_size < FILE_MAX)
        return SL_OK;
    free(SL_TAKE(*ret_data));
    return sl_fail(err, SL_ELIMIT, "%s: larger than %zu bytes", look, FILE_MAX - 1);
}

/* A dump of any length is read line by line; what cannot be read twice is taken whole. */
static bool is_dump_file(const char *look)
{
    SL_AUTO_FD int fd = open(look, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    char start[64];
    ssize_t n = fd < 0 ? -1 : pread(fd, start, sizeof start, 0);

    return n > 0 && !is_json(start, (size_t) n);
}

static enum sl_status look_at_file(const char *look, struct sl_arena *arena,
                                   struct sl_diff_side *ret_side, struct sl_error *err)
{
    SL_AUTO(sl_snapshot) struct sl_snapshot *snapshot = NULL;
    SL_AUTO_FREE char *data = NULL;
    bool is_file = strcmp(look, "-") != 0 && is_dump_file(look);
    size_t size = 0;

    enum sl_status status =
        is_file ? sl_dump_read(look, NULL, &snapshot, err) : read_file(look, &data, &size, err);
    if (!status && !is_file && is_json(data, size))
        return sl_snapshot_parse_groups(look, data, size, arena, ret_side, err);
    if (!status && !is_file)
        status = sl_dump_parse(look, data, size, NULL, &snapshot, err);
    return status ? status : side_of(snapshot, arena, ret_side, err);
}

enum sl_status diff_look(const struct diff_request *request, const char *look,
                         struct sl_arena *arena, struct sl_diff_side *ret_side,
                         struct sl_error *err)
{
    enum sl_status status = diff_look_is_process(look)
                                ? look_at_process(request->command, look, arena, ret_side, err)
                                : look_at_file(look, arena, ret_side, err);
    if (!status && request->goroutines && ret_side->kind != SL_SNAPSHOT_GOROUTINES)
        status = sl_fail(err, SL_EINVAL, "'%s' has threads, and no goroutines", look);
    ret_side->name = look;
    return status;
}
