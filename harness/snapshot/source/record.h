/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* What the BPF task iterators write for each thread. */
#ifndef SL_SNAPSHOT_SOURCE_RECORD_H
#define SL_SNAPSHOT_SOURCE_RECORD_H

#include <linux/types.h>

struct sl_thread_record {
    __u32 tid;
    __u32 on_cpu;         /* not 0: the registers are of the past */
    __u32 state;          /* bits of the kernel's task state and exit state */
    __u32 n_memory_users; /* tasks that have its memory, of whatever process */
    __u64 switches;       /* voluntary and involuntary */
    __u64 cpu_ns;
    __u64 start_boottime_ns;
    char name[16];
    __s64 syscall;         /* number, or negative outside a call */
    __u64 registers[17];   /* by DWARF number */
    __u64 thread_pointer;  /* base of the segment fs */
    __u64 signals_blocked; /* bit n - 1: signal n */
    __u64 signals_pending; /* of the thread and of the process */
};

/* Enough to ask whether it ran since. */
struct sl_count_record {
    __u32 tid;
    __u32 on_cpu;
    __u64 switches;
};

#endif
