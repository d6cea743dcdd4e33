/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/run/declaration.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/fail.h"
#include "base/macros.h"
#include "base/nearest.h"
#include "harness/process/process.h"
#include "harness/run/dialogue.h"
#include "harness/run/protocol.h"

#define MAX_WORDS SL_DECLARED_FAULTS /* of the longest list */

/* Constructors run while a driver is loaded, and may take their time. */
#define PROBE_NS (20 * SL_NS_PER_S)
#define EXIT_NS  SL_NS_PER_S

static const char *const setting_texts[SL_N_SETTINGS] = {
#define X(name, text) [SL_SETTING_##name] = (text),
    SL_SETTING_MAP(X)
#undef X
};

/* Half a name would match other things; half an explanation still explains. */
static bool copy_name(char *to, const char *from)
{
    int length = snprintf(to, SL_NAME_MAX, "%s", from ? from : "");
    return length >= 0 && length < SL_NAME_MAX;
}

static void copy_text(char *to, const char *from)
{
    (void) snprintf(to, SL_DECLARED_TEXT, "%s", from ? from : "");
}

static enum sl_status too_much(const struct sl_declaration *declaration, const char *what,
                               int limit, struct sl_error *err)
{
    return sl_fail(err, SL_ELIMIT, "driver '%s' declares more than %d %s, or one of over %d bytes",
                   declaration->name, limit, what, SL_NAME_MAX - 1);
}

static enum sl_status
declare_transports(const struct sl_driver *driver, struct sl_declaration *to, struct sl_error *err)
{
    const char *const *from = driver->transports;

    for (size_t i = 0; from[i]; i++) {
        if (i == SL_DECLARED_TRANSPORTS || !copy_name(to->transports[i], from[i]))
            return too_much(to, "transports", SL_DECLARED_TRANSPORTS, err);
        to->n_transports++;
    }
    if (!to->n_transports)
        return sl_fail(err, SL_EINVAL, "driver '%s' declares that it has no transport", to->name);
    return SL_OK;
}

static enum sl_status
declare_modes(const struct sl_driver *driver, struct sl_declaration *to, struct sl_error *err)
{
    const char *const *from = driver->modes;
    enum sl_mode mode;

    if (!from[0])
        return sl_fail(err, SL_EINVAL, "driver '%s' declares that it has no mode", to->name);
    for (size_t i = 0; from[i]; i++) {
        if (!sl_mode_parse(from[i], &mode))
            return sl_fail(err, SL_EINVAL,
                           "driver '%s' declares the mode '%.*s', which is not keyed, unified or "
                           "direct",
                           to->name, SL_NAME_MAX, from[i]);
        to->modes[mode] = 1;
        if (i == 0)
            to->default_mode = (uint8_t) mode;
    }
    return SL_OK;
}

static enum sl_status
declare_settings(const struct sl_driver *driver, struct sl_declaration *to, struct sl_error *err)
{
    for (const char *const *from = driver->settings; *from; from++) {
        size_t i = 0;
        while (i < SL_N_SETTINGS && strcmp(setting_texts[i], *from) != 0)
            i++;
        if (i == SL_N_SETTINGS)
            return sl_fail(err, SL_EINVAL,
                           "driver '%s' declares the setting '%.*s', which the interface does "
                           "not have",
                           to->name, SL_NAME_MAX, *from);
        to->settings[i] = 1;
    }
    return SL_OK;
}

static enum sl_status
declare_faults(const struct sl_driver *driver, struct sl_declaration *to, struct sl_error *err)
{
    for (const struct sl_driver_fault *from = driver->faults; from->name; from++) {
        if (to->n_faults == SL_DECLARED_FAULTS ||
            !copy_name(to->faults[to->n_faults].name, from->name) ||
            !copy_name(to->faults[to->n_faults].keys, from->keys))
            return too_much(to, "faults", SL_DECLARED_FAULTS, err);
        copy_text(to->faults[to->n_faults++].text, from->text);
    }
    return SL_OK;
}

static enum sl_status
declare_args(const struct sl_driver *driver, struct sl_declaration *to, struct sl_error *err)
{
    for (const struct sl_driver_arg *from = driver->args; from->name; from++) {
        if (to->n_args == SL_DECLARED_ARGS || !copy_name(to->args[to->n_args].name, from->name))
            return too_much(to, "arguments", SL_DECLARED_ARGS, err);
        copy_text(to->args[to->n_args++].text, from->text);
    }
    return SL_OK;
}

enum sl_status sl_declaration_make(const struct sl_driver *driver,
                                   struct sl_declaration *ret_declaration, struct sl_error *err)
{
    struct sl_declaration *to = ret_declaration;
    enum sl_status status = SL_OK;

    memset(to, 0, sizeof *to);
    to->abi = driver->abi;
    if (!copy_name(to->name, driver->name) || !copy_name(to->version, driver->version))
        return sl_fail(err, SL_ELIMIT, "driver '%s' has a name or version of over %d bytes",
                       to->name, SL_NAME_MAX - 1);
    if (driver->abi < 2) /* its struct ends here */
        return SL_OK;
    to->declares =
        (driver->transports ? SL_DECLARES_TRANSPORTS : 0u) |
        (driver->modes ? SL_DECLARES_MODES : 0u) | (driver->settings ? SL_DECLARES_SETTINGS : 0u) |
        (driver->faults ? SL_DECLARES_FAULTS : 0u) | (driver->args ? SL_DECLARES_ARGS : 0u);
    if (driver->transports)
        status = declare_transports(driver, to, err);
    if (!status && driver->modes)
        status = declare_modes(driver, to, err);
    if (!status && driver->settings)
        status = declare_settings(driver, to, err);
    if (!status && driver->faults)
        status = declare_faults(driver, to, err);
    if (!status && driver->args)
        status = declare_args(driver, to, err);
    return status;
}

#define END(text) ((text)[sizeof(text) - 1] = '\0')

/* Make one that came over a pipe safe to read: every text ends, every number is in range. */
static void tame(struct sl_declaration *declaration)
{
    declaration->declares &= SL_DECLARES_ALL;
    END(declaration->name);
    END(declaration->version);
    declaration->n_transports = SL_MIN(declaration->n_transports, SL_DECLARED_TRANSPORTS);
    declaration->n_faults = SL_MIN(declaration->n_faults, SL_DECLARED_FAULTS);
    declaration->n_args = SL_MIN(declaration->n_args, SL_DECLARED_ARGS);
    if (!declaration->n_transports)
        declaration->declares &= ~(uint32_t) SL_DECLARES_TRANSPORTS;
    if (declaration->default_mode >= SL_N_MODES)
        declaration->declares &= ~(uint32_t) SL_DECLARES_MODES;
    for (size_t i = 0; i < SL_DECLARED_TRANSPORTS; i++)
        END(declaration->transports[i]);
    for (size_t i = 0; i < SL_DECLARED_FAULTS; i++) {
        END(declaration->faults[i].name);
        END(declaration->faults[i].keys);
        END(declaration->faults[i].text);
    }
    for (size_t i = 0; i < SL_DECLARED_ARGS; i++) {
        END(declaration->args[i].name);
        END(declaration->args[i].text);
    }
}

struct words {
    const char *texts[MAX_WORDS];
    size_t n;
};

static void add_word(struct words *words, const char *text)
{
    words->texts[words->n++] = text;
}

/* "a, b, c" or, where there is no room for all, "a, b, ..." */
static void join_words(const struct words *words, char *ret_list, size_t size)
{
    static const char more[] = ", ...";
    size_t at = 0;

    ret_list[0] = '\0';
    for (size_t i = 0; i < words->n; i++) {
        size_t length = strlen(words->texts[i]);
        if (at + length + sizeof ", " + sizeof more > size) {
            (void) snprintf(ret_list + at, size - at, "%s", more);
            return;
        }
        at += (size_t) snprintf(ret_list + at, size - at, "%s%s", i ? ", " : "", words->texts[i]);
    }
}

/* "driver 'simple' has no mode 'keyed': it has direct" */
static enum sl_status refuse(const struct sl_declaration *declaration, const char *what,
                             const char *word, const struct words *has, struct sl_error *err)
{
    const char *meant = sl_nearest(word, has->texts, has->n);
    char list[sizeof err->text / 2];

    if (!has->n)
        return sl_fail(err, SL_EINVAL, "driver '%s' has no %ss, so none of the name '%s'",
                       declaration->name, what, word);
    join_words(has, list, sizeof list);
    return sl_fail(err, SL_EINVAL, "driver '%s' has no %s '%s'%s%s%s: it has %s", declaration->name,
                   what, word, meant ? " (did you mean '" : "", meant ? meant : "",
                   meant ? "'?)" : "", list);
}

/* Is it one of these?  text: `length` bytes. */
static enum sl_status demand(const struct sl_declaration *declaration, const char *what,
                             const char *text, size_t length, const struct words *has,
                             struct sl_error *err)
{
    char word[SL_NAME_MAX];

    for (size_t i = 0; i < has->n; i++)
        if (strlen(has->texts[i]) == length && strncmp(has->texts[i], text, length) == 0)
            return SL_OK;
    (void) snprintf(word, sizeof word, "%.*s", (int) SL_MIN(length, sizeof word), text);
    return refuse(declaration, what, word, has, err);
}

static enum sl_status
check_transport(const struct sl_declaration *declaration, const char *wanted, struct sl_error *err)
{
    struct words has = {.n = 0};

    for (size_t i = 0; i < declaration->n_transports; i++)
        add_word(&has, declaration->transports[i]);
    return demand(declaration, "transport", wanted, strlen(wanted), &has, err);
}

static enum sl_status
check_mode(const struct sl_declaration *declaration, const char *wanted, struct sl_error *err)
{
    struct words has = {.n = 0};

    for (int mode = 0; mode < SL_N_MODES; mode++)
        if (declaration->modes[mode])
            add_word(&has, sl_mode_text((enum sl_mode) mode));
    return demand(declaration, "mode", wanted, strlen(wanted), &has, err);
}

/* NAME[,KEY=VALUE...][,NAME...]: the names; what keys are good for the driver knows. */
static enum sl_status
check_faults(const struct sl_declaration *declaration, const char *wanted, struct sl_error *err)
{
    struct words has = {.n = 0};
    enum sl_status status = SL_OK;

    for (size_t i = 0; i < declaration->n_faults; i++)
        add_word(&has, declaration->faults[i].name);
    for (bool more = true; more && !status;) {
        size_t length = strcspn(wanted, ",");
        if (!memchr(wanted, '=', length))
            status = demand(declaration, "fault", wanted, length, &has, err);
        more = wanted[length] != '\0';
        wanted += length + more;
    }
    return status;
}

enum sl_status sl_declaration_check_cell(const struct sl_declaration *declaration,
                                         const struct sl_run_cell *cell, struct sl_error *err)
{
    enum sl_status status = SL_OK;

    if (declaration->declares & SL_DECLARES_TRANSPORTS)
        status = check_transport(declaration, cell->transport, err);
    if (!status && declaration->declares & SL_DECLARES_MODES)
        status = check_mode(declaration, sl_mode_text(cell->mode), err);
    if (!status && cell->fault && declaration->declares & SL_DECLARES_FAULTS)
        status = check_faults(declaration, cell->fault, err);
    return status;
}

enum sl_status sl_declaration_check_args(const struct sl_declaration *declaration,
                                         const char *const *args, struct sl_error *err)
{
    struct words has = {.n = 0};
    enum sl_status status = SL_OK;

    if (!args[0])
        return SL_OK;
    if (declaration->abi < 2)
        return sl_fail(err, SL_EINVAL,
                       "driver '%s' is for version %u of the interface, which knows no arguments",
                       declaration->name, declaration->abi);
    if (!(declaration->declares & SL_DECLARES_ARGS))
        return SL_OK;
    for (size_t i = 0; i < declaration->n_args; i++)
        add_word(&has, declaration->args[i].name);
    for (; *args && !status; args++)
        status = demand(declaration, "argument", *args, strcspn(*args, "="), &has, err);
    return status;
}

const char *
sl_declaration_without(const struct sl_declaration *declaration, enum sl_setting setting)
{
    bool takes = !declaration || !(declaration->declares & SL_DECLARES_SETTINGS) ||
                 declaration->settings[setting];
    return takes ? NULL : "the driver declares that it does not take this";
}

/* What a process that is asked says. */
union answer {
    struct sl_declaration declaration;
    struct sl_failure_record failure;
};

/* The process ended, or hangs, before it said anything. */
static enum sl_status explain_silence(struct sl_process *process, const char *driver_path,
                                      enum sl_status status, struct sl_error *err)
{
    char text[200];

    if (status != SL_ETIMEDOUT && sl_process_reap(process, EXIT_NS)) {
        sl_process_describe_end(process, text, sizeof text);
        return sl_fail(err, SL_EINVAL, "cannot load driver '%s': the process that tried %s",
                       driver_path, text);
    }
    sl_printed_last(process->printed, text, sizeof text);
    return sl_fail(err, SL_EINVAL,
                   "cannot load driver '%s': the process that tried gave no answer%s%s",
                   driver_path, text[0] ? "; it printed: " : "", text);
}

static enum sl_status ask(struct sl_process *process, const struct sl_subject_config *config,
                          union answer *answer, struct sl_declaration *ret_declaration,
                          struct sl_error *err)
{
    struct sl_record record = {.data = answer, .capacity = sizeof *answer};
    const char *driver_path = config->driver_path;
    struct sl_error local = {0};

    enum sl_status status =
        sl_record_write(process->to_fd, SL_RECORD_CONFIG, config, sizeof *config, &local);
    if (!status)
        status = sl_record_read(process->from_fd, sl_clock_now_ns() + PROBE_NS, &record, &local);
    if (status == SL_EGONE || status == SL_ETIMEDOUT)
        return explain_silence(process, driver_path, status, err);
    if (status)
        return sl_fail(err, status, "cannot load driver '%s': %s", driver_path, local.text);
    if (sl_record_is(&record, SL_RECORD_DECLARATION, sizeof answer->declaration)) {
        tame(&answer->declaration);
        *ret_declaration = answer->declaration;
        return SL_OK;
    }
    if (sl_record_is(&record, SL_RECORD_FAILURE, sizeof answer->failure) &&
        sl_failure_is_sound(&answer->failure))
        return sl_fail(err, answer->failure.status, "%s", answer->failure.text);
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
        return sl_fail(err, SL_ENOMEM, "out of memory for a question to driver '%s'", driver_path);
    if (strlen(driver_path) >= sizeof config->driver_path)
        return sl_fail(err, SL_EINVAL, "driver path is longer than %zu bytes",
                       sizeof config->driver_path - 1);
    config->job = SL_JOB_DECLARE;
    (void) snprintf(config->driver_path, sizeof config->driver_path, "%s", driver_path);
    enum sl_status status = sl_process_start("strandline: driver", false, &process, err);
    if (status)
        return status;
    status = ask(&process, config, answer, ret_declaration, err);
    sl_process_end(&process);
    return status;
}
