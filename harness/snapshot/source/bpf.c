/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All registers of all threads from BPF task iterators (threads.bpf.c), in two
 * passes of a few milliseconds.  Nothing is stopped.
 *
 * Loading the program makes the kernel check it, which takes as long as running it;
 * so it is loaded once per process and kept.  It carries its own loader, which the
 * kernel runs and which finds the places of fields there ("light skeleton"): reading
 * the kernel's type information in here took ten times as long.
 */
#include "harness/snapshot/source/source.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fail.h"
#include "base/grow.h"
#include "harness/snapshot/source/record.h"

/* Made by bpftool from the compiled program; not our code. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wpointer-arith"
#pragma GCC diagnostic ignored "-Wsign-compare"
#include "threads.skel.h"
#pragma GCC diagnostic pop

/* Inode numbers of the first namespaces: see include/linux/proc_ns.h of the kernel. */
#define FIRST_PID_NAMESPACE  ((ino_t) 0xeffffffc)
#define FIRST_TIME_NAMESPACE ((ino_t) 0xeffffffa)

struct sl_bpf {
    struct sl_thread_record *before; /* ascending tid, as below */
    size_t n_before;
    struct sl_count_record *after;
    size_t n_after;
    uint64_t tick_ns;
};

/* Kept while it is of use.  The lock is held while the program is loaded or let go, only. */
static pthread_mutex_t load_lock = PTHREAD_MUTEX_INITIALIZER;
static struct threads *loaded;
static unsigned n_users; /* between open and close */

static enum sl_status load(struct sl_error *err)
{
    enum sl_status status = SL_OK;

    (void) pthread_mutex_lock(&load_lock);
    if (!loaded) {
        errno = 0;
        loaded = threads__open_and_load();
        if (!loaded)
            status = sl_fail_errno(err, "cannot load the BPF task iterator");
    }
    n_users += !status;
    (void) pthread_mutex_unlock(&load_lock);
    return status;
}

static bool is_loaded(void)
{
    (void) pthread_mutex_lock(&load_lock);
    bool is = loaded;
    (void) pthread_mutex_unlock(&load_lock);
    return is;
}

static void forget(void)
{
    (void) pthread_mutex_lock(&load_lock);
    if (!n_users) {
        threads__destroy(loaded);
        loaded = NULL;
    }
    (void) pthread_mutex_unlock(&load_lock);
}

static void leave_loaded(void)
{
    (void) pthread_mutex_lock(&load_lock);
    n_users--;
    (void) pthread_mutex_unlock(&load_lock);
}

/* The iterator speaks of ids and times of the first namespaces; elsewhere they mean others. */
static bool is_in_namespace(const char *path, ino_t inode)
{
    struct stat stat_of;
    return stat(path, &stat_of) == 0 && stat_of.st_ino == inode;
}

/* Records of both kinds begin with it. */
static __u32 tid_of(const void *record)
{
    __u32 tid;
    memcpy(&tid, record, sizeof tid);
    return tid;
}

static int compare_records(const void *left, const void *right)
{
    __u32 a = tid_of(left), b = tid_of(right);
    return (a > b) - (a < b);
}

/* They come as threads were made, which is the order of their ids until those begin anew. */
static void sort(char *records, size_t n, size_t record_size)
{
    for (size_t i = 1; i < n; i++) {
        if (tid_of(records + i * record_size) < tid_of(records + (i - 1) * record_size)) {
            qsort(records, n, record_size, compare_records);
            return;
        }
    }
}

static enum sl_status read_records(int fd, size_t record_size, const struct sl_budget *budget,
                                   void **ret_records, size_t *ret_n, struct sl_error *err)
{
    SL_AUTO_FREE char *data = NULL;
    size_t size = 0, capacity = 0;
    ssize_t got;

    do {
        if (!sl_grow(&data, &capacity, size + 65536) ||
            size > sl_budget_left(budget, SL_BUDGET_MEMORY) / 4)
            return sl_fail(err, SL_ENOMEM, "out of memory for records of threads");
        got = read(fd, data + size, capacity - size);
        if (got < 0 && errno != EAGAIN && errno != EINTR)
            return sl_fail_errno(err, "cannot read the BPF task iterator");
        size += got > 0 ? (size_t) got : 0;
    } while (got);
    sort(data, size / record_size, record_size);
    *ret_n = size / record_size;
    *ret_records = SL_TAKE(data);
    return SL_OK;
}

static int call_bpf(int command, union bpf_attr *attributes)
{
    return (int) syscall(SYS_bpf, command, attributes, sizeof *attributes);
}

/* An iterator over the threads of one process.  @return a descriptor, or -1 with errno */
static int bind_iterator(int program, pid_t pid)
{
    union bpf_iter_link_info info;
    union bpf_attr attributes;

    memset(&info, 0, sizeof info); /* the padding as well, which the kernel looks at */
    memset(&attributes, 0, sizeof attributes);
    info.task.pid = (__u32) pid;
    attributes.link_create.prog_fd = (__u32) program;
    attributes.link_create.attach_type = BPF_TRACE_ITER;
    attributes.link_create.iter_info = (uintptr_t) &info;
    attributes.link_create.iter_info_len = sizeof info;
    return call_bpf(BPF_LINK_CREATE, &attributes);
}

/* @return a descriptor to read records from, or -1 with errno */
static int start_iterator(int iterator)
{
    union bpf_attr attributes;

    memset(&attributes, 0, sizeof attributes);
    attributes.iter_create.link_fd = (__u32) iterator;
    return call_bpf(BPF_ITER_CREATE, &attributes);
}

/* One pass over the threads of the process. */
static enum sl_status survey(int program, const struct sl_target *target, size_t record_size,
                             void **ret_records, size_t *ret_n, struct sl_error *err)
{
    SL_AUTO_FD int iterator = bind_iterator(program, target->pid);
    if (iterator < 0)
        return sl_fail_errno(err, "cannot attach the BPF task iterator");
    SL_AUTO_FD int fd = start_iterator(iterator);
    if (fd < 0)
        return sl_fail_errno(err, "cannot start the BPF task iterator");
    return read_records(fd, record_size, target->budget, ret_records, ret_n, err);
}

static enum sl_status open_source(struct sl_source_context *context, struct sl_error *err)
{
    if (!is_in_namespace("/proc/self/ns/pid", FIRST_PID_NAMESPACE) ||
        !is_in_namespace("/proc/self/ns/time", FIRST_TIME_NAMESPACE))
        return sl_fail(err, SL_ENOTSUP,
                       "the bpf source works in the first pid and time namespaces only");
    enum sl_status status = load(err);
    if (status)
        return status;
    context->bpf = calloc(1, sizeof *context->bpf);
    if (!context->bpf) {
        leave_loaded();
        return sl_fail(err, SL_ENOMEM, "out of memory for records of threads");
    }
    context->bpf->tick_ns = SL_NS_PER_S / (uint64_t) sysconf(_SC_CLK_TCK);
    return SL_OK;
}

static void close_source(struct sl_source_context *context)
{
    if (!context->bpf)
        return;
    free(context->bpf->before);
    free(context->bpf->after);
    free(context->bpf);
    context->bpf = NULL;
    leave_loaded();
}

static enum sl_status refuse_empty(const struct sl_target *target, struct sl_error *err)
{
    struct sl_stat stat;

    if (sl_target_stat(target, target->tid, &stat) == 0 && stat.state != 'Z' && stat.state != 'X')
        return sl_fail(err, SL_ESYS, "the BPF task iterator shows no thread of process %ld",
                       (long) target->pid);
    return sl_fail(err, SL_EGONE, "process %ld has ended", (long) target->pid);
}

static enum sl_status
list(struct sl_source_context *context, pid_t **ret_tids, size_t *ret_n_tids, struct sl_error *err)
{
    struct sl_bpf *bpf = context->bpf;
    void *records;

    enum sl_status status = survey(loaded->progs.dump_thread.prog_fd, context->target,
                                   sizeof *bpf->before, &records, &bpf->n_before, err);
    if (status)
        return status;
    bpf->before = records;
    if (!bpf->n_before)
        return refuse_empty(context->target, err);
    pid_t *tids = calloc(bpf->n_before, sizeof *tids);
    if (!tids)
        return sl_fail(err, SL_ENOMEM, "out of memory for list of threads");
    for (size_t i = 0; i < bpf->n_before; i++)
        tids[i] = (pid_t) bpf->before[i].tid;
    *ret_tids = tids;
    *ret_n_tids = bpf->n_before;
    return SL_OK;
}

/* Threads are asked for in the order of the records, so it is nearly always the next one. */
static const void *find(const void *records, size_t n, size_t record_size, size_t *next, pid_t tid)
{
    const __u32 key = (__u32) tid;
    const char *first = records, *found = first + *next * record_size;

    if (*next >= n || tid_of(found) != key)
        found = bsearch(&key, records, n, record_size, compare_records);
    if (found)
        *next = (size_t) (found - first) / record_size + 1;
    return found;
}

/* The letter that /proc shows: that of the highest of these bits. */
static char letter_of_state(__u32 state)
{
    static const char letters[] = "RSDTtXZPI";
    const __u32 idle = 0x402, reported = 0x7f;

    if ((state & idle) == idle)
        return 'I';
    return letters[state & reported ? 32 - __builtin_clz(state & reported) : 0];
}

static void set_stat(const struct sl_thread_record *record, uint64_t tick_ns, struct sl_stat *stat)
{
    stat->state = letter_of_state(record->state);
    stat->start_time = record->start_boottime_ns / tick_ns;
    stat->cpu_ticks = record->cpu_ns / tick_ns;
    memcpy(stat->name, record->name, sizeof stat->name);
    stat->name[sizeof stat->name - 1] = '\0';
}

/*
 * The registers are those that the thread had when it entered the kernel.  A call
 * leaves rax, rcx and r11 changed, which no unwind asks for.
 */
static void set_registers(const struct sl_thread_record *record, struct sl_sighting *sighting)
{
    static const enum sl_register arguments[] = {SL_REG_RDI, SL_REG_RSI, SL_REG_RDX,
                                                 SL_REG_R10, SL_REG_R8,  SL_REG_R9};
    struct sl_syscall *call = &sighting->call;

    for (unsigned i = 0; i < SL_N_REGISTERS; i++)
        sl_registers_set(&sighting->registers, i, record->registers[i]);
    call->nr = record->syscall < 0 ? -1 : (int32_t) record->syscall;
    call->sp = record->registers[SL_REG_RSP];
    call->pc = record->registers[SL_REG_RIP];
    for (size_t i = 0; call->nr >= 0 && i < SL_COUNT_OF(arguments); i++)
        call->args[i] = record->registers[arguments[i]];
    sighting->thread_pointer = record->thread_pointer;
    sighting->signals_blocked = record->signals_blocked;
    sighting->signals_pending = record->signals_pending;
    sighting->n_memory_users = record->n_memory_users;
    /* In a queue for a CPU it waits for nothing else. */
    sighting->blocked = sighting->stat.state != 'R';
}

static enum sl_look
look(struct sl_source_context *context, pid_t tid, struct sl_sighting *ret_sighting)
{
    const struct sl_bpf *bpf = context->bpf;
    const struct sl_thread_record *record =
        find(bpf->before, bpf->n_before, sizeof *record, &context->next_record, tid);
    struct sl_sighting sighting = {0};

    if (!record)
        return SL_LOOK_GONE;
    set_stat(record, context->bpf->tick_ns, &sighting.stat);
    sighting.count.switches = record->switches;
    sighting.count.cpu_ns = record->cpu_ns;
    *ret_sighting = sighting;
    if (sighting.stat.state == 'Z' || sighting.stat.state == 'X')
        return tid == context->target->pid ? SL_LOOK_ENDED : SL_LOOK_GONE;
    if (record->on_cpu)
        return SL_LOOK_RUNNING;
    if (!record->registers[SL_REG_RSP] && !record->registers[SL_REG_RIP])
        return SL_LOOK_KERNEL;
    set_registers(record, ret_sighting);
    return SL_LOOK_OK;
}

static void leave(struct sl_source_context *context, pid_t tid, const struct sl_sighting *sighting)
{
    (void) context, (void) tid, (void) sighting; /* nothing was changed */
}

static enum sl_status recheck(struct sl_source_context *context, struct sl_error *err)
{
    struct sl_bpf *bpf = context->bpf;
    void *records;

    enum sl_status status = survey(loaded->progs.count_thread.prog_fd, context->target,
                                   sizeof *bpf->after, &records, &bpf->n_after, err);
    if (!status)
        bpf->after = records;
    return status;
}

static bool
held_still(struct sl_source_context *context, pid_t tid, const struct sl_sighting *sighting)
{
    const struct sl_bpf *bpf = context->bpf;
    const struct sl_count_record *record =
        find(bpf->after, bpf->n_after, sizeof *record, &context->next_record, tid);
    return record && !record->on_cpu && record->switches == sighting->count.switches;
}

const struct sl_register_source sl_source_bpf = {
    .id = SL_SOURCE_BPF,
    .at_once = true,
    .open = open_source,
    .close = close_source,
    .is_loaded = is_loaded,
    .forget = forget,
    .list = list,
    .look = look,
    .leave = leave,
    .recheck = recheck,
    .held_still = held_still,
};
