/* SPDX-License-Identifier: Apache-2.0 */
/* A library that is unloaded under the feet of its callers: subject `unloaded`. */
volatile int library_ended;

#ifndef LIBRARY_FRAME
#define LIBRARY_FRAME 64
#endif

__attribute__((visibility("default"))) int call_through_library(void (*function)(void));

/* LIBRARY_FRAME differs between two builds, so that their tables do. */
int call_through_library(void (*function)(void))
{
    volatile char frame[LIBRARY_FRAME];
    frame[0] = 1;
    while (!library_ended)
        function();
    return frame[0];
}
