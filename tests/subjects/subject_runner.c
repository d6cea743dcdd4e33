/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A subject without a built-in bus: subject_runner IN_FD OUT_FD.
 *
 * With a third argument it is a bystander instead, which starts such a subject and
 * waits to be killed: the parent whose end a subject must not survive.
 */
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/run/subject.h"

int main(int argc, char **argv)
{
    if (argc < 3)
        return 2;
    if (argc > 3 && fork() > 0) {
        for (;;)
            (void) pause();
    }
    /* Not exit(): threads that a bus left behind may still be running. */
    _exit(sl_subject_main(NULL, atoi(argv[1]), atoi(argv[2]), -1));
}
