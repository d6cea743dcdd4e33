/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Start any program.
 *
 * It dies with the process that started it, inherits no descriptor but those that it was given, and
 * starts with the signals as they are by default, SIGPIPE aside, which it ignores: a write to
 * somebody who has ended is an error, not a crash.
 */
#ifndef SL_PROCESS_LAUNCH_H
#define SL_PROCESS_LAUNCH_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include <strandline/error.h>

#include "base/macros.h"

struct sl_launch {
    const char *program;            /* looked for in PATH unless it has a slash */
    const char *const *argv;        /* NULL-terminated; the first one is what `ps` shows */
    const char *const *environment; /* "NAME=value", NULL-terminated; NULL: the caller's */
    const int *fds;                 /* stay open, under their numbers; a negative one is none */
    size_t n_fds;
    bool own_session; /* Ctrl-C reaches the caller only */
    bool capture;     /* it reads nothing and prints to output_fd; else the caller's streams */
    int output_fd;
};

/*
 * Start a program.
 *
 * @return SL_ENOENT, SL_EPERM or SL_ESYS it could not be executed; nothing is left then
 */
SL_CHECKED enum sl_status
sl_process_launch(const struct sl_launch *launch, pid_t *ret_pid, struct sl_error *err);

#endif
