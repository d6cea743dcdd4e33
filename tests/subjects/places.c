/* SPDX-License-Identifier: Apache-2.0 */
/*
 * places: threads that wait where no thread is known to be the one that they wait for, each named
 * after its place.
 *
 *     pipe      reads from a pipe whose other end is open here, too
 *     full      writes to a pipe that is full, and that nobody reads
 *     unix      reads from one of a pair of sockets
 *     tcp       reads from a connection with a socket of this process
 *     gone      reads from a socket whose other end a child has
 *     reader    waits to write what `sharer` has taken for reading (a read-write lock)
 *     glib      waits for a GMutex that `keeper` has; there where GLib is
 *
 * The numbers of the descriptors at the other ends, in this order, follow the dot that says that it
 * is ready: pipe, full, unix, tcp.  Then 1 with GLib, else 0.  The main thread reads standard input
 * and ends the process when that is closed.
 */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define DO_NOT_INLINE __attribute__((noinline))

static int pipe_ends[2], full_ends[2], unix_ends[2], tcp_ends[2], gone_ends[2];
static atomic_int n_ready;
static struct {
    void *word; /* a GMutex */
} mutex;
static pthread_rwlock_t shared = PTHREAD_RWLOCK_INITIALIZER;
static void (*lock_mutex)(void *mutex);

static void get_ready(const char *name)
{
    (void) prctl(PR_SET_NAME, name);
    atomic_fetch_add(&n_ready, 1);
}

static void *read_from(void *argument)
{
    const struct {
        const char *name;
        int fd;
    } places[] = {{"pipe", pipe_ends[0]},
                  {"unix", unix_ends[0]},
                  {"tcp", tcp_ends[0]},
                  {"gone", gone_ends[0]}};
    char byte;

    get_ready(places[(intptr_t) argument].name);
    (void) !read(places[(intptr_t) argument].fd, &byte, 1);
    return NULL;
}

static void *write_to_full(void *argument)
{
    static const char zeros[1 << 20];

    (void) argument;
    get_ready("full");
    (void) !write(full_ends[1], zeros, sizeof zeros);
    return NULL;
}

/* Its address stays on the stack of the caller. */
static DO_NOT_INLINE void hold(const char *name, void *volatile what)
{
    get_ready(name);
    for (;;)
        (void) pause();
    (void) what;
}

static void *share(void *argument)
{
    (void) pthread_rwlock_rdlock(argument);
    hold("sharer", argument);
    return NULL;
}

static void *take_shared(void *argument)
{
    get_ready("reader");
    (void) pthread_rwlock_wrlock(argument);
    return NULL;
}

static void *keep_mutex(void *argument)
{
    lock_mutex(argument);
    hold("keeper", argument);
    return NULL;
}

static void *take_mutex(void *argument)
{
    get_ready("glib");
    lock_mutex(argument);
    return NULL;
}

static int connect_tcp(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0);

    tcp_ends[0] = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(listener, (struct sockaddr *) &address, sizeof address) || listen(listener, 1) ||
        getsockname(listener, (struct sockaddr *) &address, &size) ||
        connect(tcp_ends[0], (struct sockaddr *) &address, sizeof address))
        return -1;
    tcp_ends[1] = accept(listener, NULL, NULL);
    return tcp_ends[1];
}

static void start(void *(*function)(void *), void *argument, int *n)
{
    pthread_t thread;

    if (pthread_create(&thread, NULL, function, argument) != 0)
        _exit(1);
    ++*n;
    while (atomic_load(&n_ready) < *n)
        (void) usleep(1000);
}

/* A child has the other end, and this process no more. */
static void give_away(void)
{
    int hold_on[2];

    if (socketpair(AF_UNIX, SOCK_STREAM, 0, gone_ends) || pipe(hold_on))
        _exit(1);
    if (fork() == 0) {
        char byte;
        (void) prctl(PR_SET_NAME, "other end");
        (void) close(hold_on[1]);
        (void) !read(hold_on[0], &byte, 1);
        _exit(0);
    }
    (void) close(hold_on[0]);
    (void) close(gone_ends[1]);
}

int main(void)
{
    int n = 0;
    char byte;

    if (pipe(pipe_ends) || pipe(full_ends) || socketpair(AF_UNIX, SOCK_STREAM, 0, unix_ends) ||
        connect_tcp() < 0)
        return 1;
    give_away();
    for (intptr_t i = 0; i < 4; i++)
        start(read_from, (void *) i, &n);
    start(write_to_full, NULL, &n);
    start(share, &shared, &n);
    start(take_shared, &shared, &n);
    void *library = dlopen("libglib-2.0.so.0", RTLD_NOW);
    *(void **) &lock_mutex = library ? dlsym(library, "g_mutex_lock") : NULL;
    if (lock_mutex) {
        start(keep_mutex, &mutex, &n);
        start(take_mutex, &mutex, &n);
    }
    (void) printf(".%d %d %d %d %d\n", pipe_ends[1], full_ends[0], unix_ends[1], tcp_ends[1],
                  lock_mutex != NULL);
    (void) fflush(stdout);
    (void) !read(STDIN_FILENO, &byte, 1);
    _exit(0);
}
