/* SPDX-License-Identifier: Apache-2.0 */
/* What holds for all commands. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include <strandline/snapshot.h>

#include "base/macros.h"
#include "base/utf8.h"
#include "cli/cmd.h"
#include "cli/commands.h"
#include "cli/options/output.h"

#define THREAD_STACK (1u << 20) /* of our own threads, at least */

/* `strandline`, `strandline --help`, `strandline --version`. */
static int run_without_command(const char *word)
{
    if (!word) {
        (void) fputs("strandline: no command given\nsee 'strandline --help'\n", stderr);
        return SL_EXIT_USAGE;
    }
    if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0) {
        (void) printf("strandline %s\n", sl_version());
        return SL_EXIT_OK;
    }
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
        return command_find(commands_all, "help")->run(1, (char *[]){(char *) "help", NULL});
    const char *nearest = command_nearest(commands_all, word);
    sl_utf8_printf(stderr, "strandline: unknown %s '%s'", *word == '-' ? "option" : "command",
                   word);
    if (nearest)
        (void) fprintf(stderr, ", did you mean '%s'?", nearest);
    (void) fputs("\nsee 'strandline --help'\n", stderr);
    return SL_EXIT_USAGE;
}

/*
 * A result that did not reach its reader is no result, whatever it said.  A reader that has read
 * enough, as head does, knows that it went; it is not told.
 */
static int finish_output(int status)
{
    errno = 0;
    if (fflush(stdout) == 0 && !ferror(stdout) && fclose(stdout) == 0)
        return status;
    if (output_reader_went())
        return SL_EXIT_UNMEASURED;
    (void) fprintf(stderr, "strandline: cannot write to standard output: %s\n",
                   errno ? strerror(errno) : "an earlier write failed");
    return SL_EXIT_UNMEASURED;
}

/*
 * A descriptor 0 to 2 that was closed would be the number of the next file that is
 * opened.  It becomes /dev/null, 0 and 1 opened the wrong way round so that reading
 * and writing still fail.
 */
static bool open_standard_descriptors(void)
{
    static const int modes[] = {O_WRONLY, O_RDONLY, O_RDWR};

    for (int fd = 0; fd < (int) SL_COUNT_OF(modes); fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", modes[fd]) != fd)
            return false;
    return true;
}

/* Unwinding and reading debug information take more than a limit for others may leave a thread. */
static void provide_stacks(void)
{
    pthread_attr_t attributes;
    size_t size;

    if (pthread_getattr_default_np(&attributes))
        return;
    if (!pthread_attr_getstacksize(&attributes, &size) && size < THREAD_STACK &&
        !pthread_attr_setstacksize(&attributes, THREAD_STACK))
        (void) pthread_setattr_default_np(&attributes);
    (void) pthread_attr_destroy(&attributes);
}

int main(int argc, char **argv)
{
    if (!open_standard_descriptors())
        return SL_EXIT_UNMEASURED; /* there is nowhere to say it */
    /* A closed pipe and a file size limit are write errors, reported as such. */
    (void) signal(SIGPIPE, SIG_IGN);
    (void) signal(SIGXFSZ, SIG_IGN);
    /* Who starts us may ignore its children's ends; we want to know how ours end. */
    (void) signal(SIGCHLD, SIG_DFL);

    const struct sl_command *command = argc > 1 ? command_find(commands_all, argv[1]) : NULL;
    if (command != &cmd_subject) /* whose driver has what the user gave it */
        provide_stacks();
    int status =
        command ? command->run(argc - 1, argv + 1) : run_without_command(argc > 1 ? argv[1] : NULL);
    return finish_output(status);
}
