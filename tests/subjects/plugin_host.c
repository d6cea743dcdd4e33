/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plugin_host PAGES NAME=LIBRARY...: a thread for each plug-in, whose stack lies beside it.
 *
 * The libraries are builds of plugin.c, whose function is `work_in_NAME`.  The stack of thread
 * NAME begins PAGES pages behind its library or, where PAGES is negative, ends that many before
 * it; "-0" is right before it.  So every thread sees its plug-in at the same distance, and only
 * the addresses of their code tell them apart.
 *
 * From the outside: clone3, start_thread, run, work_in_NAME, wait_for_ever.  The main thread reads
 * standard input and ends the process when that is closed.
 */
#include <dlfcn.h>
#include <link.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#define PAGE        4096
#define STACK_SIZE  ((size_t) 8 * PAGE)
#define ROOM        ((size_t) 1024 * 1024) /* on either side of each library, for a stack */
#define SMALL       ((size_t) 4 * PAGE)    /* no library is smaller */
#define MAX_PLUGINS 8

typedef int work_in(void (*function)(void));

struct plugin {
    const char *name;
    work_in *work;
    uintptr_t start, end; /* of its mappings */
    void *stack;
};

static sem_t never, waiting;

static void wait_for_ever(void)
{
    (void) sem_post(&waiting);
    for (;;)
        (void) sem_wait(&never);
}

static void *run(void *argument)
{
    const struct plugin *plugin = argument;
    volatile int result;
    (void) pthread_setname_np(pthread_self(), plugin->name);
    result = plugin->work(wait_for_ever);
    (void) result;
    return NULL;
}

static void fail(const char *what)
{
    (void) fprintf(stderr, "plugin_host: %s\n", what);
    exit(1);
}

/* Nothing else is mapped here until it is given back. */
static void *keep(size_t size)
{
    void *room = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (room == MAP_FAILED)
        fail("no room");
    return room;
}

/* The kernel takes the highest place with room enough: no gap may be left above. */
static void *keep_first_room(void)
{
    void *room = keep(ROOM), *filling;
    while ((filling = keep(SMALL)) > room)
        continue;
    (void) munmap(filling, SMALL);
    return room;
}

static int find_extent(struct dl_phdr_info *info, size_t size, void *argument)
{
    struct plugin *plugin = argument;
    uintptr_t start = UINTPTR_MAX, end = 0, work;

    (void) size;
    memcpy(&work, &plugin->work, sizeof work);
    for (size_t i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
        uintptr_t first = info->dlpi_addr + segment->p_vaddr, last = first + segment->p_memsz;
        if (segment->p_type != PT_LOAD)
            continue;
        start = first < start ? first : start;
        end = last > end ? last : end;
    }
    if (work < start || work >= end)
        return 0;
    plugin->start = start / PAGE * PAGE;
    plugin->end = (end + PAGE - 1) / PAGE * PAGE;
    return 1;
}

static void load(struct plugin *plugin, char *argument)
{
    char symbol[64], *path = strchr(argument, '=');

    if (!path)
        fail("expected NAME=LIBRARY");
    *path++ = '\0';
    plugin->name = argument;
    (void) snprintf(symbol, sizeof symbol, "work_in_%s", plugin->name);
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    void *work = library ? dlsym(library, symbol) : NULL;
    if (!work)
        fail(dlerror());
    memcpy(&plugin->work, &work, sizeof work);
    if (!dl_iterate_phdr(find_extent, plugin))
        fail("a library is nowhere");
}

static void lay_stack(struct plugin *plugin, bool before, size_t distance)
{
    uintptr_t at = before ? plugin->start - distance - STACK_SIZE : plugin->end + distance;
    plugin->stack = mmap((void *) at, STACK_SIZE, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    if (plugin->stack == MAP_FAILED)
        fail("no room beside a library");
}

static void start(struct plugin *plugin)
{
    pthread_attr_t attributes;
    pthread_t thread;

    (void) pthread_attr_init(&attributes);
    if (pthread_attr_setstack(&attributes, plugin->stack, STACK_SIZE) ||
        pthread_create(&thread, &attributes, run, plugin))
        fail("no thread");
    (void) pthread_attr_destroy(&attributes);
    while (sem_wait(&waiting))
        continue;
}

int main(int argc, char **argv)
{
    static struct plugin plugins[MAX_PLUGINS];
    void *rooms[MAX_PLUGINS + 1];
    int n = argc - 2;
    char byte = '.';

    (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (n < 1 || n > MAX_PLUGINS)
        return 2;
    rooms[0] = keep_first_room();
    for (int i = 0; i < n; i++) {
        load(&plugins[i], argv[i + 2]);
        rooms[i + 1] = keep(ROOM);
    }
    for (int i = 0; i <= n; i++)
        (void) munmap(rooms[i], ROOM);
    for (int i = 0; i < n; i++)
        lay_stack(&plugins[i], *argv[1] == '-', (size_t) labs(strtol(argv[1], NULL, 10)) * PAGE);
    (void) sem_init(&never, 0, 0);
    (void) sem_init(&waiting, 0, 0);
    for (int i = 0; i < n; i++)
        start(&plugins[i]);
    if (write(STDOUT_FILENO, &byte, 1) != 1)
        return 1;
    while (read(STDIN_FILENO, &byte, 1) > 0)
        continue;
    _exit(0);
}
