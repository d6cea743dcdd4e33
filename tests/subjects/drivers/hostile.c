/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Driver that means harm: the simple driver of examples/, which once its Close has returned does
 * what the environment variable HOSTILE names.  `acts` has them all.  Whatever it starts and leaves
 * is called "left-behind".
 */
#define _GNU_SOURCE 1
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <strandline/driver.h>

#include "harness/run/protocol.h"

/* The entry of examples/driver_simple.c, which is compiled in under this name. */
const struct sl_driver *simple_driver(void);

static int wait_for_ever(void *argument)
{
    (void) argument;
    (void) prctl(PR_SET_NAME, "left-behind");
    for (;;)
        (void) pause();
    return 0;
}

/* As wait_for_ever(), in a child that tells when `prepare` has been done. */
static void leave_child(void (*prepare)(void))
{
    int ready[2];
    char byte = 0;

    if (pipe(ready) < 0)
        return;
    if (fork() == 0) {
        (void) prctl(PR_SET_NAME, "left-behind");
        if (prepare)
            prepare();
        (void) !write(ready[1], &byte, 1);
        (void) wait_for_ever(NULL);
    }
    (void) close(ready[1]);
    (void) !read(ready[0], &byte, 1);
    (void) close(ready[0]);
}

static void leave_fork(void)
{
    leave_child(NULL);
}

static void daemonise(void)
{
    (void) setsid();
    if (fork() > 0)
        _exit(0);
}

static void leave_daemon(void)
{
    leave_child(daemonise);
}

static char stack[64 << 10];

/* What it makes has its name from the beginning, however soon that is looked at. */
static void leave_clone(int flags)
{
    char name[16];

    (void) prctl(PR_GET_NAME, name);
    (void) prctl(PR_SET_NAME, "left-behind");
    (void) clone(wait_for_ever, stack + sizeof stack, flags, NULL);
    (void) prctl(PR_SET_NAME, name);
}

static void leave_shared_memory(void)
{
    leave_clone(CLONE_VM | CLONE_FILES);
}

static void leave_sibling(void)
{
    leave_clone(CLONE_PARENT);
}

static void *vfork_and_hang(void *argument)
{
    (void) prctl(PR_SET_NAME, "left-behind");
    if (vfork() == 0)
        (void) wait_for_ever(NULL);
    return argument;
}

static void leave_vfork(void)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, vfork_and_hang, NULL) == 0)
        (void) pthread_detach(thread);
}

static void *wait_in_thread(void *argument)
{
    (void) wait_for_ever(NULL);
    return argument;
}

static void leave_thread(void)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, wait_in_thread, NULL) == 0)
        (void) pthread_detach(thread);
    (void) usleep(20000); /* until it has its name */
}

static void change_user(void)
{
    (void) !setresuid(65534, 65534, 65534); /* for root; it clears the death signal, too */
}

static void leave_user(void)
{
    leave_child(change_user);
}

static void be_deaf(void)
{
    sigset_t all;
    (void) sigfillset(&all);
    (void) sigprocmask(SIG_SETMASK, &all, NULL);
    (void) setpgid(0, 0);
}

static void leave_deaf(void)
{
    leave_child(be_deaf);
}

static void leave_stopped(void)
{
    pid_t pid = fork();

    if (pid == 0) {
        (void) prctl(PR_SET_NAME, "left-behind");
        (void) raise(SIGSTOP);
        (void) wait_for_ever(NULL);
    }
    (void) waitpid(pid, NULL, WUNTRACED);
}

static void trace_parent(void)
{
    (void) ptrace(PTRACE_SEIZE, getppid(), NULL, (void *) 0);
}

static void leave_tracer(void)
{
    (void) prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
    leave_child(trace_parent);
}

static void leave_adopted(void)
{
    (void) prctl(PR_SET_CHILD_SUBREAPER, 1);
    leave_child(daemonise);
}

/* A process that is another one by the time somebody has seen it. */
static void leave_chain(void)
{
    if (fork() > 0)
        return;
    (void) prctl(PR_SET_NAME, "left-behind");
    for (;;) {
        (void) setsid();
        if (fork() > 0)
            _exit(0);
    }
}

/* Every process makes another one whenever it can, up to the limit below. */
static void leave_breeders(void)
{
    volatile int *n = (volatile int *) (uintptr_t) syscall(SYS_mmap, NULL, 4096, 3, 0x21, -1, 0);

    if (fork() > 0)
        return;
    (void) prctl(PR_SET_NAME, "left-behind");
    for (;;)
        if (__sync_fetch_and_add(n, 1) < 100)
            (void) !fork();
        else
            (void) usleep(1000);
}

static void close_all(void)
{
    (void) close_range(0, ~0u, 0);
}

static void cover_all(void)
{
    int fd = open("/dev/zero", O_RDWR);
    for (int i = 0; i < 64; i++)
        if (i != fd)
            (void) dup2(fd, i);
}

static void limit_all(void)
{
    const struct rlimit none = {0, 0};
    (void) setrlimit(RLIMIT_NOFILE, &none);
    (void) setrlimit(RLIMIT_FSIZE, &none);
    (void) setrlimit(RLIMIT_NPROC, &none);
}

static void exit_early(void)
{
    exit(0);
}

static void exit_at_once(void)
{
    _exit(0);
}

static void kill_guard(void)
{
    (void) prctl(PR_SET_PDEATHSIG, 0);
    leave_child(daemonise);
    (void) kill(getppid(), SIGKILL);
}

static void stop_guard(void)
{
    leave_child(daemonise);
    (void) kill(getppid(), SIGSTOP);
}

/* So that it cannot open what it would look at. */
static void blind_guard(void)
{
    const struct rlimit none = {0, 0};

    leave_child(daemonise);
    (void) prlimit(getppid(), RLIMIT_NOFILE, &none, NULL);
}

static void ask_guard(void)
{
    static const int signals[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGPIPE, SIGCHLD};
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        (void) kill(getppid(), signals[i]);
}

/* Nothing of ours ties this process to anybody any more, and it has something to leave. */
static void hang(void)
{
    (void) prctl(PR_SET_PDEATHSIG, 0);
    leave_child(daemonise);
    (void) wait_for_ever(NULL);
}

static void *print_for_ever(void *argument)
{
    static char line[1 << 16];
    memset(line, 'x', sizeof line);
    for (;;)
        (void) !write(STDOUT_FILENO, line, sizeof line);
    return argument;
}

static void flood(void)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, print_for_ever, NULL) == 0)
        (void) sleep(2);
    exit_at_once();
}

/* What the subject writes records to; its number stands on the command line. */
static int find_pipe(void)
{
    char line[256] = "";
    int fd = open("/proc/self/cmdline", O_RDONLY);
    const char *at = line;

    (void) !read(fd, line, sizeof line - 1);
    (void) close(fd);
    for (int word = 0; word < 3; word++)
        at += strlen(at) + 1;
    return atoi(at);
}

static void forge(enum sl_record_type type, const void *record, size_t size)
{
    const struct sl_record_header header = {SL_RECORD_MAGIC, type, size};

    (void) !write(find_pipe(), &header, sizeof header);
    (void) !write(find_pipe(), record, size);
}

static uint64_t now_ns(void)
{
    struct timespec now;
    (void) clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t) now.tv_sec * 1000000000 + (uint64_t) now.tv_nsec;
}

static void forge_phase(enum sl_phase phase, uint64_t at_ns)
{
    const struct sl_phase_record record = {.phase = phase, .at_ns = at_ns};
    forge(SL_RECORD_PHASE, &record, sizeof record);
}

static void forge_start(void)
{
    forge_phase(SL_PHASE_START, now_ns());
}

static void forge_rest(void)
{
    forge_phase(SL_PHASE_CLOSED, now_ns());
    forge_phase(SL_PHASE_TORN_DOWN, now_ns());
}

static void forge_past(void)
{
    forge_phase(SL_PHASE_CLOSED, 1);
}

static void forge_future(void)
{
    forge_phase(SL_PHASE_CLOSED, now_ns() + UINT64_C(3600000000000));
}

static void forge_text(void)
{
    struct sl_failure_record record = {.phase = SL_PHASE_CLOSED, .status = SL_ESYS};
    memset(record.text, 'x', sizeof record.text);
    forge(SL_RECORD_FAILURE, &record, sizeof record);
}

static void forge_size(void)
{
    forge(SL_RECORD_PHASE, "short", 5);
}

static const struct act {
    const char *name;
    void (*perform)(void);
} acts[] = {
    {"fork", leave_fork},
    {"daemon", leave_daemon},
    {"shared-memory", leave_shared_memory},
    {"sibling", leave_sibling},
    {"vfork", leave_vfork},
    {"user", leave_user},
    {"thread", leave_thread},
    {"deaf", leave_deaf},
    {"stopped", leave_stopped},
    {"tracer", leave_tracer},
    {"adopted", leave_adopted},
    {"chain", leave_chain},
    {"breeders", leave_breeders},
    {"close-all", close_all},
    {"cover-all", cover_all},
    {"limit-all", limit_all},
    {"exit", exit_early},
    {"exit-at-once", exit_at_once},
    {"abort", abort},
    {"kill-guard", kill_guard},
    {"stop-guard", stop_guard},
    {"blind-guard", blind_guard},
    {"ask-guard", ask_guard},
    {"hang", hang},
    {"flood", flood},
    {"forge-start", forge_start},
    {"forge-rest", forge_rest},
    {"forge-past", forge_past},
    {"forge-future", forge_future},
    {"forge-text", forge_text},
    {"forge-size", forge_size},
};

static void act(const char *when)
{
    const char *wanted = getenv("HOSTILE"), *wanted_when = getenv("WHEN");

    if (!wanted || strcmp(when, wanted_when ? wanted_when : "close") != 0)
        return;
    for (size_t i = 0; i < sizeof acts / sizeof *acts; i++)
        if (strcmp(acts[i].name, wanted) == 0)
            acts[i].perform();
}

static enum sl_status close_bus(void *bus, uint64_t deadline_ns,
                                struct sl_driver_close_report *report, struct sl_error *err)
{
    enum sl_status s = simple_driver()->close(bus, deadline_ns, report, err);
    act("close");
    return s;
}

static void destroy(void *bus)
{
    simple_driver()->destroy(bus);
    act("destroy");
}

static enum sl_status teardown(struct sl_error *err)
{
    (void) err;
    act("teardown");
    return SL_OK;
}

__attribute__((constructor)) static void load(void)
{
    act("load");
}

const struct sl_driver *strandline_driver(void)
{
    static struct sl_driver driver;

    driver = *simple_driver();
    driver.close = close_bus;
    driver.destroy = destroy;
    driver.teardown = teardown;
    return &driver;
}
