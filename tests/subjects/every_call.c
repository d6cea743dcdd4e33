/* SPDX-License-Identifier: Apache-2.0 */
/*
 * every_call: one thread in each system call that blocks, named after it.
 *
 * First those that return EINTR after a stop, then those that the kernel restarts.
 * Stacks, from the outside: clone3, start_thread, run, in_NAME.  The main thread reads
 * standard input and ends the process when that is closed: with status 0, or 1 when one
 * of the calls has returned.  A call that returned is made again.  One byte on standard
 * output says that every thread was started; it blocks soon after.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <mqueue.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct timespec hours = {.tv_sec = 36000};
static int empty_pipe[2], full_pipe[2], empty_pair[2], full_pair[2], timed_pair[2];
static int listener, epoll_fd, event_fd, timer_fd, signal_fd, inotify_fd, locked_file, other_file;
static int sem_set, messages, full_messages;
static mqd_t queue;
static aio_context_t aio;
static pid_t child;
static char fifo[] = "/tmp/every_call.XXXXXX/fifo";
static sigset_t awaited;
static struct message {
    long type;
    char text[1024];
} message = {.type = 1};
static atomic_int returned;

#define CALL(name, call)                                                                           \
    static __attribute__((noinline)) void in_##name(void)                                          \
    {                                                                                              \
        (void) !(call);                                                                            \
    }

static struct epoll_event event;
static struct sembuf take = {.sem_op = -1};
static char memory[1024];
static struct iovec vector = {memory, sizeof memory};
static struct msghdr header = {.msg_iov = &vector, .msg_iovlen = 1};
static struct flock whole_file = {.l_type = F_WRLCK};
static uint32_t word;

CALL(epoll_wait, epoll_wait(epoll_fd, &event, 1, -1))
CALL(epoll_pwait, epoll_pwait(epoll_fd, &event, 1, 36000000, &awaited))
CALL(recv_timed, recv(timed_pair[0], memory, 1, 0))
CALL(accept_timed, accept(listener, NULL, NULL))
CALL(sigwaitinfo, sigwaitinfo(&awaited, NULL))
CALL(sigtimedwait, sigtimedwait(&awaited, NULL, &hours))
CALL(semop, semop(sem_set, &take, 1))
CALL(semtimedop, semtimedop(sem_set, &take, 1, &hours))
CALL(io_getevents, syscall(SYS_io_getevents, aio, 1L, 1L, memory, NULL))

CALL(read, read(empty_pipe[0], memory, 1))
CALL(readv, readv(empty_pipe[0], &vector, 1))
CALL(write, write(full_pipe[1], memory, 1))
CALL(writev, writev(full_pipe[1], &vector, 1))
CALL(splice, splice(empty_pipe[0], NULL, full_pipe[1], NULL, 1, 0))
CALL(tee, tee(empty_pipe[0], full_pipe[1], 1, 0))
CALL(recvfrom, recvfrom(empty_pair[0], memory, 1, 0, NULL, NULL))
CALL(recvmsg, recvmsg(empty_pair[0], &header, 0))
CALL(sendto, sendto(full_pair[0], memory, sizeof memory, 0, NULL, 0))
CALL(sendmsg, sendmsg(full_pair[0], &header, 0))
CALL(poll, poll(&(struct pollfd){empty_pipe[0], POLLIN, 0}, 1, -1))
CALL(ppoll, ppoll(&(struct pollfd){empty_pipe[0], POLLIN, 0}, 1, &hours, NULL))
CALL(select, select(0, NULL, NULL, NULL, NULL))
CALL(pselect, pselect(0, NULL, NULL, NULL, &hours, &awaited))
CALL(nanosleep, nanosleep(&hours, NULL))
CALL(clock_nanosleep, clock_nanosleep(CLOCK_MONOTONIC, 0, &hours, NULL))
CALL(pause, pause())
CALL(sigsuspend, sigsuspend(&awaited))
CALL(waitpid, waitpid(child, NULL, 0))
CALL(waitid, waitid(P_PID, (id_t) child, &(siginfo_t){0}, WEXITED))
CALL(flock, flock(other_file, LOCK_EX))
CALL(fcntl, fcntl(other_file, F_OFD_SETLKW, &whole_file))
CALL(open, open(fifo, O_RDONLY))
CALL(eventfd, read(event_fd, memory, 8))
CALL(timerfd, read(timer_fd, memory, 8))
CALL(signalfd, read(signal_fd, memory, sizeof memory))
CALL(inotify, read(inotify_fd, memory, sizeof memory))
CALL(msgrcv, msgrcv(messages, &message, 1, 0, 0))
CALL(msgsnd, msgsnd(full_messages, &message, sizeof message.text, 0))
CALL(mq_receive, mq_receive(queue, memory, sizeof memory, NULL))
CALL(futex, syscall(SYS_futex, &word, 0, 0, &hours, NULL, 0))

static const struct way {
    const char *name;
    void (*call)(void);
} ways[] = {
#define WAY(name)                                                                                  \
    {                                                                                              \
#name, in_##name                                                                           \
    }
    WAY(epoll_wait),   WAY(epoll_pwait), WAY(recv_timed), WAY(accept_timed), WAY(sigwaitinfo),
    WAY(sigtimedwait), WAY(semop),       WAY(semtimedop), WAY(io_getevents), WAY(read),
    WAY(readv),        WAY(write),       WAY(writev),     WAY(splice),       WAY(tee),
    WAY(recvfrom),     WAY(recvmsg),     WAY(sendto),     WAY(sendmsg),      WAY(poll),
    WAY(ppoll),        WAY(select),      WAY(pselect),    WAY(nanosleep),    WAY(clock_nanosleep),
    WAY(pause),        WAY(sigsuspend),  WAY(waitpid),    WAY(waitid),       WAY(flock),
    WAY(fcntl),        WAY(open),        WAY(eventfd),    WAY(timerfd),      WAY(signalfd),
    WAY(inotify),      WAY(msgrcv),      WAY(msgsnd),     WAY(mq_receive),   WAY(futex),
};
enum { N_WAYS = sizeof ways / sizeof *ways };

static void *run(void *argument)
{
    const struct way *way = argument;
    (void) pthread_setname_np(pthread_self(), way->name);
    for (;;) {
        way->call();
        atomic_store(&returned, 1);
    }
    return NULL;
}

static void check(const char *what, int result)
{
    if (result < 0) {
        perror(what);
        exit(1);
    }
}

/* Write until nothing more goes in. */
static void fill(int fd)
{
    check("fcntl", fcntl(fd, F_SETFL, O_NONBLOCK));
    for (size_t size = sizeof memory; size; size /= 2)
        while (write(fd, memory, size) > 0)
            continue;
    check("fcntl", fcntl(fd, F_SETFL, 0));
}

static void open_sockets(void)
{
    const struct timeval timeout = {.tv_sec = 36000};
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

    check("socketpair", socketpair(AF_UNIX, SOCK_STREAM, 0, empty_pair));
    check("socketpair", socketpair(AF_UNIX, SOCK_STREAM, 0, full_pair));
    check("socketpair", socketpair(AF_UNIX, SOCK_STREAM, 0, timed_pair));
    fill(full_pair[0]);
    listener = socket(AF_INET, SOCK_STREAM, 0);
    check("bind", bind(listener, (struct sockaddr *) &address, sizeof address));
    check("listen", listen(listener, 4));
    check("setsockopt", setsockopt(listener, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout));
    check("setsockopt",
          setsockopt(timed_pair[0], SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout));
}

/* Files of a directory that is gone again once all are open, but for the fifo. */
static void open_files(void)
{
    char path[sizeof fifo + 8];

    *strrchr(fifo, '/') = '\0';
    check("mkdtemp", mkdtemp(fifo) ? 0 : -1);
    (void) snprintf(path, sizeof path, "%s/file", fifo);
    locked_file = open(path, O_RDWR | O_CREAT, 0600);
    other_file = open(path, O_RDWR);
    check("flock", flock(locked_file, LOCK_EX));
    check("fcntl", fcntl(locked_file, F_OFD_SETLKW, &whole_file));
    check("unlink", unlink(path));
    fifo[strlen(fifo)] = '/';
    check("mkfifo", mkfifo(fifo, 0600));
}

static void open_queues(void)
{
    struct mq_attr attributes = {.mq_maxmsg = 1, .mq_msgsize = 64};
    char name[32];

    (void) snprintf(name, sizeof name, "/every_call.%d", (int) getpid());
    queue = mq_open(name, O_RDWR | O_CREAT, 0600, &attributes);
    check("mq_open", queue);
    check("mq_unlink", mq_unlink(name));
    messages = msgget(IPC_PRIVATE, 0600);
    full_messages = msgget(IPC_PRIVATE, 0600);
    sem_set = semget(IPC_PRIVATE, 1, 0600);
    check("msgget", messages);
    check("semget", sem_set);
    while (msgsnd(full_messages, &message, sizeof message.text, IPC_NOWAIT) == 0)
        continue;
}

static void open_all(void)
{
    check("pipe", pipe(empty_pipe));
    check("pipe", pipe(full_pipe));
    fill(full_pipe[1]);
    open_sockets();
    open_files();
    open_queues();
    epoll_fd = epoll_create1(0);
    event_fd = eventfd(0, 0);
    timer_fd = timerfd_create(CLOCK_MONOTONIC, 0);
    signal_fd = signalfd(-1, &awaited, 0);
    inotify_fd = inotify_init();
    check("inotify", inotify_fd);
    check("io_setup", (int) syscall(SYS_io_setup, 1L, &aio));
    child = fork();
    if (child == 0) {
        (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;)
            (void) pause();
    }
}

static void close_all(void)
{
    (void) semctl(sem_set, 0, IPC_RMID);
    (void) msgctl(messages, IPC_RMID, NULL);
    (void) msgctl(full_messages, IPC_RMID, NULL);
    (void) unlink(fifo);
    *strrchr(fifo, '/') = '\0';
    (void) rmdir(fifo);
}

int main(void)
{
    char byte = '.';

    (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void) sigemptyset(&awaited);
    (void) sigaddset(&awaited, SIGUSR1);
    (void) pthread_sigmask(SIG_BLOCK, &awaited, NULL);
    open_all();
    for (int i = 0; i < N_WAYS; i++) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, run, (void *) &ways[i]))
            return 1;
    }
    if (write(STDOUT_FILENO, &byte, 1) != 1)
        return 1;
    while (read(STDIN_FILENO, &byte, 1) > 0)
        continue;
    int status = atomic_load(&returned);
    (void) kill(child, SIGKILL);
    close_all();
    _exit(status);
}
