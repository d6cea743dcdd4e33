/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Leak analysis: what stayed after Close, grouped, with its cause.
 *
 * Pure functions of snapshots: nothing here looks at a process, prints or waits.
 */
#ifndef SL_LEAK_H
#define SL_LEAK_H

#include <strandline/error.h>
#include <strandline/observe.h>

#include "harness/model/leak.h"

struct sl_leak_input {
    const struct sl_leak_words *words;   /* NULL: neutral */
    const struct sl_snapshot *start;     /* before the bus existed */
    const struct sl_snapshot *loaded;    /* at peak, threads need no stacks; NULL: not known */
    const struct sl_snapshot *closed;    /* right after Close returned; NULL: not taken */
    const struct sl_snapshot *settled;   /* after settling; its threads are the candidates */
    const struct sl_snapshot *torn_down; /* after the client library is gone; NULL: not reached */
    const char *const *library_modules;  /* file name starts, NULL-terminated; or NULL */
    const struct sl_leak_witness *witnesses; /* ends with text == NULL; or NULL */
    bool close_reached;                      /* the subject called Close */
    bool strict; /* count also the threads that libraries keep for all of the process */
    const struct sl_late_thread *late; /* from the settle loop */
    size_t n_late;
    uint64_t settle_ns;
};

/**
 * Find, group and explain the threads that stayed.
 *
 * @param arena       owns every string and array of the result; frames are copied
 *                    into it, so that the snapshots may be freed
 * @param ret_report  set on SL_OK only
 * @return SL_ENOMEM
 */
SL_CHECKED enum sl_status sl_leak_analyse(const struct sl_leak_input *input, struct sl_arena *arena,
                                          struct sl_leak_report *ret_report, struct sl_error *err);

/*
 * Group all threads of one snapshot by fingerprint, with no verdict (cause unknown,
 * counted false), largest group first.  For hung subjects and for `snapshot PID`.
 */
SL_CHECKED enum sl_status sl_leak_group_all(const struct sl_snapshot *snapshot,
                                            struct sl_arena *arena,
                                            const struct sl_leak_group **ret_groups,
                                            size_t *ret_n_groups, struct sl_error *err);

/*
 * Which of these groups each thread of the snapshot is in: ret_index[i] is that of the
 * i-th thread.  The groups are those that sl_leak_group_all made of this snapshot.
 */
SL_CHECKED enum sl_status sl_leak_group_index(const struct sl_snapshot *snapshot,
                                              const struct sl_leak_group *groups, size_t n_groups,
                                              struct sl_arena *arena, const uint32_t **ret_index,
                                              struct sl_error *err);

/* Is this the stack of a thread whose entry function lies in one of the modules? */
bool sl_leak_is_library(const struct sl_stack *stack, const char *const *modules);

/*
 * The frame that people recognise a thread by: the innermost function outside the runtimes and
 * what waits or starts threads on behalf of others (plumbing.h).  That is where the program chose
 * to wait ("queue_take"), as the top user frame of a goroutine dump; the entry says
 * less, since one entry ("worker_main") commonly serves many purposes.  Inlined functions
 * come second, since they are mostly helpers that many waits share; then code without
 * a name.  In a stack without any of these it is the entry; NULL without frames.
 */
const struct sl_frame *sl_leak_frame(const struct sl_stack *stack);

/* That frame's function as its source names it, else "libbus.so+0x1234".  NULL: no memory. */
const char *sl_leak_headline(struct sl_arena *arena, const struct sl_stack *stack);

/* 64 bits over function and module names from the entry inward; survives rebuilds. */
uint64_t sl_leak_fingerprint(const struct sl_stack *stack);

#endif
