/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The subject process: plays one trial against a driver.
 *
 * Runs in a process of its own, started by the observer.  Until phase `start` it
 * has one thread and has loaded no driver.
 */
#ifndef SL_RUN_SUBJECT_H
#define SL_RUN_SUBJECT_H

#include <strandline/driver.h>
#include <strandline/error.h>

/**
 * Play one trial; returns when the observer closed its end or all phases are done.
 *
 * Dies with its parent: asks for SIGKILL when the parent ends, and exits when the
 * parent had ended before it could ask.
 *
 * @param builtin   driver used when the configuration names none
 * @param in_fd     records from the observer
 * @param out_fd    records to the observer
 * @param desk_fd   page shared with an observer that looks for crashes, desk.h; -1: none
 * @return exit status of the process: 0 all phases played; 3 otherwise.  For
 *         _exit(), not exit(): threads that the bus left behind may still be running
 */
int sl_subject_main(const struct sl_driver *builtin, int in_fd, int out_fd, int desk_fd);

#endif
