/* SPDX-License-Identifier: Apache-2.0 */
/* What planted.c opens: data of another module, and somebody who may cancel threads. */
#include <pthread.h>
#include <stddef.h>

void *volatile library_slot;
static __thread void *volatile library_own_slot;
pthread_t *library_cancels;

void *volatile *library_own(void);
void library_cancel(size_t n);

void *volatile *library_own(void)
{
    return &library_own_slot;
}

void library_cancel(size_t n)
{
    (void) pthread_cancel(library_cancels[n]);
}
