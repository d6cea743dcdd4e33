/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parking of many threads: the kernel's table of waiting threads.
 *
 * Since 6.16 a process has a table of its own, whose size follows from the number of
 * processors: 8 lists on 2 processors.  To wake one of 5,000 parked threads the kernel
 * then searches a list of 600, which costs more than all the rest of a message.
 */
#ifndef BUS_THREAD_PARKING_H
#define BUS_THREAD_PARKING_H

#include <stdint.h>

/* Make the table of this process large enough for n parked threads; it never shrinks. */
void parking_prepare(uint32_t n);

#endif
