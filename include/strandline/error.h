/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Status codes and error detail shared by every public function.
 *
 * A function that can fail returns enum sl_status.  Functions that take a
 * struct sl_error also describe the failure there; the first description wins
 * and NULL means the caller does not want one.
 */
#ifndef STRANDLINE_ERROR_H
#define STRANDLINE_ERROR_H

#ifdef __cplusplus
extern "C" {
#endif

#define SL_API     __attribute__((visibility("default")))
#define SL_CHECKED __attribute__((warn_unused_result))

#define SL_STATUS_MAP(X)                                                                           \
    X(OK, "success")                                                                               \
    X(ENOMEM, "out of memory")                                                                     \
    X(ESYS, "system call failed")                                                                  \
    X(EINVAL, "invalid argument")                                                                  \
    X(EPERM, "not allowed")                                                                        \
    X(EGONE, "process or thread ended")                                                            \
    X(EPARSE, "malformed input")                                                                   \
    X(ENOENT, "not found")                                                                         \
    X(ETIMEDOUT, "deadline passed")                                                                \
    X(ECLOSED, "closed")                                                                           \
    X(EFULL, "queue full")                                                                         \
    X(EDEADLK, "would wait for itself")                                                            \
    X(EBUSY, "still in use")                                                                       \
    X(ELIMIT, "resource limit reached")                                                            \
    X(ECONNECT, "no connection to the server")                                                     \
    X(ENOTSUP, "not supported")                                                                    \
    X(EPROTO, "unexpected answer from the other side")

enum sl_status {
#define X(name, text) SL_##name,
    SL_STATUS_MAP(X)
#undef X
};

struct sl_error {
    enum sl_status status;
    int sys_errno;   /* errno when status is SL_ESYS, else 0 */
    unsigned line;   /* 1-based input line when status is SL_EPARSE, else 0 */
    unsigned column; /* 1-based byte column when status is SL_EPARSE, else 0 */
    char text[320];  /* one sentence: lower case, no full stop, no newline */
};

/**
 * Text of a status code, for example "out of memory".
 *
 * @return a static string, never NULL; "unknown status" for a value not in the enum
 */
SL_API const char *sl_status_text(enum sl_status status);

#ifdef __cplusplus
}
#endif
#endif
