/* SPDX-License-Identifier: Apache-2.0 */
/*
 * generated_code: a thread under code of no file, as a just-in-time compiler makes it, with
 * a line for it in /tmp/perf-PID.map.  An older line gives the same memory another name.
 *
 * Thread "generated" waits in wait_for_ever, called by the generated code.  The main thread
 * reads standard input and ends the process, without the map, when that is closed.
 */
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

static sem_t waiting, never;
static void *code;

static void wait_for_ever(void)
{
    (void) sem_post(&waiting);
    while (sem_wait(&never))
        continue;
    (void) sem_post(&waiting); /* not a tail call */
}

static void *run(void *argument)
{
    void (*generated)(void (*function)(void));
    (void) pthread_setname_np(pthread_self(), "generated");
    memcpy(&generated, &code, sizeof code);
    generated(wait_for_ever);
    return argument;
}

int main(void)
{
    /* push %rbp; mov %rsp, %rbp; call *%rdi; pop %rbp; ret */
    static const unsigned char bytes[] = {0x55, 0x48, 0x89, 0xe5, 0xff, 0xd7, 0x5d, 0xc3};
    char path[64], byte = '.';
    pthread_t thread;

    (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
    code = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (code == MAP_FAILED)
        return 1;
    memcpy(code, bytes, sizeof bytes);
    (void) snprintf(path, sizeof path, "/tmp/perf-%ld.map", (long) getpid());
    FILE *map = fopen(path, "we");
    if (!map)
        return 1;
    (void) fprintf(map, "%lx 100 older\n%lx %zx *newer /some where.js:3\n", (unsigned long) code,
                   (unsigned long) code, sizeof bytes);
    (void) fclose(map);
    (void) sem_init(&waiting, 0, 0);
    (void) sem_init(&never, 0, 0);
    if (pthread_create(&thread, NULL, run, NULL))
        return 1;
    while (sem_wait(&waiting))
        continue;
    if (write(STDOUT_FILENO, &byte, 1) != 1)
        return 1;
    while (read(STDIN_FILENO, &byte, 1) > 0)
        continue;
    (void) unlink(path);
    _exit(0);
}
