/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/server/keeper_log.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/macros.h"

#define READS_AT_ONCE 64

static void add(struct keeper_log *log, const char *bytes, size_t size)
{
    for (size_t done = 0; done < size;) {
        size_t at = log->size % KEEPER_LOG_SIZE;
        size_t n = SL_MIN(size - done, KEEPER_LOG_SIZE - at);
        memcpy(log->bytes + at, bytes + done, n);
        log->size += n;
        done += n;
    }
}

void keeper_log_read(struct keeper_log *log)
{
    char bytes[4096];

    for (int i = 0; i < READS_AT_ONCE && log->fd >= 0; i++) {
        ssize_t n = read(log->fd, bytes, sizeof bytes);
        if (n > 0)
            add(log, bytes, (size_t) n);
        else if (n == 0)
            (void) close(SL_TAKE_FD(log->fd));
        else if (errno != EINTR)
            return;
    }
}

size_t keeper_log_copy(const struct keeper_log *log, char ret_bytes[KEEPER_LOG_SIZE])
{
    size_t at = log->size % KEEPER_LOG_SIZE;
    size_t older = log->size > KEEPER_LOG_SIZE ? KEEPER_LOG_SIZE - at : 0;

    memcpy(ret_bytes, log->bytes + at, older);
    if (log->size > 0)
        memcpy(ret_bytes + older, log->bytes, at ? at : KEEPER_LOG_SIZE - older);
    return (size_t) SL_MIN(log->size, (uint64_t) KEEPER_LOG_SIZE);
}
