/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/snapshot/sandbox/filter.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "base/macros.h"

/* Words of the call that is judged; of an argument the lower half, which has all flags. */
#define LOAD(offset) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (offset))
#define ARGUMENT(n)  LOAD(offsetof(struct seccomp_data, args) + (n) * sizeof(uint64_t))
#define RETURN(what) BPF_STMT(BPF_RET | BPF_K, (what))
/* Go on with the next instruction when it is so, else leave `n` out. */
#define IF_EQUAL(value, n) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), 0, (n))
#define IF_ANY(bits, n)    BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, (bits), 0, (n))

#define ALLOW(call) IF_EQUAL((call), 1), RETURN(SECCOMP_RET_ALLOW)
/* As where it is not permitted: libraries go on. */
#define REFUSE(call) IF_EQUAL((call), 1), RETURN(SECCOMP_RET_ERRNO | EACCES)
/* Unless the argument has one of the bits. */
#define ALLOW_WITHOUT(call, argument, bits)                                                        \
    IF_EQUAL((call), 4), ARGUMENT(argument), IF_ANY((bits), 1), RETURN(SECCOMP_RET_KILL_PROCESS),  \
        RETURN(SECCOMP_RET_ALLOW)

static const struct sock_filter instructions[] = {
    LOAD(offsetof(struct seccomp_data, arch)),
    IF_EQUAL(AUDIT_ARCH_X86_64, 1),
    BPF_JUMP(BPF_JMP | BPF_JA, 1, 0, 0),
    RETURN(SECCOMP_RET_KILL_PROCESS),
    LOAD(offsetof(struct seccomp_data, nr)),
    /* Requests and answers; the files that come with them. */
    ALLOW(SYS_recvmsg),
    ALLOW(SYS_sendmsg),
    ALLOW(SYS_read),
    ALLOW(SYS_pread64),
    ALLOW(SYS_lseek),
    ALLOW(SYS_fstat),
    ALLOW(SYS_newfstatat), /* the C library's fstat; a name leads to no content */
    ALLOW(SYS_close),
    ALLOW(SYS_brk),
    ALLOW(SYS_munmap),
    ALLOW(SYS_mremap),
    ALLOW(SYS_madvise),
    ALLOW(SYS_futex),
    ALLOW(SYS_clock_gettime),
    ALLOW(SYS_sysinfo), /* qsort asks how much memory there is */
    ALLOW(SYS_exit_group),
    /* libdw asks for the name of its file, to look for others beside it. */
    REFUSE(SYS_readlink),
    REFUSE(SYS_readlinkat),
    REFUSE(SYS_openat),
    REFUSE(SYS_getcwd),
    /* libelf asks whether a descriptor is one. */
    IF_EQUAL(SYS_fcntl, 4),
    ARGUMENT(1),
    IF_EQUAL(F_GETFD, 1),
    RETURN(SECCOMP_RET_ALLOW),
    RETURN(SECCOMP_RET_KILL_PROCESS),
    ALLOW_WITHOUT(SYS_mmap, 2, PROT_EXEC),
    ALLOW_WITHOUT(SYS_mprotect, 2, PROT_EXEC),
    RETURN(SECCOMP_RET_KILL_PROCESS),
};

bool sl_sandbox_filter(void)
{
    const struct sock_fprog program = {.len = SL_COUNT_OF(instructions),
                                       .filter = (struct sock_filter *) instructions};
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}
