/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/*
 * BPF task iterators: one record for every thread of the process that the iterator
 * is bound to.  They run in the kernel; nothing in the process is stopped or woken.
 *
 * The licence named to the kernel is the second of this file's two: the helper that
 * finds a task's saved registers is for such programs only.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "harness/snapshot/source/record.h"

#define KERNEL_TYPE __attribute__((preserve_access_index))
/* Loads around it happen in the order in which they are written. */
#define ordered() __asm__ volatile("" ::: "memory")

char LICENSE[] SEC("license") = "GPL";

/* The fields that are used; their places are found in the running kernel's type information. */
struct sched_entity {
    __u64 sum_exec_runtime;
} KERNEL_TYPE;

typedef struct {
    int counter;
} KERNEL_TYPE atomic_t;

struct mm_struct {
    atomic_t mm_users;
} KERNEL_TYPE;

typedef struct {
    unsigned long sig[1];
} KERNEL_TYPE sigset_t;

struct sigpending {
    sigset_t signal;
} KERNEL_TYPE;

struct signal_struct {
    struct sigpending shared_pending;
} KERNEL_TYPE;

struct thread_struct {
    unsigned long fsbase;
} KERNEL_TYPE;

#define PF_EXITING 0x4
#define EXIT_DEAD  0x10

struct task_struct {
    int pid;
    int on_cpu;
    unsigned int __state;
    unsigned int flags;
    int exit_state;
    struct sched_entity se;
    unsigned long nvcsw, nivcsw;
    __u64 start_boottime;
    char comm[16];
    struct mm_struct *mm;
    struct signal_struct *signal;
    sigset_t blocked;
    struct sigpending pending;
    struct thread_struct thread;
} KERNEL_TYPE;

struct pt_regs {
    unsigned long r15, r14, r13, r12, bp, bx, r11, r10, r9, r8, ax, cx, dx, si, di;
    unsigned long orig_ax, ip, cs, flags, sp, ss;
} KERNEL_TYPE;

struct seq_file;

struct bpf_iter_meta {
    struct seq_file *seq;
} KERNEL_TYPE;

struct bpf_iter__task {
    struct bpf_iter_meta *meta;
    struct task_struct *task;
} KERNEL_TYPE;

static void read_registers(struct task_struct *task, struct sl_thread_record *record)
{
    struct pt_regs *user = (struct pt_regs *) bpf_task_pt_regs(task);

    record->registers[0] = user->ax;
    record->registers[1] = user->dx;
    record->registers[2] = user->cx;
    record->registers[3] = user->bx;
    record->registers[4] = user->si;
    record->registers[5] = user->di;
    record->registers[6] = user->bp;
    record->registers[7] = user->sp;
    record->registers[8] = user->r8;
    record->registers[9] = user->r9;
    record->registers[10] = user->r10;
    record->registers[11] = user->r11;
    record->registers[12] = user->r12;
    record->registers[13] = user->r13;
    record->registers[14] = user->r14;
    record->registers[15] = user->r15;
    record->registers[16] = user->ip;
    record->syscall = (__s64) user->orig_ax;
}

/*
 * A thread off its CPU after the counters were read, and off it again before they
 * are read anew, has not run in between when they are equal: leaving a CPU counts.
 */
static __u64 count_switches(struct task_struct *task, __u32 *ret_on_cpu)
{
    __u32 on_cpu = (__u32) task->on_cpu;
    ordered();
    __u64 switches = task->nvcsw + task->nivcsw;
    ordered();
    *ret_on_cpu = on_cpu | (__u32) task->on_cpu;
    ordered();
    return switches;
}

SEC("iter/task")
int dump_thread(struct bpf_iter__task *context)
{
    struct task_struct *task = context->task;
    struct sl_thread_record record = {};

    if (!task)
        return 0;
    record.switches = count_switches(task, &record.on_cpu);
    record.tid = (__u32) task->pid;
    record.state = task->__state | (__u32) task->exit_state;
    if (task->flags & PF_EXITING)
        record.state |= EXIT_DEAD; /* soon: it does not run code of the program any more */
    record.start_boottime_ns = task->start_boottime;
    record.cpu_ns = task->se.sum_exec_runtime;
    __builtin_memcpy(record.name, task->comm, sizeof record.name);
    read_registers(task, &record);
    record.thread_pointer = task->thread.fsbase;
    record.signals_blocked = task->blocked.sig[0];
    record.signals_pending =
        task->pending.signal.sig[0] | task->signal->shared_pending.signal.sig[0];
    if (task->mm)
        record.n_memory_users = (__u32) task->mm->mm_users.counter;
    (void) bpf_seq_write(context->meta->seq, &record, sizeof record);
    return 0;
}

/* The second look: less of each thread, so that the time between the two is short. */
SEC("iter/task")
int count_thread(struct bpf_iter__task *context)
{
    struct task_struct *task = context->task;
    struct sl_count_record record = {};

    if (!task)
        return 0;
    record.switches = count_switches(task, &record.on_cpu);
    record.tid = (__u32) task->pid;
    (void) bpf_seq_write(context->meta->seq, &record, sizeof record);
    return 0;
}
