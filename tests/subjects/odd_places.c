/* SPDX-License-Identifier: Apache-2.0 */
/*
 * odd_places: threads whose stacks are not ordinary.
 *
 *     altstack  in sem_wait under `handle`, a signal handler on an alternate stack, that
 *               interrupted `raise_here`, under `interrupted`
 *     vfork     parent of a vfork, in uninterruptible sleep, under `wait_in_vfork`
 *     deep      in sem_wait under `dive`, 100 times, with 512 bytes of locals each
 *     inlined   in sem_wait under `outer`; `inner` was inlined into it
 *
 * The main thread reads standard input and ends the process when that is closed.
 */
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define DEPTH 100

static sem_t never, handling;
static volatile pid_t vforked; /* the child of vfork shares this memory */

static void wait_for_ever(void)
{
    while (sem_wait(&never))
        continue;
}

static void handle(int number)
{
    (void) number;
    (void) sem_post(&handling);
    wait_for_ever();
    (void) sem_post(&handling); /* not a tail call */
}

static __attribute__((noinline)) void raise_here(void)
{
    (void) pthread_kill(pthread_self(), SIGUSR1);
    (void) sem_post(&handling);
}

static __attribute__((noinline)) void interrupted(void)
{
    const size_t size = 256 * 1024;
    void *memory =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    const stack_t stack = {.ss_sp = memory, .ss_size = size};
    const struct sigaction action = {.sa_handler = handle, .sa_flags = SA_ONSTACK};
    (void) sigaltstack(&stack, NULL);
    (void) sigaction(SIGUSR1, &action, NULL);
    raise_here();
    (void) sem_post(&handling);
}

static __attribute__((noinline)) void wait_in_vfork(void)
{
    pid_t child = vfork();
    if (child == 0) {
        (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
        vforked = getpid();
        (void) pause();
        _exit(0);
    }
    (void) sem_post(&handling);
}

static __attribute__((noinline)) int dive(int depth)
{
    volatile char locals[512];
    locals[0] = (char) depth;
    if (depth > 1)
        return dive(depth - 1) + locals[0];
    wait_for_ever();
    return locals[0];
}

static void start_dive(void)
{
    volatile int result = dive(DEPTH);
    (void) result;
}

static inline __attribute__((always_inline)) void inner(void)
{
    wait_for_ever();
    (void) sem_post(&handling);
}

static __attribute__((noinline)) void outer(void)
{
    inner();
    (void) sem_post(&handling);
}

static const struct place {
    const char *name;
    void (*enter)(void);
} places[] = {
    {"altstack", interrupted},
    {"vfork", wait_in_vfork},
    {"deep", start_dive},
    {"inlined", outer},
};

static void *run(void *argument)
{
    const struct place *place = argument;
    (void) pthread_setname_np(pthread_self(), place->name);
    place->enter();
    return NULL;
}

int main(void)
{
    char byte = '.';

    (void) sem_init(&never, 0, 0);
    (void) sem_init(&handling, 0, 0);
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, run, (void *) &places[i]))
            return 1;
    }
    if (write(STDOUT_FILENO, &byte, 1) != 1)
        return 1;
    while (read(STDIN_FILENO, &byte, 1) > 0)
        continue;
    if (vforked > 0 && kill(vforked, SIGKILL) == 0)
        (void) waitpid(vforked, NULL, 0);
    _exit(0);
}
