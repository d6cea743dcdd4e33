/* SPDX-License-Identifier: Apache-2.0 */
/* Running a program in a test: its exit status and what it printed. */
#ifndef SL_COMMAND_H
#define SL_COMMAND_H

#include <stdbool.h>
#include <sys/types.h>

struct command {
    const char *const *argv; /* NULL-terminated; argv[0] is searched for in PATH */
    const char *directory;   /* to run in; NULL: here */
    unsigned seconds;        /* killed after that; 0: 120 */
    unsigned long memory;    /* RLIMIT_AS in bytes; 0: as it is */
};

struct command_result {
    int status;   /* exit status, or 128 + signal */
    bool killed;  /* took too long */
    char *output; /* standard output, NUL-terminated */
    char *errors; /* standard error */
};

/*
 * Run to the end.  Fails the test when the program cannot be started, or when a
 * LeakSanitizer in it found something.  What it printed stays until the test ends.
 */
struct command_result command_run(const struct command *command);

/*
 * Start in the background, output to /dev/null.  The caller waits for or kills it;
 * it dies with the test.
 */
pid_t command_start(const struct command *command);

/* Wait for the end of a started program.  @return exit status, or 128 + signal */
int command_wait(pid_t pid, unsigned seconds);

#endif
