/* SPDX-License-Identifier: Apache-2.0 */
#include "server_scene.h"

#include "sl_test.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/macros.h"
#include "until.h"

static struct sl_error err; /* of the call made last; a test is a process of its own */

char server_scene_parent[] = "/tmp/sl-test-XXXXXX";

void server_scene_make_parent(void)
{
    cr_assert(mkdtemp(server_scene_parent));
    cr_assert_eq(setenv("TMPDIR", server_scene_parent, 1), 0);
}

static size_t read_proc(const char *pid, const char *name, char *ret_text, size_t size)
{
    char path[PATH_MAX];

    (void) snprintf(path, sizeof path, "/proc/%s/%s", pid, name);
    SL_AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, ret_text, size - 1);
    size_t used = n > 0 ? (size_t) n : 0;
    ret_text[used] = '\0';
    return used;
}

/* Is it a process of this test's, other than the test itself?  A zombie has no environment. */
static bool is_ours(const char *pid)
{
    static char environment[1 << 16];

    if (atol(pid) <= 0 || atol(pid) == (long) getpid() || atol(pid) == (long) getppid())
        return false;
    size_t size = read_proc(pid, "environ", environment, sizeof environment);
    return memmem(environment, size, server_scene_parent, strlen(server_scene_parent));
}

bool server_scene_no_process_is_left(void)
{
    DIR *processes = opendir("/proc");
    const struct dirent *entry;
    bool found = false;

    cr_assert(processes);
    while (!found && (entry = readdir(processes)))
        found = is_ours(entry->d_name);
    (void) closedir(processes);
    return !found;
}

bool server_scene_parent_is_empty(void)
{
    DIR *entries = opendir(server_scene_parent);
    int n = 0;

    cr_assert(entries);
    while (readdir(entries))
        n++;
    (void) closedir(entries);
    return n == 2; /* "." and ".." */
}

bool server_scene_is_gone(pid_t pid)
{
    char number[32], text[512];

    (void) snprintf(number, sizeof number, "%ld", (long) pid);
    if (read_proc(number, "stat", text, sizeof text) == 0)
        return true;
    return strrchr(text, ')')[2] == 'Z';
}

pid_t server_scene_parent_of(pid_t pid)
{
    char number[32], text[512];

    (void) snprintf(number, sizeof number, "%ld", (long) pid);
    cr_assert_gt(read_proc(number, "stat", text, sizeof text), 0);
    return (pid_t) atol(strrchr(text, ')') + 4);
}

struct sl_server *server_scene_start(unsigned nodes)
{
    const struct sl_server_opts opts = {.nodes = nodes};
    struct sl_server *server = NULL;

    enum sl_status status = sl_server_start(&opts, &server, &err);
    if (status == SL_ENOENT) {
        (void) rmdir(server_scene_parent);
        cr_skip_test("%s", err.text);
    }
    cr_assert_eq(status, SL_OK, "%s", err.text);
    return server;
}

/* Nothing is left of a server that was stopped: checked without waiting. */
void server_scene_stop_and_check(struct sl_server *server)
{
    sl_server_stop(server);
    cr_assert(server_scene_parent_is_empty());
    cr_assert(server_scene_no_process_is_left());
    cr_assert_eq(rmdir(server_scene_parent), 0);
}

/* Nothing is left, or soon will be. */
void server_scene_wait_until_nothing_is_left(void)
{
    cr_assert(sl_test_until(server_scene_no_process_is_left(), PATIENCE_NS));
    cr_assert(server_scene_parent_is_empty());
}

#define HOLDER SL_SUBJECTS_DIR "/../server_holder"

pid_t server_scene_start_holder(const char *program, FILE **ret_output)
{
    int ends[2];

    cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
    pid_t pid = fork();
    if (pid == 0) {
        (void) dup2(ends[1], STDOUT_FILENO);
        (void) execl(HOLDER, HOLDER, program, (char *) NULL);
        _exit(127);
    }
    cr_assert_gt(pid, 0);
    (void) close(ends[1]);
    *ret_output = fdopen(ends[0], "r");
    cr_assert(*ret_output);
    return pid;
}

void server_scene_kill_and_reap(pid_t pid)
{
    cr_assert_eq(kill(pid, SIGKILL), 0);
    cr_assert_eq(waitpid(pid, NULL, 0), pid);
}

/* Start a holder and read what it prints once its server is ready. */
pid_t server_scene_start_holder_or_skip(const char *program, pid_t *ret_server)
{
    FILE *output;
    long server = 0;

    pid_t holder = server_scene_start_holder(program, &output);
    int n = fscanf(output, "%ld", &server);
    (void) fclose(output);
    if (n != 1) {
        (void) waitpid(holder, NULL, 0);
        (void) rmdir(server_scene_parent);
        cr_skip_test("no server to hold");
    }
    *ret_server = (pid_t) server;
    return holder;
}

void server_scene_write_program(char path[PATH_MAX], const char *text)
{
    (void) snprintf(path, PATH_MAX, "%s/program", server_scene_parent);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0700);
    cr_assert_geq(fd, 0);
    cr_assert_eq(write(fd, text, strlen(text)), (ssize_t) strlen(text));
    (void) close(fd);
}
