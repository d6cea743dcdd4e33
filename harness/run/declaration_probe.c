/* SPDX-License-Identifier: Apache-2.0 */
/* Asking a driver what it has, in a process that it can do no harm but to itself. */
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/fail.h"
#include "harness/process/process.h"
#include "harness/run/declaration.h"
#include "harness/run/protocol.h"

/* Constructors run while a driver is loaded, and may take their time. */
#define PROBE_NS (20 * SL_NS_PER_S)
#define EXIT_NS  SL_NS_PER_S

union answer {
    struct sl_declaration declaration;
    struct sl_failure_record failure;
};

/* The process ended, or hangs, before it said anything. */
static enum sl_status explain_silence(struct sl_process *process, const char *driver_path,
                                      enum sl_status s, struct sl_error *err)
{
    char output[160] = "";
    bool by_itself = s != SL_ETIMEDOUT && sl_process_reap(process, EXIT_NS);
    int status = process->wait_status;

    sl_process_output(process, output, sizeof output);
    const char *printed = output[0] ? "; it printed: " : "";
    if (!by_itself)
        return sl_fail(err, SL_EINVAL,
                       "cannot load driver '%s': the process that tried gave no answer%s%s",
                       driver_path, printed, output);
    if (WIFSIGNALED(status))
        return sl_fail(err, SL_EINVAL,
                       "cannot load driver '%s': the process that tried was ended by signal %d "
                       "(%s)%s%s",
                       driver_path, WTERMSIG(status), strsignal(WTERMSIG(status)), printed, output);
    return sl_fail(err, SL_EINVAL,
                   "cannot load driver '%s': the process that tried exited with status %d%s%s",
                   driver_path, WEXITSTATUS(status), printed, output);
}

static enum sl_status read_answer(struct sl_process *process, const char *driver_path,
                                  union answer *answer, struct sl_declaration *ret_declaration,
                                  struct sl_error *err)
{
    enum sl_record_type type = SL_RECORD_GO;
    struct sl_error local = {0};
    size_t size = 0;

    enum sl_status s = sl_record_read(process->from_fd, -1, sl_clock_now_ns() + PROBE_NS, &type,
                                      answer, sizeof *answer, &size, &local);
    if (s == SL_EGONE || s == SL_ETIMEDOUT)
        return explain_silence(process, driver_path, s, err);
    if (s)
        return sl_fail(err, s, "cannot load driver '%s': %s", driver_path, local.text);
    if (type == SL_RECORD_DECLARATION && size == sizeof answer->declaration) {
        sl_declaration_tame(&answer->declaration);
        *ret_declaration = answer->declaration;
        return SL_OK;
    }
    if (type == SL_RECORD_FAILURE && size == sizeof answer->failure) {
        sl_failure_tame(&answer->failure);
        return sl_fail(err, answer->failure.status, "%s", answer->failure.text);
    }
    return sl_fail(err, SL_EINVAL, "cannot load driver '%s': it wrote over what was to be said",
                   driver_path);
}

enum sl_status sl_declaration_probe(const char *driver_path, struct sl_declaration *ret_declaration,
                                    struct sl_error *err)
{
    SL_AUTO_FREE struct sl_subject_config *config = calloc(1, sizeof *config);
    SL_AUTO_FREE union answer *answer = malloc(sizeof *answer);
    struct sl_process process;

    if (!config || !answer)
        return sl_fail(err, SL_ENOMEM, "out of memory to ask driver '%s'", driver_path);
    if (strlen(driver_path) >= sizeof config->driver_path)
        return sl_fail(err, SL_EINVAL, "driver path is longer than %zu bytes",
                       sizeof config->driver_path - 1);
    config->job = SL_JOB_DECLARE;
    (void) snprintf(config->driver_path, sizeof config->driver_path, "%s", driver_path);
    enum sl_status s = sl_process_start("strandline: driver", false, &process, err);
    if (s)
        return s;
    s = sl_record_write(process.to_fd, SL_RECORD_CONFIG, config, sizeof *config, NULL);
    if (s == SL_EGONE)
        s = explain_silence(&process, driver_path, s, err);
    if (!s)
        s = read_answer(&process, driver_path, answer, ret_declaration, err);
    sl_process_end(&process);
    return s;
}
