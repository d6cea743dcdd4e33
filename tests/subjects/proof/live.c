/* SPDX-License-Identifier: Apache-2.0 */
/* Kinds whose threads something alive can wake, by a pointer that lies in an unusual place. */
#include <fcntl.h>
#include <malloc.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include "planted.h"

#define PAGE       4096UL
#define N_KEYS     64 /* more than the C library keeps beside the thread */
#define HIGH_TAG   (0xbeefUL << 48)
#define LOW_TAG    5UL
#define STACK_SIZE 65536
#define BEHIND     100000
#define FRAME_SIZE 1000000

/* where the pointer lies, once it was placed */
static struct object *volatile *slot;

static void put(void)
{
    *slot = reveal();
    hide(NULL);
}

static void wake(void)
{
    object_wake(*slot);
}

/* data */

static struct object *volatile in_data;
static struct object *const in_relro = (struct object *) &in_data; /* so that it is relocated */
static _Thread_local struct object *volatile in_own;

static void place_data(void)
{
    slot = &in_data;
    put();
}

static void place_relro(void)
{
    slot = (struct object *volatile *) (uintptr_t) &in_relro;
    char *page = (char *) ((uintptr_t) slot & -PAGE);
    if (mprotect(page, PAGE, PROT_READ | PROT_WRITE))
        abort();
    put();
    if (mprotect(page, PAGE, PROT_READ))
        abort();
}

static void place_own(void)
{
    slot = &in_own;
    put();
}

static void place_library(void)
{
    slot = library_symbol("library_slot");
    put();
}

static void place_library_own(void)
{
    void *volatile *(*own)(void) = (void *volatile *(*) (void) ) library_symbol("library_own");
    slot = (struct object *volatile *) own();
    put();
}

/* memory */

static void place_chunk(void)
{
    slot = calloc(1, sizeof *slot);
    put();
}

static void place_mapped(int protection, int flags, int fd)
{
    slot = mmap(NULL, PAGE, protection, flags, fd, 0);
    if ((void *) slot == MAP_FAILED)
        abort();
    put();
}

static void place_private(void)
{
    place_mapped(PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
}

static void place_shared(void)
{
    place_mapped(PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1);
}

static void place_memfd(void)
{
    int fd = memfd_create("planted", MFD_CLOEXEC);
    if (fd < 0 || ftruncate(fd, PAGE))
        abort();
    place_mapped(PROT_READ | PROT_WRITE, MAP_SHARED, fd);
}

static void place_no_access(void)
{
    place_private();
    if (mprotect((void *) slot, PAGE, PROT_NONE))
        abort();
}

static void wake_no_access(void)
{
    if (mprotect((void *) slot, PAGE, PROT_READ))
        abort();
    wake();
}

static void place_sbrk(void)
{
    slot = sbrk(PAGE);
    put();
    in_data = calloc(1, BEHIND);
}

/* pointers that are none to the first byte */

static volatile uintptr_t spelt;

static void place_high_tag(void)
{
    spelt = (uintptr_t) reveal() | HIGH_TAG;
    hide(NULL);
}

static void wake_high_tag(void)
{
    object_wake((struct object *) (spelt & ~HIGH_TAG));
}

static void place_low_tag(void)
{
    spelt = (uintptr_t) reveal() | LOW_TAG;
    hide(NULL);
}

static void wake_low_tag(void)
{
    object_wake((struct object *) (spelt & ~LOW_TAG));
}

static void place_inside(void)
{
    spelt = (uintptr_t) &reveal()->semaphore;
    hide(NULL);
}

static void wake_inside(void)
{
    object_wake((struct object *) (spelt - offsetof(struct object, semaphore)));
}

/* As large as its chunk, so that the end lies in the next one's header. */
static void plant_end(void)
{
    struct object *object = malloc(sizeof *object | 8);
    if (!object || malloc_usable_size(object) != (sizeof *object | 8))
        abort();
    object->go = 0;
    object_init(object, WAY_CONDITION);
    hide(object);
    plant_waiters(FATE_ALIVE, object, N_EACH);
}

static void place_end(void)
{
    spelt = (uintptr_t) reveal() + (sizeof(struct object) | 8);
    hide(NULL);
}

static void wake_end(void)
{
    object_wake((struct object *) (spelt - (sizeof(struct object) | 8)));
}

/* what the C library keeps for somebody */

static pthread_key_t key;

static void place_key(void)
{
    (void) pthread_key_create(&key, NULL);
    (void) pthread_setspecific(key, reveal());
    hide(NULL);
}

static void place_late_key(void)
{
    for (int i = 0; i < N_KEYS; i++)
        (void) pthread_key_create(&key, NULL);
    (void) pthread_setspecific(key, reveal());
    hide(NULL);
}

static void wake_key(void)
{
    object_wake(pthread_getspecific(key));
}

static void at_exit(int status, void *object)
{
    (void) status;
    object_wake(object);
}

/* The process ends without its handlers, so that what they would have woken is woken before. */
static void place_exit(void)
{
    if (on_exit(at_exit, reveal()))
        abort();
}

/* stacks */

static void hold_in_frame(void)
{
    volatile struct {
        struct object *object;
        char filler[FRAME_SIZE];
    } frame;

    frame.object = reveal();
    hide(NULL);
    frame.filler[0] = 0;
    await_end();
    object_wake(frame.object);
}

static ucontext_t outside, coroutine;

static void keep_in_coroutine(void)
{
    struct object *volatile kept = reveal();
    hide(NULL);
    (void) swapcontext(&coroutine, &outside);
    object_wake(kept);
    (void) setcontext(&outside);
}

static void place_coroutine(void)
{
    (void) getcontext(&coroutine);
    coroutine.uc_stack.ss_sp = malloc(STACK_SIZE);
    coroutine.uc_stack.ss_size = STACK_SIZE;
    makecontext(&coroutine, keep_in_coroutine, 0);
    (void) swapcontext(&outside, &coroutine);
}

static void wake_coroutine(void)
{
    (void) swapcontext(&outside, &coroutine);
}

const struct kind live_kinds[] = {
    {"data", plant_hidden, place_data, .wake = wake},
    {"read-only after relocation", plant_hidden, place_relro, .wake = wake},
    {"thread-local of main", plant_hidden, place_own, .wake = wake},
    {"data of a library", plant_hidden, place_library, .wake = wake},
    {"thread-local of a library", plant_hidden, place_library_own, .wake = wake},
    {"chunk", plant_hidden, place_chunk, .wake = wake},
    {"private mapping", plant_hidden, place_private, .wake = wake},
    {"shared mapping", plant_hidden, place_shared, .wake = wake},
    {"memfd", plant_hidden, place_memfd, .wake = wake},
    {"page without access", plant_hidden, place_no_access, .wake = wake_no_access},
    {"foreign sbrk", plant_hidden, place_sbrk, .wake = wake},
    {"high tag", plant_hidden, place_high_tag, .wake = wake_high_tag},
    {"low tag", plant_hidden, place_low_tag, .wake = wake_low_tag},
    {"interior pointer", plant_hidden, place_inside, .wake = wake_inside},
    {"one past the end", plant_end, place_end, .wake = wake_end},
    {"key", plant_hidden, place_key, .wake = wake_key},
    {"late key", plant_hidden, place_late_key, .wake = wake_key},
    {"on_exit", plant_hidden, place_exit, .wake = wake_hidden},
    {"below a big frame", plant_hidden, .hold = hold_in_frame},
    {"coroutine", plant_hidden, place_coroutine, .wake = wake_coroutine},
    {0},
};
