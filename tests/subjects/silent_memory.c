/* SPDX-License-Identifier: Apache-2.0 */
/*
 * silent_memory THREADS: threads whose stacks are in memory that never answers who reads it.
 *
 * They wait in pause(), or on their way there for memory, named "silent".  Their stacks are taken
 * away under them and handed over to a userfaultfd that nobody serves; where the kernel can, those
 * of the first half are guarded against writes too, which marks pages that are not there.  The main
 * thread waits in read() on standard input and ends the process when that is closed.  One byte on
 * standard output says that all is so; the process exits with 77 where that is not permitted.
 */
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define STACK_SIZE ((size_t) 256 * 1024)

#ifndef UFFD_FEATURE_WP_UNPOPULATED
#define UFFD_FEATURE_WP_UNPOPULATED (1 << 13) /* since Linux 6.4 */
#endif

static sem_t started;

static void *wait_silently(void *argument)
{
    (void) pthread_setname_np(pthread_self(), "silent");
    (void) sem_post(&started);
    for (;;)
        (void) pause();
    return argument;
}

static char *start(size_t n)
{
    char *stacks =
        mmap(NULL, n * STACK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    pthread_attr_t attributes;
    pthread_t thread;

    if (stacks == MAP_FAILED || pthread_attr_init(&attributes))
        exit(1);
    for (size_t i = 0; i < n; i++)
        if (pthread_attr_setstack(&attributes, stacks + i * STACK_SIZE, STACK_SIZE) ||
            pthread_create(&thread, &attributes, wait_silently, NULL) || sem_wait(&started))
            exit(1);
    return stacks;
}

/* @return a descriptor, or -1 */
static int open_silence(int *ret_guards)
{
    struct uffdio_api api = {.api = UFFD_API, .features = UFFD_FEATURE_WP_UNPOPULATED};

    for (*ret_guards = 1; *ret_guards >= 0; --*ret_guards) {
        int fd = (int) syscall(SYS_userfaultfd, O_CLOEXEC);
        if (fd >= 0 && ioctl(fd, UFFDIO_API, &api) == 0)
            return fd;
        api = (struct uffdio_api){.api = UFFD_API};
    }
    return -1;
}

int main(int argc, char **argv)
{
    size_t n = argc > 1 ? strtoul(argv[1], NULL, 10) : 1;
    char byte = 'x';
    int guards;

    int fd = open_silence(&guards);
    if (fd < 0)
        return 77;
    if (sem_init(&started, 0, 0))
        return 1;
    char *stacks = start(n);
    struct uffdio_register all = {.range = {.start = (unsigned long) stacks, .len = n * STACK_SIZE},
                                  .mode = UFFDIO_REGISTER_MODE_MISSING};
    struct uffdio_writeprotect half = {
        .range = {.start = (unsigned long) stacks, .len = n / 2 * STACK_SIZE},
        .mode = UFFDIO_WRITEPROTECT_MODE_WP};
    all.mode |= guards ? UFFDIO_REGISTER_MODE_WP : 0;
    if (ioctl(fd, UFFDIO_REGISTER, &all) || madvise(stacks, n * STACK_SIZE, MADV_DONTNEED))
        return 77;
    if (guards && n > 1 && ioctl(fd, UFFDIO_WRITEPROTECT, &half))
        return 1;
    if (write(STDOUT_FILENO, &byte, 1) != 1)
        return 1;
    while (read(STDIN_FILENO, &byte, 1) > 0)
        continue;
    _exit(0);
}
