/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A page that a subject shares with its observer: which step the subject is in, and, when a
 * thread of it crashes, who and of what.
 *
 * Records in the pipes can tell neither: the step changes where no answer is waited for, and a
 * thread that crashes may do so while another one writes.  Foreign code can write to the page,
 * so that the observer believes it within bounds only.
 *
 * A thread that gets a deadly signal waits until the observer has looked at it, so that its stack
 * is seen as it was; then the signal takes its course.  Drivers that install handlers of their own
 * replace ours and do without.
 */
#ifndef SL_PROCESS_DESK_H
#define SL_PROCESS_DESK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <strandline/error.h>

#include "base/macros.h"

/* Finer than the phases: between two of them a subject is in one or more of these. */
#define SL_STEP_MAP(X)                                                                             \
    X(NONE, "start")                                                                               \
    X(LOADING, "loading the driver")                                                               \
    X(OPEN, "open")                                                                                \
    X(SUBSCRIBE, "subscribe")                                                                      \
    X(PUBLISH, "publish")                                                                          \
    X(FLUSH, "flush")                                                                              \
    X(DELIVERY, "delivery")                                                                        \
    X(LOADED, "peak")                                                                              \
    X(CLOSE, "close")                                                                              \
    X(CLOSED, "settling")                                                                          \
    X(DESTROY, "destroy")                                                                          \
    X(TEARDOWN, "teardown")                                                                        \
    X(EXIT, "exit")

enum sl_step {
#define X(name, text) SL_STEP_##name,
    SL_STEP_MAP(X)
#undef X
        SL_N_STEPS
};

/* "open", "delivery"...  A step out of range is "an unknown step". */
const char *sl_step_text(enum sl_step step);

struct sl_desk;

/* A thread that got a deadly signal and waits. */
struct sl_crash {
    int signal;
    pid_t tid;
    char thread[16];
    bool has_address; /* of the memory or instruction that could not be had */
    uint64_t address;
};

/* The observer's side.  ret_fd, close-on-exec, is for the subject. */
SL_CHECKED enum sl_status sl_desk_new(struct sl_desk **ret_desk, int *ret_fd, struct sl_error *err);
void sl_desk_free(struct sl_desk *desk);
SL_DEFINE_AUTO(sl_desk, sl_desk_free);
enum sl_step sl_desk_step(const struct sl_desk *desk);
/* @return false: no thread waits */
bool sl_desk_crash(const struct sl_desk *desk, struct sl_crash *ret_crash);
/* The thread was looked at: let the signal take its course. */
void sl_desk_release(struct sl_desk *desk);

/*
 * The subject's side, one per process: take the page over and handle deadly signals.  fd is
 * closed.  Without one the calls below do nothing.
 */
void sl_desk_adopt(int fd);
void sl_step_begin(enum sl_step step);
enum sl_step sl_step_now(void); /* SL_STEP_NONE without a desk */
/* No signal is waited with any more: nobody will look. */
void sl_desk_leave(void);

#endif
