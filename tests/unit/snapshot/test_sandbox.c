/* SPDX-License-Identifier: Apache-2.0 */
/* Processes for work on what nobody vouches for. */
#include "sl_test.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/wait.h"
#include "harness/snapshot/sandbox/message.h"
#include "harness/snapshot/sandbox/process.h"
#include "until.h"

#define MIB ((uint64_t) 1024 * 1024)

static void say(int socket, char what)
{
    const struct iovec part = {.iov_base = &what, .iov_len = 1};
    (void) sl_message_send(socket, &part, 1, NULL, 0);
}

static void echo(int socket, void *context)
{
    char text[64];
    int fds[SL_MESSAGE_FDS];
    ssize_t size;

    (void) context;
    while ((size = sl_message_receive(socket, text, sizeof text, fds)) > 0) {
        if (fds[0] >= 0) /* what is in the file that came with it */
            size = pread(fds[0], text, sizeof text, 0);
        const struct iovec part = {.iov_base = text, .iov_len = (size_t) size};
        (void) sl_message_send(socket, &part, 1, NULL, 0);
    }
}

static struct sl_sandbox start(void (*serve)(int socket, void *context), void *context)
{
    const struct sl_sandbox_work work = {
        .serve = serve, .context = context, .max_memory = 64 * MIB, .max_cpu_ns = 60 * SL_NS_PER_S};
    struct sl_sandbox sandbox = {0};
    const char *reason = sl_sandbox_start(&work, &sandbox);

    cr_assert_null(reason, "%s", reason ? reason : "");
    return sandbox;
}

/* Its next word; 0 when there comes none. */
static char hear(const struct sl_sandbox *sandbox)
{
    char what;
    return sl_wait_ready(sandbox->socket, POLLIN, sl_clock_now_ns() + 20 * SL_NS_PER_S) &&
                   sl_message_receive(sandbox->socket, &what, 1, NULL) == 1
               ? what
               : 0;
}

/* A question with a file, and the answer. */
static bool answers(const struct sl_sandbox *sandbox, const char *text, int fd, const char *answer)
{
    const struct iovec part = {.iov_base = (void *) text, .iov_len = strlen(text)};
    char got[64] = "";

    return sl_message_send(sandbox->socket, &part, 1, &fd, fd >= 0) &&
           sl_wait_ready(sandbox->socket, POLLIN, sl_clock_now_ns() + 20 * SL_NS_PER_S) &&
           sl_message_receive(sandbox->socket, got, sizeof got - 1, NULL) ==
               (ssize_t) strlen(answer) &&
           strcmp(got, answer) == 0;
}

SL_TEST(sandbox, it_reads_what_it_is_sent)
{
    SL_AUTO_FD int fd = memfd_create("words", MFD_CLOEXEC);
    struct sl_sandbox sandbox = start(echo, NULL);

    cr_assert(write(fd, "of a file", 9) == 9);
    cr_assert(answers(&sandbox, "words", -1, "words"));
    cr_assert(answers(&sandbox, "words", fd, "of a file"));
    int status = sl_sandbox_end(&sandbox);
    cr_assert(WIFSIGNALED(status) || WIFEXITED(status));
    cr_assert_eq(sl_sandbox_end(&sandbox), 0, "it is ended once");
}

static volatile sig_atomic_t n_signals;

static void handle_child(int number)
{
    (void) number;
    n_signals++;
}

SL_TEST(sandbox, the_program_around_it_does_not_see_a_child)
{
    struct sigaction action = {.sa_handler = handle_child}, old;

    cr_assert(sigaction(SIGCHLD, &action, &old) == 0);
    struct sl_sandbox sandbox = start(echo, NULL);
    cr_assert(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD);
    pid_t pid = sandbox.pid;
    (void) sl_sandbox_end(&sandbox);
    cr_assert(waitpid(pid, NULL, __WALL) == -1 && errno == ECHILD, "it was waited for");
    cr_assert_eq(n_signals, 0);
    (void) sigaction(SIGCHLD, &old, NULL);
}

static void crash(int socket, void *context)
{
    (void) socket;
    (void) context;
    __builtin_trap();
}

SL_TEST(sandbox, one_that_crashes_is_told_by_its_signal)
{
    struct sl_sandbox sandbox = start(crash, NULL);

    cr_assert_eq(hear(&sandbox), 0);
    int status = sl_sandbox_end(&sandbox);
    cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGILL, "%d", status);
}

static void hang(int socket, void *context)
{
    (void) context;
    say(socket, 'h');
    for (volatile bool more = true; more;)
        continue;
}

SL_TEST(sandbox, one_that_hangs_is_ended)
{
    struct sl_sandbox sandbox = start(hang, NULL);

    cr_assert_eq(hear(&sandbox), 'h');
    int status = sl_sandbox_end(&sandbox);
    cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "%d", status);
}

static void take_memory(int socket, void *context)
{
    void *volatile little = malloc(16 * MIB), *volatile much = malloc(65 * MIB);

    (void) context;
    say(socket, little && !much ? 'y' : 'n');
    free(little);
    free(much);
}

SL_TEST(sandbox, it_gets_as_much_memory_as_it_may_have)
{
#ifdef __SANITIZE_ADDRESS__
    cr_skip_test("a sanitizer takes more addresses than can be limited");
#endif
    struct sl_sandbox sandbox = start(take_memory, NULL);

    cr_assert_eq(hear(&sandbox), 'y');
    (void) sl_sandbox_end(&sandbox);
}

static void look_around(int socket, void *context)
{
    int kept = 0;

    (void) context;
    for (int fd = 0; fd < 100; fd++)
        kept += fcntl(fd, F_GETFD) >= 0;
    say(socket, (char) ('0' + kept));
}

SL_TEST(sandbox, it_keeps_no_descriptor_but_its_socket)
{
    SL_AUTO_FD int fd = memfd_create("secret", 0);
    struct sl_sandbox sandbox = start(look_around, NULL);

    cr_assert(fd >= 0);
    cr_assert_eq(hear(&sandbox), '1');
    (void) sl_sandbox_end(&sandbox);
}

static void open_file(int socket, void *context)
{
    (void) context;
    say(socket, open("/dev/null", O_RDONLY) < 0 ? 'n' : 'y');
}

static void make_process(int socket, void *context)
{
    (void) context;
    (void) syscall(SYS_fork);
    say(socket, 'y');
}

static void make_socket(int socket, void *context)
{
    (void) context;
    (void) syscall(SYS_socket, 1, 1, 0);
    say(socket, 'y');
}

static void make_code(int socket, void *context)
{
    (void) context;
    (void) mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    say(socket, 'y');
}

static void send_signal(int socket, void *context)
{
    (void) context;
    (void) kill(getppid(), 0);
    say(socket, 'y');
}

SL_TEST(sandbox, it_can_ask_little_of_the_kernel)
{
#ifdef __SANITIZE_ADDRESS__
    cr_skip_test("a sanitizer makes more calls than are allowed");
#endif
    void (*const forbidden[])(int, void *) = {make_process, make_socket, make_code, send_signal};
    struct sl_sandbox sandbox = start(open_file, NULL);

    cr_assert_eq(hear(&sandbox), 'n', "a file is refused");
    (void) sl_sandbox_end(&sandbox);
    for (size_t i = 0; i < SL_COUNT_OF(forbidden); i++) {
        sandbox = start(forbidden[i], NULL);
        cr_assert_eq(hear(&sandbox), 0, "%zu", i);
        int status = sl_sandbox_end(&sandbox);
        cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS, "%zu: %d", i, status);
    }
}

static void *start_and_leave(void *argument)
{
    *(struct sl_sandbox *) argument = start(hang, NULL);
    return NULL;
}

static bool has_ended(const struct sl_sandbox *sandbox)
{
    siginfo_t info = {0};
    return waitid(P_PID, (id_t) sandbox->pid, &info, WEXITED | WNOHANG | WNOWAIT | __WALL) == 0 &&
           info.si_pid == sandbox->pid;
}

SL_TEST(sandbox, it_does_not_outlive_the_thread_that_made_it)
{
    struct sl_sandbox sandbox;
    pthread_t thread;

    cr_assert(pthread_create(&thread, NULL, start_and_leave, &sandbox) == 0);
    cr_assert(pthread_join(thread, NULL) == 0);
    cr_assert(sl_test_until(has_ended(&sandbox), 20 * SL_NS_PER_S));
    (void) sl_sandbox_end(&sandbox);
}

SL_TEST(sandbox, where_there_is_no_room_for_a_process_there_is_a_reason)
{
    struct rlimit limit, old;
    const struct sl_sandbox_work work = {.serve = echo, .max_memory = MIB};
    struct sl_sandbox sandbox = {0};

    cr_assert(getrlimit(RLIMIT_NOFILE, &old) == 0);
    limit = old;
    limit.rlim_cur = 0;
    cr_assert(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    const char *reason = sl_sandbox_start(&work, &sandbox);
    cr_assert(setrlimit(RLIMIT_NOFILE, &old) == 0);
    cr_assert(reason && !sandbox.pid);
}

/* As a program does that has malloc's locks taken by other threads all the time. */
static void *use_memory(void *stop)
{
    while (!*(volatile bool *) stop) {
        void *volatile block = malloc(3000);
        free(block);
        block = calloc(100, 100);
        free(block);
    }
    return NULL;
}

SL_TEST(sandbox, it_begins_while_other_threads_use_memory, .timeout = 120)
{
#ifdef __SANITIZE_ADDRESS__
    cr_skip_test("a sanitizer has a malloc of its own");
#endif
    enum { N_THREADS = 4, N_STARTS = 10 };
    pthread_t threads[N_THREADS];
    bool stop = false;

    for (int i = 0; i < N_THREADS; i++)
        cr_assert(pthread_create(&threads[i], NULL, use_memory, &stop) == 0);
    for (int i = 0; i < N_STARTS; i++) {
        struct sl_sandbox sandbox = start(echo, NULL);
        cr_assert(answers(&sandbox, "words", -1, "words"));
        (void) sl_sandbox_end(&sandbox);
    }
    *(volatile bool *) &stop = true;
    for (int i = 0; i < N_THREADS; i++)
        (void) pthread_join(threads[i], NULL);
}
