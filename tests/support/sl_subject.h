/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Subject programs of tests/subjects: they write a byte when they are ready, and end
 * when their standard input is closed or their parent dies.
 */
#ifndef SL_SUBJECT_H
#define SL_SUBJECT_H

#include <criterion/criterion.h>

#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/macros.h"

#ifndef SL_SUBJECTS_DIR
#define SL_SUBJECTS_DIR "." /* the build says where the programs are */
#endif

struct sl_test_subject {
    pid_t pid;
    int input, output; /* our ends */
};

/* Start SL_SUBJECTS_DIR/argv[0], or argv[0] that begins with a slash, and wait until it says that
 * it is ready.  @param user  whose it is; 0: ours */
static inline struct sl_test_subject sl_subject_start_as(uid_t user, const char *const *argv)
{
    int in[2], out[2];
    char path[512], byte;

    cr_assert(pipe(in) == 0 && pipe(out) == 0);
    (void) snprintf(path, sizeof path, "%s%s", *argv[0] == '/' ? "" : SL_SUBJECTS_DIR "/", argv[0]);
    pid_t pid = fork();
    cr_assert(pid >= 0);
    if (pid == 0) {
        (void) dup2(in[0], STDIN_FILENO);
        (void) dup2(out[1], STDOUT_FILENO);
        for (int fd = 3; fd < 64; fd++)
            (void) close(fd);
        if (user && (setgid(user) || setuid(user)))
            _exit(126);
        (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void) execv(path, (char *const *) argv);
        _exit(127);
    }
    (void) close(in[0]);
    (void) close(out[1]);
    cr_assert(read(out[0], &byte, 1) == 1, "'%s' did not get ready", path);
    return (struct sl_test_subject){.pid = pid, .input = in[1], .output = out[0]};
}

static inline struct sl_test_subject sl_subject_start(const char *const *argv)
{
    return sl_subject_start_as(0, argv);
}

/* The same, of a program and its arguments written out. */
#define sl_subject(...) sl_subject_start((const char *const[]){__VA_ARGS__, NULL})

/* End it.  @return its exit status, or minus the signal that ended it */
static inline int sl_subject_end(struct sl_test_subject *subject)
{
    int status;
    (void) close(subject->input);
    cr_assert(waitpid(subject->pid, &status, 0) == subject->pid);
    (void) close(subject->output);
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

/* A subject that has to end well at the end of the scope. */
#define SL_AUTO_SUBJECT SL_CLEANUP(sl_subject_end_well)

static inline void sl_subject_end_well(struct sl_test_subject *subject)
{
    cr_assert_eq(sl_subject_end(subject), 0, "it failed, or a call of it returned");
}

#endif
