/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records over pipes.
 *
 * Writing to a pipe whose reader has gone raises SIGPIPE, and a pipe knows no
 * flag against it.  Both ends therefore run with SIGPIPE ignored: the subject
 * sets that itself, the observer's program does so for all its output.
 */
#include "harness/run/protocol.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/macros.h"
#include "base/wait.h"

static const char *const phase_texts[SL_N_PHASES] = {
    [SL_PHASE_START] = "start",   [SL_PHASE_OPEN] = "open",
    [SL_PHASE_LOADED] = "loaded", [SL_PHASE_CLOSING] = "closing",
    [SL_PHASE_CLOSED] = "closed", [SL_PHASE_TORN_DOWN] = "torn_down",
};

const char *sl_phase_text(enum sl_phase phase)
{
    return (size_t) phase < SL_N_PHASES ? phase_texts[phase] : "unknown phase";
}

enum sl_status sl_subject_config_aim(struct sl_subject_config *config, const char *servers,
                                     const struct sl_credentials *credentials, struct sl_error *err)
{
    static const struct sl_credentials none;
    const struct sl_credentials *from = credentials ? credentials : &none;
    struct sl_subject_files *files = &config->files;
    const struct {
        char *to;
        size_t size;
        const char *from, *what;
    } texts[] = {
        {config->servers, sizeof config->servers, servers, "list of servers"},
        {files->creds, sizeof files->creds, from->creds, "path of the credentials"},
        {files->tls_ca, sizeof files->tls_ca, from->tls_ca, "path of trusted certificates"},
        {files->tls_cert, sizeof files->tls_cert, from->tls_cert, "path of a certificate"},
        {files->tls_key, sizeof files->tls_key, from->tls_key, "path of a key"},
    };

    for (size_t i = 0; i < SL_COUNT_OF(texts); i++) {
        const char *text = texts[i].from ? texts[i].from : "";
        if (strlen(text) >= texts[i].size)
            return sl_fail(err, SL_EINVAL, "%s is longer than %zu bytes", texts[i].what,
                           texts[i].size - 1);
        (void) strcpy(texts[i].to, text);
    }
    return SL_OK;
}

static enum sl_status write_all(int fd, const void *data, size_t size, struct sl_error *err)
{
    const char *at = data;

    while (size > 0) {
        ssize_t n = write(fd, at, size);
        if (n >= 0) {
            at += n;
            size -= (size_t) n;
        } else if (errno == EAGAIN) {
            /* Whatever it says, write tells what happened. */
            (void) sl_wait_ready(fd, POLLOUT, UINT64_MAX);
        } else if (errno == EPIPE) {
            return sl_fail(err, SL_EGONE, "the other process ended");
        } else if (errno != EINTR) {
            return sl_fail_errno(err, "cannot write a record");
        }
    }
    return SL_OK;
}

enum sl_status sl_record_write(int fd, enum sl_record_type type, const void *data, size_t size,
                               struct sl_error *err)
{
    struct sl_record_header header = {.magic = SL_RECORD_MAGIC, .type = type, .size = size};

    enum sl_status status = write_all(fd, &header, sizeof header, err);
    if (status)
        return status;
    return write_all(fd, data, size, err);
}

static enum sl_status
read_all(int fd, uint64_t deadline_ns, void *data, size_t size, struct sl_error *err)
{
    char *at = data;

    while (size > 0) {
        if (!sl_wait_ready(fd, POLLIN, deadline_ns))
            return errno == ETIMEDOUT ? sl_fail(err, SL_ETIMEDOUT, "no record came in time")
                                      : sl_fail_errno(err, "cannot wait for a record");
        ssize_t n = read(fd, at, size);
        if (n == 0)
            return sl_fail(err, SL_EGONE, "the other process ended%s",
                           at == (char *) data ? "" : " within a record");
        if (n < 0 && errno != EINTR && errno != EAGAIN)
            return sl_fail_errno(err, "cannot read a record");
        if (n > 0) {
            at += n;
            size -= (size_t) n;
        }
    }
    return SL_OK;
}

bool sl_record_make_room(struct sl_record *record, size_t largest_tally)
{
    static const size_t sizes[] = {sizeof(struct sl_phase_record), sizeof(struct sl_driver_record),
                                   sizeof(struct sl_failure_record)};

    record->capacity = largest_tally;
    for (size_t i = 0; i < SL_COUNT_OF(sizes); i++)
        record->capacity = SL_MAX(record->capacity, sizes[i]);
    record->data = malloc(record->capacity);
    return record->data;
}

enum sl_status
sl_record_read(int fd, uint64_t deadline_ns, struct sl_record *record, struct sl_error *err)
{
    struct sl_record_header header;

    enum sl_status status = read_all(fd, deadline_ns, &header, sizeof header, err);
    if (status)
        return status;
    if (header.magic != SL_RECORD_MAGIC)
        return sl_fail(err, SL_EPROTO, "not a record: it starts with 0x%08x", header.magic);
    if (header.type < SL_RECORD_CONFIG || header.type >= SL_N_RECORD_TYPES)
        return sl_fail(err, SL_EPROTO, "unknown record type %u", header.type);
    if (header.size > record->capacity)
        return sl_fail(err, SL_EPROTO, "record of %llu bytes, room for %zu",
                       (unsigned long long) header.size, record->capacity);
    record->type = (enum sl_record_type) header.type;
    record->size = header.size;
    return read_all(fd, deadline_ns, record->data, header.size, err);
}
