/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The subject that scripts/accuracy builds in many ways: a table of shapes, each the
 * stack of one thread.
 */
#ifndef MATRIX_H
#define MATRIX_H

#define NOINLINE __attribute__((noinline))

struct shape {
    const char *name;    /* of the thread */
    void (*block)(void); /* never returns */
    unsigned depth;      /* recursive calls of `level` around block */
    int signal;          /* sent to the thread until matrix_entered() was called, or 0 */
};

/* Each ends with an entry without a name. */
extern const struct shape call_shapes[], code_shapes[], signal_shapes[];

void matrix_open_calls(void);   /* before any thread: descriptors and locks */
void matrix_open_signals(void); /* before any thread: handlers */

void matrix_entered(void); /* the handler that `signal` was sent for runs */
void matrix_block(void);   /* wait for ever; returns again and again to be called again */

#endif
