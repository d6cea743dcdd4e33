/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scope cleanup and small language helpers.
 *
 * SL_AUTO(sl_scenario) declares a pointer that sl_scenario_freep() frees when
 * the scope ends; SL_TAKE() moves it out once.  Every type with SL_AUTO support
 * defines its freep with SL_DEFINE_AUTO.
 */
#ifndef SL_BASE_MACROS_H
#define SL_BASE_MACROS_H

#include <stdlib.h>
#include <unistd.h>

#define SL_CLEANUP(function) __attribute__((cleanup(function)))

#define SL_DEFINE_AUTO(type, free_function)                                                        \
    static inline void type##_freep(struct type **object)                                          \
    {                                                                                              \
        if (*object)                                                                               \
            free_function(*object);                                                                \
    }                                                                                              \
    struct type
#define SL_AUTO(type) SL_CLEANUP(type##_freep)

/* Give the pointer away: its value, leaving NULL behind. */
#define SL_TAKE(pointer)                                                                           \
    __extension__({                                                                                \
        __typeof__(pointer) sl_taken_ = (pointer);                                                 \
        (pointer) = NULL;                                                                          \
        sl_taken_;                                                                                 \
    })
/* The same for a descriptor, leaving -1. */
#define SL_TAKE_FD(fd)                                                                             \
    __extension__({                                                                                \
        int sl_taken_ = (fd);                                                                      \
        (fd) = -1;                                                                                 \
        sl_taken_;                                                                                 \
    })

static inline void sl_memory_freep(void *pointer_to_pointer)
{
    free(*(void **) pointer_to_pointer);
}
static inline void sl_fd_closep(const int *fd)
{
    if (*fd >= 0)
        (void) close(*fd);
}
#define SL_AUTO_FREE SL_CLEANUP(sl_memory_freep)
#define SL_AUTO_FD   SL_CLEANUP(sl_fd_closep)

#define SL_PRINTF(format_at, first) __attribute__((format(printf, format_at, first)))
#define SL_COUNT_OF(array)          (sizeof(array) / sizeof((array)[0]))
#define SL_MIN(a, b)                ((a) < (b) ? (a) : (b))
#define SL_MAX(a, b)                ((a) > (b) ? (a) : (b))

#endif
