/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/snapshot/target/syscall.h"

#include <fcntl.h>
#include <sys/syscall.h>

#include "base/macros.h"

static const char *const names[] = {
#include "syscall_names.h"
};

/* How the arguments say that a call ends by itself. */
enum timed {
    TIMED_NEVER,
    TIMED_ALWAYS,
    TIMED_NUMBER, /* an int that is not negative */
    TIMED_POINTER /* not NULL */
};

struct row {
    int32_t nr;
    enum sl_wait_kind kind;
    int descriptor; /* argument, or -1 */
    enum timed timed;
    int timed_argument;
    bool restarts;
};

static const struct row rows[] = {
    {SYS_read, SL_WAIT_IO, 0, TIMED_NEVER, 0, true},
    {SYS_readv, SL_WAIT_IO, 0, TIMED_NEVER, 0, true},
    {SYS_pread64, SL_WAIT_IO, 0, TIMED_NEVER, 0, true},
    {SYS_preadv, SL_WAIT_IO, 0, TIMED_NEVER, 0, true},
    {SYS_preadv2, SL_WAIT_IO, 0, TIMED_NEVER, 0, true},
    {SYS_write, SL_WAIT_IO, 0, TIMED_NEVER, 0, true},
    {SYS_writev, SL_WAIT_IO, 0, TIMED_NEVER, 0, true},
    {SYS_pwrite64, SL_WAIT_IO, 0, TIMED_NEVER, 0, true},
    {SYS_pwritev, SL_WAIT_IO, 0, TIMED_NEVER, 0, true},
    {SYS_pwritev2, SL_WAIT_IO, 0, TIMED_NEVER, 0, true},
    {SYS_sendfile, SL_WAIT_IO, 1, TIMED_NEVER, 0, false},
    {SYS_splice, SL_WAIT_IO, 0, TIMED_NEVER, 0, false},
    {SYS_ioctl, SL_WAIT_IO, 0, TIMED_NEVER, 0, false},
    {SYS_fsync, SL_WAIT_IO, 0, TIMED_NEVER, 0, true},
    {SYS_fdatasync, SL_WAIT_IO, 0, TIMED_NEVER, 0, true},
    {SYS_flock, SL_WAIT_IO, 0, TIMED_NEVER, 0, true},
    {SYS_fcntl, SL_WAIT_IO, 0, TIMED_NEVER, 0, true},
    {SYS_open, SL_WAIT_IO, -1, TIMED_NEVER, 0, true},
    {SYS_openat, SL_WAIT_IO, -1, TIMED_NEVER, 0, true},
    {SYS_accept, SL_WAIT_SOCKET, 0, TIMED_NEVER, 0, false},
    {SYS_accept4, SL_WAIT_SOCKET, 0, TIMED_NEVER, 0, false},
    {SYS_connect, SL_WAIT_SOCKET, 0, TIMED_NEVER, 0, false},
    {SYS_recvfrom, SL_WAIT_SOCKET, 0, TIMED_NEVER, 0, false},
    {SYS_recvmsg, SL_WAIT_SOCKET, 0, TIMED_NEVER, 0, false},
    {SYS_recvmmsg, SL_WAIT_SOCKET, 0, TIMED_POINTER, 4, false},
    {SYS_sendto, SL_WAIT_SOCKET, 0, TIMED_NEVER, 0, false},
    {SYS_sendmsg, SL_WAIT_SOCKET, 0, TIMED_NEVER, 0, false},
    {SYS_sendmmsg, SL_WAIT_SOCKET, 0, TIMED_NEVER, 0, false},
    {SYS_poll, SL_WAIT_POLL, -1, TIMED_NUMBER, 2, true},
    {SYS_ppoll, SL_WAIT_POLL, -1, TIMED_POINTER, 2, true},
    {SYS_select, SL_WAIT_POLL, -1, TIMED_POINTER, 4, true},
    {SYS_pselect6, SL_WAIT_POLL, -1, TIMED_POINTER, 4, true},
    {SYS_epoll_wait, SL_WAIT_POLL, 0, TIMED_NUMBER, 3, false},
    {SYS_epoll_pwait, SL_WAIT_POLL, 0, TIMED_NUMBER, 3, false},
    {441 /* epoll_pwait2 */, SL_WAIT_POLL, 0, TIMED_POINTER, 3, false},
    {SYS_io_getevents, SL_WAIT_POLL, -1, TIMED_POINTER, 4, false},
    {SYS_io_pgetevents, SL_WAIT_POLL, -1, TIMED_POINTER, 4, false},
    {SYS_io_uring_enter, SL_WAIT_POLL, 0, TIMED_NEVER, 0, false},
    {SYS_nanosleep, SL_WAIT_SLEEP, -1, TIMED_ALWAYS, 0, true},
    {SYS_clock_nanosleep, SL_WAIT_SLEEP, -1, TIMED_ALWAYS, 0, true},
    {SYS_futex, SL_WAIT_FUTEX, -1, TIMED_POINTER, 3, true},
    {449 /* futex_waitv */, SL_WAIT_FUTEX, -1, TIMED_POINTER, 3, false},
    {SYS_semop, SL_WAIT_SEMAPHORE, -1, TIMED_NEVER, 0, false},
    {SYS_semtimedop, SL_WAIT_SEMAPHORE, -1, TIMED_POINTER, 3, false},
    {SYS_msgrcv, SL_WAIT_OTHER, -1, TIMED_NEVER, 0, false},
    {SYS_msgsnd, SL_WAIT_OTHER, -1, TIMED_NEVER, 0, false},
    {SYS_mq_timedreceive, SL_WAIT_IO, 0, TIMED_POINTER, 4, false},
    {SYS_mq_timedsend, SL_WAIT_IO, 0, TIMED_POINTER, 4, false},
    {SYS_pause, SL_WAIT_SIGNAL, -1, TIMED_NEVER, 0, true},
    {SYS_rt_sigsuspend, SL_WAIT_SIGNAL, -1, TIMED_NEVER, 0, true},
    {SYS_rt_sigtimedwait, SL_WAIT_SIGNAL, -1, TIMED_POINTER, 2, false},
    {SYS_wait4, SL_WAIT_CHILD, -1, TIMED_NEVER, 0, true},
    {SYS_waitid, SL_WAIT_CHILD, -1, TIMED_NEVER, 0, true},
    {SYS_vfork, SL_WAIT_CHILD, -1, TIMED_NEVER, 0, false},
    {SYS_clone, SL_WAIT_CHILD, -1, TIMED_NEVER, 0, false},
    {SYS_clone3, SL_WAIT_CHILD, -1, TIMED_NEVER, 0, false},
    /* Of which it is not known what goes on: see restart.h. */
    {SYS_restart_syscall, SL_WAIT_OTHER, -1, TIMED_NEVER, 0, true},
};

const char *sl_syscall_name(int32_t nr)
{
    return nr >= 0 && (size_t) nr < SL_COUNT_OF(names) ? names[nr] : NULL;
}

static const struct row *find_row(int32_t nr)
{
    for (size_t i = 0; i < SL_COUNT_OF(rows); i++)
        if (rows[i].nr == nr)
            return &rows[i];
    return NULL;
}

struct sl_syscall_kind sl_syscall_classify(const struct sl_syscall *call)
{
    const struct row *row = find_row(call->nr);
    if (call->nr < 0)
        return (struct sl_syscall_kind){.kind = SL_WAIT_FAULT, .descriptor = -1};
    if (!row)
        return (struct sl_syscall_kind){.kind = SL_WAIT_OTHER, .descriptor = -1};

    struct sl_syscall_kind kind = {.kind = row->kind, .descriptor = row->descriptor};
    uint64_t argument = call->args[row->timed_argument];
    kind.timed = row->timed == TIMED_ALWAYS ||
                 (row->timed == TIMED_NUMBER && (int) argument >= 0) ||
                 (row->timed == TIMED_POINTER && argument);
    return kind;
}

bool sl_syscall_restarts(const struct sl_syscall *call, bool descriptor_is_socket)
{
    const struct row *row = find_row(call->nr);
    return row && row->restarts && !descriptor_is_socket;
}
