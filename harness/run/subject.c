/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/run/subject.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fail.h"
#include "base/macros.h"
#include "harness/load/driver_load.h"
#include "harness/load/load.h"
#include "harness/process/desk.h"
#include "harness/run/control.h"
#include "harness/run/declaration.h"
#include "harness/run/protocol.h"

/* The steps are looked for on the stacks of a subject that hangs. */
#define ON_STACK __attribute__((noinline))

#define EXIT_PLAYED     0
#define EXIT_NOT_PLAYED 3

struct subject {
    int in_fd, out_fd;
    struct sl_subject_config config;
    struct sl_phase_record record; /* grows from phase to phase */
    const struct sl_driver *builtin;
    const struct sl_driver *driver; /* NULL: not found yet */
    struct sl_load *load;           /* never freed: see load.h */
    void *bus;
    uint32_t cycle;     /* 1 for the first */
    const char *prefix; /* of broker names of this cycle */
    bool opened;
    bool failed; /* a step did, and the observer was told */
};

/*
 * The signal alone would leave a gap: a parent that ended before it was asked for
 * sends none.  If it ended between the two looks, the parent has changed; if it
 * ended earlier, its end of the pipe is closed and reading finds that.
 */
static bool die_with_parent(void)
{
    pid_t parent = getppid();
    return prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == parent;
}

static bool read_config(struct subject *subject)
{
    struct sl_record record = {.data = &subject->config, .capacity = sizeof subject->config};

    return sl_record_read(subject->in_fd, UINT64_MAX, &record, NULL) == SL_OK &&
           sl_record_is(&record, SL_RECORD_CONFIG, sizeof subject->config);
}

/* Of a shared load the observer adds up what its processes know. @return false: it has gone */
static bool send_tally(const struct subject *subject)
{
    struct sl_packer packer = {0};

    sl_load_pack(subject->load, &packer);
    bool sent = !packer.failed && sl_record_write(subject->out_fd, SL_RECORD_TALLY, packer.data,
                                                  packer.size, NULL) == SL_OK;
    sl_packer_release(&packer);
    return sent;
}

/* @return false when the observer has gone */
static bool announce(struct subject *subject, enum sl_phase phase)
{
    struct sl_record answer = {.capacity = 0};

    subject->record.phase = phase;
    subject->record.at_ns = sl_clock_now_ns();
    if (subject->load)
        sl_load_record(subject->load, &subject->record.load);
    if (subject->config.share.part && (phase == SL_PHASE_LOADED || phase == SL_PHASE_CLOSED) &&
        !send_tally(subject))
        return false;
    return sl_record_write(subject->out_fd, SL_RECORD_PHASE, &subject->record,
                           sizeof subject->record, NULL) == SL_OK &&
           sl_record_read(subject->in_fd, UINT64_MAX, &answer, NULL) == SL_OK &&
           answer.type == SL_RECORD_GO;
}

/* Tell the observer of a failure on the way to a phase. */
static void report_failure(struct subject *subject, enum sl_phase phase, const struct sl_error *err)
{
    struct sl_failure_record record = {
        .phase = phase, .step = sl_step_now(), .status = err->status};

    subject->failed = true;
    (void) snprintf(record.text, sizeof record.text, "%s", err->text);
    enum sl_status status =
        sl_record_write(subject->out_fd, SL_RECORD_FAILURE, &record, sizeof record, NULL);
    (void) status; /* when the observer has gone, announcing the next phase finds that */
}

/*
 * What a cycle left on a broker is none of the next one's, so each has names of its own, which
 * begin with those of the trial.  Never freed, as the load that has them is not.
 *
 * @return NULL when memory is short
 */
static const char *make_prefix(const struct subject *subject)
{
    char *prefix;

    if (subject->cycle <= 1)
        return subject->config.prefix;
    return asprintf(&prefix, "%sc%u_", subject->config.prefix, subject->cycle) < 0 ? NULL : prefix;
}

static enum sl_status make_load(struct subject *subject, struct sl_error *err)
{
    const struct sl_subject_config *config = &subject->config;

    subject->prefix = make_prefix(subject);
    if (!subject->prefix)
        return sl_fail(err, SL_ENOMEM, "out of memory for names");
    const struct sl_load_opts opts = {
        .load = &config->load,
        .share = config->share,
        .prefix = subject->prefix,
        .seed = config->seed,
        /* The bus that is built in has faults that lose outcomes; no other may. */
        .may_lose_answers = config->fault[0] && !config->driver_path[0],
    };
    return sl_load_new(&opts, &subject->load, err);
}

static enum sl_status find_driver(struct subject *subject, struct sl_error *err)
{
    if (subject->config.control) {
        subject->driver = sl_control_driver();
        return SL_OK;
    }
    if (subject->config.driver_path[0])
        return sl_driver_load(subject->config.driver_path, &subject->driver, err);
    if (!subject->builtin)
        return sl_fail(err, SL_EINVAL, "no driver is built in, and none was named");
    subject->driver = subject->builtin;
    return SL_OK;
}

/* @return false when the text does not fit; half a name would match other things */
static bool copy_name(char *to, size_t size, const char *from)
{
    int length = snprintf(to, size, "%s", from ? from : "");
    return length >= 0 && (size_t) length < size;
}

static bool describe_driver(const struct sl_driver *driver, struct sl_driver_record *record)
{
    const char *const *modules = driver->library_modules;
    const struct sl_driver_witness *witnesses = driver->witnesses;
    bool fits = copy_name(record->name, sizeof record->name, driver->name) &&
                copy_name(record->version, sizeof record->version, driver->version);

    for (size_t i = 0; modules && modules[i] && fits; i++)
        fits =
            i < SL_DRIVER_MODULES && copy_name(record->library_modules[i], SL_NAME_MAX, modules[i]);
    for (size_t i = 0; witnesses && witnesses[i].text && fits; i++) {
        if (i == SL_DRIVER_WITNESSES)
            return false;
        fits = copy_name(record->witnesses[i].module, SL_NAME_MAX, witnesses[i].module) &&
               copy_name(record->witnesses[i].function, SL_NAME_MAX, witnesses[i].function) &&
               copy_name(record->witnesses[i].text, sizeof record->witnesses[i].text,
                         witnesses[i].text);
        record->witnesses[i].socket = witnesses[i].wait == SL_WITNESS_SOCKET;
    }
    return fits;
}

static enum sl_status report_driver(const struct subject *subject, struct sl_error *err)
{
    struct sl_driver_record record = {0};

    if (!describe_driver(subject->driver, &record))
        return sl_fail(err, SL_ELIMIT,
                       "driver '%s' describes itself with more than %d modules, %d witnesses or "
                       "names of %d bytes",
                       record.name, SL_DRIVER_MODULES, SL_DRIVER_WITNESSES, SL_NAME_MAX - 1);
    return sl_record_write(subject->out_fd, SL_RECORD_DRIVER, &record, sizeof record, err);
}

static const char *or_null(const char *text)
{
    return text[0] ? text : NULL;
}

/* The texts of a packed list, NULL-terminated, in ret_args. */
static void list_args(const char *packed, const char **ret_args)
{
    size_t n = 0;

    for (const char *at = packed; *at && n < SL_ARGS_MAX; at += strlen(at) + 1)
        ret_args[n++] = at;
    ret_args[n] = NULL;
}

/* What the configuration of a driver points to. */
struct pointed {
    const char *args[SL_ARGS_MAX + 1];
    struct sl_credentials credentials;
};

static void configure_driver(const struct subject *subject, struct pointed *pointed,
                             struct sl_driver_config *config)
{
    const struct sl_subject_config *from = &subject->config;

    list_args(from->args, pointed->args);
    pointed->credentials = (struct sl_credentials){.size = sizeof pointed->credentials,
                                                   .creds = or_null(from->files.creds),
                                                   .tls_ca = or_null(from->files.tls_ca),
                                                   .tls_cert = or_null(from->files.tls_cert),
                                                   .tls_key = or_null(from->files.tls_key)};

    *config = (struct sl_driver_config){
        .size = sizeof *config,
        .mode = sl_mode_text(from->mode),
        .transport = from->transport,
        .servers = or_null(from->servers),
        .storage = sl_storage_text(from->load.storage),
        .prefix = subject->prefix,
        .fault = or_null(from->fault),
        .workers = from->pool.workers,
        .queue_capacity = from->pool.queue,
        .enqueue_wait_ns = from->pool.enqueue_wait_ns,
        .stack_size = from->pool.stack_size,
        .ack_wait_ns = SL_ACK_WAIT_NS,
        .replicas = from->replicas,
        .args = pointed->args,
        .credentials = &pointed->credentials,
    };
    sl_load_configure(subject->load, config);
}

static enum sl_status open_bus(struct subject *subject, struct sl_error *err)
{
    struct sl_driver_config config;
    struct pointed pointed;

    configure_driver(subject, &pointed, &config);

    sl_step_begin(SL_STEP_OPEN);
    uint64_t begin_ns = sl_clock_now_ns();
    enum sl_status status = subject->driver->open(&config, &subject->bus, err);
    if (status)
        return sl_driver_failed("open", status, err);
    subject->opened = true;
    sl_step_begin(SL_STEP_SUBSCRIBE);
    status = sl_load_subscribe(subject->load, subject->driver, subject->bus, err);
    subject->record.open_ns = sl_clock_now_ns() - begin_ns;
    return status;
}

/* @return false when the bus is not ready for a load; the observer was told why */
static ON_STACK bool subject_open(struct subject *subject)
{
    struct sl_error err = {0};

    sl_step_begin(SL_STEP_LOADING);
    enum sl_status status = make_load(subject, &err);
    if (!status && !subject->driver) {
        status = find_driver(subject, &err);
        if (!status)
            status = report_driver(subject, &err);
    }
    if (!status)
        status = open_bus(subject, &err);
    if (status)
        report_failure(subject, SL_PHASE_OPEN, &err);
    return status == SL_OK;
}

/* Wait for what others publish: first for the news of what they published, then for it. */
static enum sl_status consume_load(struct subject *subject, struct sl_error *err)
{
    uint32_t n_events = subject->config.load.events;
    struct sl_record record = {.capacity = sl_tally_size_max(n_events)};
    SL_AUTO_FREE unsigned char *packed = record.data = malloc(record.capacity);
    SL_AUTO_FREE unsigned char *states = malloc(n_events);

    if (!packed || !states)
        return sl_fail(err, SL_ENOMEM, "out of memory for the outcomes of %u events", n_events);
    sl_step_begin(SL_STEP_DELIVERY);
    sl_load_begin(subject->load);
    enum sl_status status = sl_record_read(subject->in_fd, UINT64_MAX, &record, err);
    if (status)
        return status;
    struct sl_unpacker unpacker = {.at = packed, .left = record.size};
    if (record.type != SL_RECORD_OUTCOMES || !sl_tally_unpack_states(&unpacker, states, n_events) ||
        !sl_unpack_ends(&unpacker))
        return sl_fail(err, SL_EPROTO, "outcomes of %u events were expected", n_events);
    return sl_load_consume(subject->load, states, err);
}

/* @return false when the load failed; the observer was told why */
static ON_STACK bool subject_load(struct subject *subject)
{
    struct sl_error err = {0};

    enum sl_status status = subject->config.share.part == SL_PART_CONSUME
                                ? consume_load(subject, &err)
                                : sl_load_run(subject->load, subject->driver, subject->bus, &err);
    if (status) {
        report_failure(subject, SL_PHASE_LOADED, &err);
        return false;
    }
    struct sl_driver_stats stats = {.size = sizeof stats};
    subject->driver->stats(subject->bus, &stats);
    subject->record.bus_threads = stats.threads;
    return true;
}

static ON_STACK void subject_close(struct subject *subject)
{
    struct sl_driver_close_report report = {.size = sizeof report};
    struct sl_phase_record *record = &subject->record;
    struct sl_error err = {0};

    sl_step_begin(SL_STEP_CLOSE);
    uint64_t begin_ns = sl_clock_now_ns();
    enum sl_status status =
        subject->driver->close(subject->bus, subject->config.load.close_deadline_ns, &report, &err);
    record->close_ns = sl_clock_now_ns() - begin_ns;
    record->close_timed_out = report.timed_out || status == SL_ETIMEDOUT;
    record->close_ok = !status && !record->close_timed_out;
    record->threads_abandoned = report.threads_abandoned;
    record->messages_abandoned = report.messages_abandoned;
    (void) snprintf(record->close_detail, sizeof record->close_detail, "%.*s",
                    (int) sizeof report.detail - 1, report.detail);
    if (record->close_ok)
        sl_load_closed(subject->load);
    if (status && status != SL_ETIMEDOUT)
        (void) sl_driver_failed("close", status, &err);
    else
        status = sl_load_check(subject->load, &err);
    if (status)
        report_failure(subject, SL_PHASE_CLOSED, &err);
}

static ON_STACK void subject_teardown(struct subject *subject)
{
    struct sl_error err = {0};

    if (subject->driver && subject->driver->teardown) {
        enum sl_status status = subject->driver->teardown(&err);
        if (status) {
            (void) sl_driver_failed("teardown", status, &err);
            report_failure(subject, SL_PHASE_TORN_DOWN, &err);
        }
    }
    struct sl_error late = {0};
    if (subject->opened && sl_load_check(subject->load, &late))
        report_failure(subject, SL_PHASE_CLOSED, &late);
}

/* Open the bus, load it, close it.  @return false when the observer has gone */
static bool play_cycle(struct subject *subject)
{
    subject->cycle++;
    subject->opened = false;
    subject->record = (struct sl_phase_record){0};
    if (subject_open(subject)) {
        if (!announce(subject, SL_PHASE_OPEN))
            return false;
        bool loaded = subject_load(subject);
        sl_step_begin(SL_STEP_LOADED);
        if (loaded && !announce(subject, SL_PHASE_LOADED))
            return false;
    }
    if (subject->opened) {
        if (!announce(subject, SL_PHASE_CLOSING))
            return false;
        subject_close(subject);
        sl_step_begin(SL_STEP_CLOSED);
        if (!announce(subject, SL_PHASE_CLOSED))
            return false;
        sl_step_begin(SL_STEP_DESTROY);
        subject->driver->destroy(subject->bus);
    }
    return true;
}

/* Whether another cycle follows.  What is wrong with the last one is then what is reported. */
static bool plays_on(struct subject *subject)
{
    const struct sl_load_counts *counts = &subject->record.load.counts;
    struct sl_error late = {0};

    if (subject->cycle >= subject->config.cycles || subject->failed || !subject->record.close_ok ||
        subject->record.load.timed_out || counts->handled < counts->published ||
        counts->order_violations)
        return false;
    if (sl_load_check(subject->load, &late))
        report_failure(subject, SL_PHASE_CLOSED, &late);
    return !subject->failed;
}

/* @return whether all phases were played */
static bool subject_play(struct subject *subject)
{
    if (!announce(subject, SL_PHASE_START))
        return false;
    do {
        if (!play_cycle(subject))
            return false;
    } while (plays_on(subject));
    sl_step_begin(SL_STEP_TEARDOWN);
    subject_teardown(subject);
    sl_step_begin(SL_STEP_EXIT);
    bool played = announce(subject, SL_PHASE_TORN_DOWN) && !subject->failed;
    sl_desk_leave();
    return played;
}

/* @return whether nothing is left on the broker */
static bool subject_purge(struct subject *subject)
{
    struct sl_driver_config config;
    struct pointed pointed;
    struct sl_error err = {0};

    enum sl_status status = make_load(subject, &err);
    if (!status)
        status = find_driver(subject, &err);
    if (!status && subject->driver->purge) {
        configure_driver(subject, &pointed, &config);
        status = subject->driver->purge(&config, &err);
        if (status)
            (void) sl_driver_failed("purge", status, &err);
    }
    if (status)
        report_failure(subject, SL_PHASE_START, &err);
    return status == SL_OK;
}

/* @return whether the driver was loaded and has said what it has */
static bool subject_declare(struct subject *subject)
{
    SL_AUTO_FREE struct sl_declaration *declaration = malloc(sizeof *declaration);
    struct sl_error err = {0};

    enum sl_status status = declaration ? find_driver(subject, &err)
                                        : sl_fail(&err, SL_ENOMEM, "out of memory for a driver");
    if (!status)
        status = sl_declaration_make(subject->driver, declaration, &err);
    if (status)
        report_failure(subject, SL_PHASE_START, &err);
    return !status && sl_record_write(subject->out_fd, SL_RECORD_DECLARATION, declaration,
                                      sizeof *declaration, NULL) == SL_OK;
}

static bool play(struct subject *subject)
{
    switch (subject->config.job) {
    case SL_JOB_PURGE:
        return subject_purge(subject);
    case SL_JOB_DECLARE:
        return subject_declare(subject);
    default:
        return subject_play(subject);
    }
}

int sl_subject_main(const struct sl_driver *builtin, int in_fd, int out_fd, int desk_fd)
{
    static struct subject subject; /* a stack may be limited to less */

    subject.in_fd = in_fd;
    subject.out_fd = out_fd;
    subject.builtin = builtin;
    (void) signal(SIGPIPE, SIG_IGN); /* see protocol.c */
    /* We were started as "exe", which the driver's threads would inherit. */
    (void) prctl(PR_SET_NAME, program_invocation_name);
    if (desk_fd >= 0)
        sl_desk_adopt(desk_fd);
    if (!die_with_parent() || !read_config(&subject))
        return EXIT_NOT_PLAYED;
    return play(&subject) ? EXIT_PLAYED : EXIT_NOT_PLAYED;
}
