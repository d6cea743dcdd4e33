/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/snapshot/candidates.h"

#include <linux/futex.h>
#include <string.h>

#include "base/grow.h"
#include "base/macros.h"
#include "base/search.h"
#include "harness/snapshot/holders.h"
#include "harness/snapshot/wait/futex.h"

#define MAX_FRAMES 8                    /* from the call to the function that names the lock */
#define MAX_STACK  ((size_t) 64 << 10)  /* bytes of one that are looked through */
#define MAX_STACKS ((size_t) 128 << 20) /* of all */
#define BATCH      ((size_t) 1 << 20)   /* bytes that are copied at once */
#define MAX_COPIES 256

#define GLIB_CONTENDED 2 /* value of a GMutex that somebody has and others wait for */

/* Functions that wait for a lock of Rust's library, without its name in front. */
static const struct {
    const char *type, *function;
    const char *what;
    uint64_t offset; /* of the word that is waited for, in the lock */
} rust_locks[] = {
    {"Mutex", "::lock_contended", "Mutex of Rust", 0},
    {"RwLock", "::read_contended", "RwLock of Rust", 0},
    {"RwLock", "::write_contended", "RwLock of Rust", sizeof(uint32_t)},
};

struct found {
    uint64_t object;
    const char *what;
    bool is_rwlock; /* of the C library */
    uint64_t *ids;  /* ascending, for threads are looked at in that order */
    size_t n_ids, capacity;
};

struct search {
    struct sl_pass *pass;
    struct sl_reader *reader;
    struct found *locks; /* ascending object */
    size_t n_locks, capacity;
    bool searched;
    bool out_of_memory;
};

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), n = strlen(end);
    return length >= n && strcmp(text + length - n, end) == 0;
}

/* By the functions of the library that the call was made for. */
static bool find_rust_lock(const struct sl_stack *stack, uint64_t word, struct found *lock)
{
    for (size_t i = 0; i < SL_MIN(stack->n_frames, (size_t) MAX_FRAMES); i++) {
        const char *function = stack->frames[i].function;
        if (!function || !strstr(function, "std::sys"))
            continue;
        for (size_t k = 0; k < SL_COUNT_OF(rust_locks); k++) {
            if (!strstr(function, rust_locks[k].type) ||
                !ends_with(function, rust_locks[k].function))
                continue;
            *lock =
                (struct found){.object = word - rust_locks[k].offset, .what = rust_locks[k].what};
            return true;
        }
    }
    return false;
}

/*
 * GLib waits for a GMutex, and for nothing else with this value, in a function of its own that only
 * its debug information names.
 */
static bool find_glib_mutex(const struct sl_stack *stack, const struct sl_syscall *call)
{
    const struct sl_frame *frame = NULL;

    for (size_t i = 0; i < SL_MIN(stack->n_frames, (size_t) MAX_FRAMES) && !frame; i++)
        if (strncmp(sl_path_base(stack->frames[i].module), "libglib-2.0.so", 14) == 0)
            frame = &stack->frames[i];
    if (!frame || (call->args[1] & (uint64_t) FUTEX_CMD_MASK) != FUTEX_WAIT ||
        call->args[2] != GLIB_CONTENDED)
        return false;
    return !frame->function || strcmp(frame->function, "g_mutex_lock_slowpath") == 0 ||
           strcmp(frame->function, "g_mutex_lock") == 0 ||
           strcmp(frame->function, "g_futex_simple") == 0;
}

/* What the thread waits for, if it is such a lock. */
static bool find_lock(const struct sl_attempt *attempt, struct found *ret_lock)
{
    const struct sl_thread *thread = attempt->thread;
    const struct sl_wait *wait = &thread->wait;

    if (attempt->look != SL_LOOK_OK || !thread->consistent || !thread->stack || wait->owner ||
        wait->ended_owner || !wait->object)
        return false;
    *ret_lock =
        (struct found){.object = wait->object, .what = "read-write lock", .is_rwlock = true};
    if (wait->kind == SL_WAIT_RWLOCK)
        return true;
    if (wait->kind != SL_WAIT_FUTEX)
        return false;
    *ret_lock = (struct found){.object = wait->object, .what = "GMutex of GLib"};
    return find_rust_lock(thread->stack, wait->object, ret_lock) ||
           find_glib_mutex(thread->stack, &attempt->sighting.call);
}

static int compare_objects(const void *left, const void *right)
{
    const struct found *a = left, *b = right;
    return (a->object > b->object) - (a->object < b->object);
}

static struct found *find_object(const struct search *search, uint64_t object)
{
    const struct found *locks = search->locks;
    size_t at = SL_PARTITION_POINT(search->n_locks, i, locks[i].object < object);
    return at < search->n_locks && locks[at].object == object ? &search->locks[at] : NULL;
}

/* Not where a read-write lock names who writes, though that thread is not known to live. */
static bool keeps_no_owner(const struct search *search, const struct found *lock)
{
    struct sl_rwlock_head head;

    return !lock->is_rwlock ||
           (sl_reader_read_all(search->reader, lock->object, &head, sizeof head) &&
            sl_futex_rwlock_is_read(&head));
}

static void list_locks(struct search *search)
{
    const struct sl_pass *pass = search->pass;
    struct found lock;
    size_t n = 0;

    for (size_t i = 0; i < pass->n_attempts; i++) {
        if (!find_lock(&pass->attempts[i], &lock))
            continue;
        if (!sl_grow(&search->locks, &search->capacity, search->n_locks + 1))
            return;
        search->locks[search->n_locks++] = lock;
    }
    if (search->n_locks)
        qsort(search->locks, search->n_locks, sizeof *search->locks, compare_objects);
    for (size_t i = 0; i < search->n_locks; i++)
        if (!n || search->locks[n - 1].object != search->locks[i].object)
            search->locks[n++] = search->locks[i];
    search->n_locks = n;
    for (size_t i = n = 0; i < search->n_locks; i++)
        if (keeps_no_owner(search, &search->locks[i]))
            search->locks[n++] = search->locks[i];
    search->n_locks = n;
}

static void
add_candidate(struct search *search, const struct sl_attempt *attempt, struct found *lock)
{
    const uint64_t id = attempt->thread->id;
    struct found own;

    if ((lock->n_ids && lock->ids[lock->n_ids - 1] == id) ||
        (find_lock(attempt, &own) && own.object == lock->object))
        return;
    if (sl_grow(&lock->ids, &lock->capacity, lock->n_ids + 1))
        lock->ids[lock->n_ids++] = id;
    else
        search->out_of_memory = true;
}

static void look_through(struct search *search, const struct sl_attempt *attempt,
                         const uint64_t *words, size_t n_words)
{
    const uint64_t least = search->locks[0].object;
    const uint64_t most = search->locks[search->n_locks - 1].object;

    for (size_t i = 0; i < n_words; i++) {
        struct found *lock =
            words[i] < least || words[i] > most ? NULL : find_object(search, words[i]);
        if (lock)
            add_candidate(search, attempt, lock);
    }
}

/* The registers that a function preserves may still have what its callers put there. */
static void look_at_registers(struct search *search, const struct sl_attempt *attempt)
{
    static const unsigned preserved[] = {SL_REG_RBX, SL_REG_RBP, SL_REG_R12,
                                         SL_REG_R13, SL_REG_R14, SL_REG_R15};

    for (size_t i = 0; i < SL_COUNT_OF(preserved); i++) {
        if (sl_registers_know(&attempt->sighting.registers, preserved[i]))
            look_through(search, attempt, &attempt->sighting.registers.value[preserved[i]], 1);
        else
            search->searched = false;
    }
}

/* From its stack pointer on. */
static struct sl_copy copy_of(struct search *search, const struct sl_attempt *attempt, void *to)
{
    uint64_t sp = attempt->sighting.registers.value[SL_REG_RSP];
    uint64_t size = attempt->stack_end > sp ? attempt->stack_end - sp : 0;

    search->searched &= size && size <= MAX_STACK;
    return (struct sl_copy){.address = sp, .data = to, .size = SL_MIN(size, (uint64_t) MAX_STACK)};
}

static void search_batch(struct search *search, struct sl_attempt *const *batch,
                         struct sl_copy *copies, size_t n)
{
    sl_reader_copy(search->reader, copies, n);
    for (size_t i = 0; i < n; i++) {
        search->searched &= copies[i].copied == copies[i].size;
        look_at_registers(search, batch[i]);
        look_through(search, batch[i], copies[i].data, copies[i].copied / sizeof(uint64_t));
    }
}

static void search_stacks(struct search *search)
{
    SL_AUTO_FREE unsigned char *room = malloc(BATCH);
    struct sl_pass *pass = search->pass;
    struct sl_attempt *batch[MAX_COPIES];
    struct sl_copy copies[MAX_COPIES];
    size_t n = 0, used = 0, all = 0;

    search->searched = room != NULL;
    for (size_t i = 0; i < pass->n_attempts && room; i++) {
        struct sl_attempt *attempt = &pass->attempts[i];
        if (attempt->look != SL_LOOK_OK || all > MAX_STACKS) {
            search->searched &= attempt->look == SL_LOOK_GONE || attempt->look == SL_LOOK_ENDED;
            continue;
        }
        if (n == MAX_COPIES || used + MAX_STACK > BATCH) {
            search_batch(search, batch, copies, n);
            n = used = 0;
        }
        batch[n] = attempt;
        copies[n] = copy_of(search, attempt, room + used);
        used += (copies[n].size + sizeof(uint64_t) - 1) / sizeof(uint64_t) * sizeof(uint64_t);
        all += copies[n++].size;
    }
    if (n)
        search_batch(search, batch, copies, n);
}

static const struct sl_lock *keep(const struct search *search, const struct found *found)
{
    struct sl_arena *arena = search->pass->snapshot->arena;
    struct sl_lock *lock = sl_arena_alloc(arena, sizeof *lock);
    uint64_t *ids = sl_arena_array(arena, found->n_ids, sizeof *ids);

    if (!lock || !ids)
        return NULL;
    if (found->n_ids)
        memcpy(ids, found->ids, found->n_ids * sizeof *ids);
    *lock = (struct sl_lock){.object = found->object,
                             .what = found->what,
                             .candidates = ids,
                             .n_candidates = found->n_ids,
                             .searched = search->searched && !search->out_of_memory};
    return lock;
}

/* Every thread is asked whether it has not run since: what is told was so at one moment. */
static void name_locks(struct search *search)
{
    struct sl_pass *pass = search->pass;
    const struct sl_lock **kept = calloc(search->n_locks, sizeof *kept);
    struct found own;

    for (size_t i = 0; kept && i < search->n_locks; i++)
        kept[i] = keep(search, &search->locks[i]);
    for (size_t i = 0; kept && i < pass->n_attempts; i++) {
        if (!find_lock(&pass->attempts[i], &own) ||
            !sl_holders_has_waited(pass, &pass->attempts[i]))
            continue;
        const struct found *lock = find_object(search, own.object);
        pass->attempts[i].thread->wait.lock = lock ? kept[lock - search->locks] : NULL;
    }
    free(kept);
}

void sl_candidates_find(struct sl_pass *pass, struct sl_reader *reader)
{
    struct search search = {.pass = pass, .reader = reader};

    list_locks(&search);
    if (search.n_locks) {
        search_stacks(&search);
        name_locks(&search);
    }
    for (size_t i = 0; i < search.n_locks; i++)
        free(search.locks[i].ids);
    free(search.locks);
}
