/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/process/desk.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>

#include "base/fail.h"

#define DESK_SIZE 4096
/* The observer looks every 100 ms; more only when it takes a snapshot or waits for threads. */
#define WAIT_S         30
#define ALT_STACK_SIZE (64 << 10)

enum crash_state { NO_CRASH, CRASH_CLAIMED, CRASH_TOLD, CRASH_SEEN };

struct sl_desk {
    _Atomic uint32_t step;
    _Atomic uint32_t state; /* enum crash_state; the futex that a crashed thread waits on */
    struct sl_crash crash;  /* from CRASH_TOLD on */
};

_Static_assert(sizeof(struct sl_desk) <= DESK_SIZE, "the desk is one page");

/* Those that end a process and say that it went wrong. */
static const int deadly[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGSYS};

/* The subject's own; a handler has no other way to it. */
static struct {
    struct sl_desk *desk;
    pid_t pid;
    struct sigaction before[SL_COUNT_OF(deadly)];
} own;

const char *sl_step_text(enum sl_step step)
{
    static const char *const texts[SL_N_STEPS] = {
#define X(name, text) [SL_STEP_##name] = (text),
        SL_STEP_MAP(X)
#undef X
    };
    return (size_t) step < SL_N_STEPS ? texts[step] : "an unknown step";
}

enum sl_status sl_desk_new(struct sl_desk **ret_desk, int *ret_fd, struct sl_error *err)
{
    SL_AUTO_FD int fd = memfd_create("strandline-desk", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    /* A subject that could shrink it would take the page from under us. */
    if (fd < 0 || ftruncate(fd, DESK_SIZE) < 0 ||
        fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
        return sl_fail_errno(err, "cannot create a page to share with the subject");
    void *page = mmap(NULL, DESK_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (page == MAP_FAILED)
        return sl_fail_errno(err, "cannot map a page to share with the subject");
    *ret_desk = page;
    *ret_fd = SL_TAKE_FD(fd);
    return SL_OK;
}

void sl_desk_free(struct sl_desk *desk)
{
    if (desk)
        (void) munmap(desk, DESK_SIZE);
}

enum sl_step sl_desk_step(const struct sl_desk *desk)
{
    uint32_t step = atomic_load(&desk->step);
    return step < SL_N_STEPS ? (enum sl_step) step : SL_STEP_NONE;
}

bool sl_desk_crash(const struct sl_desk *desk, struct sl_crash *ret_crash)
{
    unsigned char has_address;

    if (atomic_load(&desk->state) != CRASH_TOLD)
        return false;
    /* Byte by byte what could be no bool, no text and no signal. */
    memcpy(&has_address, &desk->crash.has_address, sizeof has_address);
    *ret_crash = (struct sl_crash){.signal = desk->crash.signal,
                                   .tid = desk->crash.tid,
                                   .has_address = has_address != 0,
                                   .address = desk->crash.address};
    memcpy(ret_crash->thread, desk->crash.thread, sizeof ret_crash->thread - 1);
    return ret_crash->signal > 0 && ret_crash->signal <= SIGRTMAX;
}

static void wait_while(struct sl_desk *desk, uint32_t state, int seconds)
{
    const struct timespec limit = {.tv_sec = seconds};
    (void) syscall(SYS_futex, &desk->state, FUTEX_WAIT, state, &limit, NULL, 0);
}

void sl_desk_release(struct sl_desk *desk)
{
    uint32_t told = CRASH_TOLD;

    if (atomic_compare_exchange_strong(&desk->state, &told, CRASH_SEEN))
        (void) syscall(SYS_futex, &desk->state, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
}

/* Async-signal-safe. */
static void tell_crash(struct sl_desk *desk, int number, const siginfo_t *info)
{
    uint32_t none = NO_CRASH;

    if (atomic_compare_exchange_strong(&desk->state, &none, CRASH_CLAIMED)) {
        desk->crash.signal = number;
        desk->crash.tid = (pid_t) syscall(SYS_gettid);
        desk->crash.has_address = info->si_code > 0 && number != SIGABRT && number != SIGSYS;
        desk->crash.address = (uint64_t) (uintptr_t) info->si_addr;
        (void) prctl(PR_GET_NAME, desk->crash.thread);
        atomic_store(&desk->state, CRASH_TOLD);
    }
    /* The second thread that crashes waits with the first; no wait is longer than the limit. */
    for (int i = 0; i < WAIT_S; i++) {
        uint32_t state = atomic_load(&desk->state);
        if (state == CRASH_SEEN)
            break;
        wait_while(desk, state, 1);
    }
}

static void on_deadly_signal(int number, siginfo_t *info, void *context)
{
    int saved = errno;

    (void) context;
    /* A fork of the subject is nobody that the observer looks at. */
    if (own.desk && syscall(SYS_getpid) == own.pid)
        tell_crash(own.desk, number, info);
    for (size_t i = 0; i < SL_COUNT_OF(deadly); i++)
        if (deadly[i] == number)
            (void) sigaction(number, &own.before[i], NULL);
    /* A fault happens again when this returns; what was sent has to be sent again. */
    if (info->si_code <= 0)
        (void) syscall(SYS_tgkill, syscall(SYS_getpid), syscall(SYS_gettid), number);
    errno = saved;
}

void sl_desk_adopt(int fd)
{
    static char alt_stack[ALT_STACK_SIZE]; /* of the first thread, whose own may be used up */
    const stack_t stack = {.ss_sp = alt_stack, .ss_size = sizeof alt_stack};
    struct sigaction action = {.sa_sigaction = on_deadly_signal,
                               .sa_flags = SA_SIGINFO | SA_ONSTACK};

    void *page = mmap(NULL, DESK_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    (void) close(fd);
    if (page == MAP_FAILED)
        return;
    own.desk = page;
    own.pid = (pid_t) syscall(SYS_getpid);
    (void) sigaltstack(&stack, NULL);
    (void) sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < SL_COUNT_OF(deadly); i++)
        (void) sigaction(deadly[i], &action, &own.before[i]);
}

void sl_step_begin(enum sl_step step)
{
    if (own.desk)
        atomic_store(&own.desk->step, (uint32_t) step);
}

enum sl_step sl_step_now(void)
{
    return own.desk ? sl_desk_step(own.desk) : SL_STEP_NONE;
}

void sl_desk_leave(void)
{
    for (size_t i = 0; own.desk && i < SL_COUNT_OF(deadly); i++) {
        struct sigaction now;
        if (sigaction(deadly[i], NULL, &now) == 0 && (now.sa_flags & SA_SIGINFO) &&
            now.sa_sigaction == on_deadly_signal)
            (void) sigaction(deadly[i], &own.before[i], NULL);
    }
}
