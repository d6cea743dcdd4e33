/* SPDX-License-Identifier: Apache-2.0 */
/* Rules as files: by path, and those that come with the program. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "base/fail.h"
#include "base/file.h"
#include "rules/rules.h"

enum sl_status sl_rules_load(struct sl_rules *rules, const char *path, struct sl_error *err)
{
    SL_AUTO_FREE char *text = NULL;
    size_t size = 0;

    /* Not to wait where somebody else made a pipe of that name. */
    SL_AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 && errno == ENOENT)
        return sl_fail(err, SL_ENOENT, "cannot open '%s': no such file", path);
    if (fd < 0)
        return sl_fail_errno(err, "cannot open '%s'", path);
    /* One byte more than fits shows that it is too large. */
    if (!sl_file_read_all(fd, SL_RULES_SIZE_MAX + 1, &text, &size))
        return sl_fail_errno(err, "cannot read '%s'", path);
    return sl_rules_parse(rules, path, text, size, err);
}

/* The first directory that has the file wins: a program that is not installed has its source. */
static enum sl_status load_shipped(struct sl_rules *rules, const char *name, struct sl_error *err)
{
    static const char *const directories[] = {SL_RULES_DATA_DIR, SL_RULES_SOURCE_DIR};
    enum sl_status status = SL_ENOENT;
    char path[512];

    for (size_t i = 0; i < SL_COUNT_OF(directories) && status == SL_ENOENT; i++) {
        struct sl_error none = {0};
        (void) snprintf(path, sizeof path, "%s/%s", directories[i], name);
        status = sl_rules_load(rules, path, &none);
        if (status && status != SL_ENOENT)
            *err = none;
    }
    return status == SL_ENOENT ? SL_OK : status;
}

enum sl_status sl_rules_load_shipped(struct sl_rules *rules, struct sl_error *err)
{
    static const char *const names[] = {"nats.c.json", "nats.go.json", "librdkafka.json",
                                        "strandline-bus.json"};
    const size_t before = rules->n;
    enum sl_status status = SL_OK;

    for (size_t i = 0; i < SL_COUNT_OF(names) && !status; i++)
        status = load_shipped(rules, names[i], err);
    for (size_t i = before; i < rules->n; i++)
        rules->rules[i].shipped = true;
    return status;
}
