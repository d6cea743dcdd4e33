/* SPDX-License-Identifier: Apache-2.0 */
/*
 * moved_code WAY LIBRARY: threads in code that is no longer where its file was mapped.  WAY
 * is what becomes of the code of this program and of LIBRARY, a copy of unloaded_library.c
 * in a name space of its own:
 *
 *     kept       nothing; but the holes between the segments of the program are filled
 *     anonymous  all of it is copied to memory without a file, at the same addresses
 *     part       the same with its first page only
 *     memfd      the same with a file of no name
 *
 * `main` waits in wait_in_program, thread "library" in wait_for_ever, which
 * call_through_library calls, called by run.
 * The main thread reads standard input and ends the process when that is closed.
 */
#include <dlfcn.h>
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

#define PAGE 4096

static sem_t waiting, never;
static int (*call)(void (*function)(void));

static void wait_for_ever(void)
{
    (void) sem_post(&waiting);
    while (sem_wait(&never))
        continue;
    (void) sem_post(&waiting); /* not a tail call */
}

static void *run(void *argument)
{
    volatile int result;
    (void) pthread_setname_np(pthread_self(), "library");
    result = call(wait_for_ever);
    (void) result;
    return argument;
}

static void or_exit(int holds)
{
    if (!holds)
        _exit(3);
}

/* Code goes on where it was: it is the same before and after the one call that replaces it. */
static void move(char *code, size_t size, const char *way)
{
    const int rights = PROT_READ | PROT_EXEC;

    if (strcmp(way, "memfd") == 0) {
        int fd = memfd_create("code", 0);
        or_exit(fd >= 0 && write(fd, code, size) == (ssize_t) size &&
                mmap(code, size, rights, MAP_PRIVATE | MAP_FIXED, fd, 0) == code);
        return;
    }
    if (strcmp(way, "part") == 0)
        size = PAGE;
    char *copy = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    or_exit(copy != MAP_FAILED);
    memcpy(copy, code, size);
    or_exit(mprotect(copy, size, rights) == 0 &&
            mremap(copy, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, code) == code);
}

/* Executable, so that it could be taken for the program's. */
static void fill(uintptr_t start, uintptr_t end)
{
    if (end > start && end - start < (1 << 30))
        (void) mmap((void *) start, PAGE, PROT_READ | PROT_EXEC,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
}

/* What the mapping that an address is in becomes. */
static void change(uintptr_t address, const char *way)
{
    FILE *maps = fopen("/proc/self/maps", "re");
    unsigned long start = 0, end = 0, last = 0;
    char line[4600];

    or_exit(maps != NULL);
    while (fgets(line, sizeof line, maps) && sscanf(line, "%lx-%lx", &start, &end) == 2) {
        if (address >= start && address < end)
            break;
        last = end;
    }
    (void) fclose(maps);
    or_exit(address >= start && address < end);
    if (strcmp(way, "kept") == 0)
        fill(last, start);
    else
        move((char *) start, end - start, way);
}

static __attribute__((noinline)) void wait_in_program(void)
{
    char byte = '.';
    or_exit(write(STDOUT_FILENO, &byte, 1) == 1);
    while (read(STDIN_FILENO, &byte, 1) > 0)
        continue;
    _exit(0);
}

int main(int argc, char **argv)
{
    pthread_t thread;

    (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
    or_exit(argc == 3);
    void *library = dlmopen(LM_ID_NEWLM, argv[2], RTLD_NOW);
    void *symbol = library ? dlsym(library, "call_through_library") : NULL;
    or_exit(symbol != NULL);
    memcpy(&call, &symbol, sizeof symbol);
    (void) sem_init(&waiting, 0, 0);
    (void) sem_init(&never, 0, 0);
    change((uintptr_t) main, argv[1]);
    change((uintptr_t) symbol, argv[1]);
    or_exit(pthread_create(&thread, NULL, run, NULL) == 0);
    while (sem_wait(&waiting))
        continue;
    wait_in_program();
    return 0;
}
