/* SPDX-License-Identifier: Apache-2.0 */
/*
 * planted KIND: threads that wait, of which is known whether anything alive can still wake them.
 * Without a kind, the names of all kinds.
 *
 * Standard output has a line `tid fate` for each thread it made, then `ready`; fates are dead,
 * cancellable (dead but for somebody who may cancel it) and alive.  When standard input is closed,
 * what is called alive is woken the way that it was kept alive, and has to end: status 0.
 */
#include "planted.h"

#include <dlfcn.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#define N_PLANTS_MAX 512
#define PATIENCE_S   10

static struct plant {
    pid_t tid;
    enum fate fate;
    atomic_bool ended;
} plants[N_PLANTS_MAX];

static size_t n_plants;
volatile uintptr_t hidden = MASK; /* NULL */

/* What the next thread is told; it takes the words away before it says so. */
static void (*volatile handed_run)(struct object *);
static struct object *volatile handed_object;
static sem_t taken;

static void *begin(void *number)
{
    struct plant *plant = &plants[(uintptr_t) number];
    void (*run)(struct object *) = handed_run;
    struct object *object = handed_object;

    handed_object = NULL;
    plant->tid = gettid();
    (void) sem_post(&taken);
    run(object);
    plant->ended = true;
    return NULL;
}

pthread_t plant(enum fate fate, void (*run)(struct object *), struct object *object)
{
    pthread_t thread;

    if (n_plants == N_PLANTS_MAX)
        abort();
    plants[n_plants].fate = fate;
    handed_run = run;
    handed_object = object;
    if (pthread_create(&thread, NULL, begin, (void *) n_plants))
        abort();
    n_plants++;
    while (sem_wait(&taken))
        continue;
    return thread;
}

void plant_waiters(enum fate fate, struct object *object, int n_waiters)
{
    for (int i = 0; i < n_waiters; i++)
        (void) plant(fate, object_wait, object);
}

void hide(struct object *object)
{
    hidden = (uintptr_t) object ^ MASK;
}

struct object *reveal(void)
{
    return (struct object *) (hidden ^ MASK);
}

void plant_hidden(void)
{
    hide(object_new(WAY_CONDITION));
    plant_waiters(FATE_ALIVE, reveal(), N_EACH);
}

void wake_hidden(void)
{
    object_wake(reveal());
}

void await_end(void)
{
    char byte;
    while (read(STDIN_FILENO, &byte, 1) > 0)
        continue;
}

void *library_symbol(const char *name)
{
    void *library = dlopen("$ORIGIN/planted_library.so", RTLD_NOW);
    void *symbol = library ? dlsym(library, name) : NULL;
    if (!symbol) {
        (void) fprintf(stderr, "%s\n", dlerror());
        exit(2);
    }
    return symbol;
}

/* What calls that have returned left behind, on the stack and in registers. */
static DO_NOT_INLINE void wipe(void)
{
    volatile char stale[65536];
    for (size_t i = 0; i < sizeof stale; i++)
        stale[i] = 0;
#ifdef __x86_64__
    __asm__ volatile("xor %%ecx, %%ecx; xor %%edx, %%edx; xor %%esi, %%esi; xor %%edi, %%edi;"
                     "xor %%r8d, %%r8d; xor %%r9d, %%r9d; xor %%r10d, %%r10d; xor %%r11d, %%r11d;"
                     "pxor %%xmm0, %%xmm0; pxor %%xmm1, %%xmm1; pxor %%xmm2, %%xmm2;"
                     "pxor %%xmm3, %%xmm3; pxor %%xmm4, %%xmm4; pxor %%xmm5, %%xmm5;"
                     "pxor %%xmm6, %%xmm6; pxor %%xmm7, %%xmm7; pxor %%xmm8, %%xmm8"
                     :
                     :
                     : "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "xmm0", "xmm1", "xmm2",
                       "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8");
#endif
}

static void announce(void)
{
    static const char *const names[] = {
        [FATE_DEAD] = "dead", [FATE_CANCELLABLE] = "cancellable", [FATE_ALIVE] = "alive"};
    for (size_t i = 0; i < n_plants; i++)
        (void) printf("%ld %s\n", (long) plants[i].tid, names[plants[i].fate]);
    (void) puts("ready");
    (void) fflush(stdout);
}

/* @return 0 when all that is called alive has ended, else 1 */
static int await_living(void)
{
    for (int i = 0; i < PATIENCE_S * 1000; i++) {
        size_t n_living = 0;
        for (size_t k = 0; k < n_plants; k++)
            n_living += plants[k].fate == FATE_ALIVE && !plants[k].ended;
        if (n_living == 0)
            return 0;
        (void) usleep(1000);
    }
    return 1;
}

static const struct kind *find(const char *name)
{
    for (size_t i = 0; kind_tables[i]; i++)
        for (const struct kind *kind = kind_tables[i]; kind->name; kind++)
            if (name && strcmp(kind->name, name) == 0)
                return kind;
            else if (!name)
                (void) puts(kind->name);
    return NULL;
}

static void prepare(const struct kind *kind)
{
    kind->plant();
    if (kind->place)
        kind->place();
}

int main(int argc, char **argv)
{
    static char buffer[BUFSIZ];
    const struct kind *kind = find(argc > 1 ? argv[1] : NULL);
    if (!kind)
        return argc > 1 ? 2 : 0;
    (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
    /* A buffer of malloc could be where something was freed, and have its words. */
    (void) setvbuf(stdout, buffer, _IOFBF, sizeof buffer);
    if (sem_init(&taken, 0, 0))
        return 2;
    prepare(kind);
    announce();
    wipe();
    if (kind->hold)
        kind->hold();
    else
        await_end();
    if (kind->wake)
        kind->wake();
    _exit(await_living());
}
