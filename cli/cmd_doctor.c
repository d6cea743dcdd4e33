/* SPDX-License-Identifier: Apache-2.0 */
/* strandline doctor: what this machine allows, what is missing, and how to get it. */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/macros.h"
#include "cli/cmd.h"
#include "cli/doctor/doctor.h"
#include "cli/doctor/permissions.h"
#include "cli/options/options.h"
#include "cli/options/output.h"
#include "harness/process/thread_room.h"
#include "harness/server/server.h"
#include "harness/snapshot/cache/folder.h"
#include "json/layout_macros.h"
#include "json/layout_write.h"
#include "reports/format.h"
#include "reports/print/grid.h"
#include "reports/print/wrap.h"

#define FILES_NEEDED 64 /* pipes, connections, and what a driver opens */

static const char *const fixes[] = {
    [SL_LIMIT_THREADS_MAX] = "sysctl kernel.threads-max=100000",
    [SL_LIMIT_PID_MAX] = "sysctl kernel.pid_max=100000",
    [SL_LIMIT_MAP_COUNT] = "sysctl vm.max_map_count=262144",
    [SL_LIMIT_NPROC] = "ulimit -u unlimited",
    [SL_LIMIT_CGROUP] = "raise TasksMax of the systemd unit, or '--pids-limit' of the container",
};

static void add_limit(struct doctor *doctor, const struct sl_thread_limit *limit, const char *fix)
{
    uint64_t room = sl_thread_room(limit);

    if (limit->limit == SL_NO_LIMIT) {
        doctor_add(doctor, limit->name, DOCTOR_OK, NULL, NULL, "no limit");
        return;
    }
    doctor_add(doctor, limit->name, room < DOCTOR_THREADS_NEEDED ? DOCTOR_LIMITED : DOCTOR_OK,
               "keyed mode with 5 x 1024 workers cannot run", fix,
               "%" PRIu64 " threads, %" PRIu64 " in use", limit->limit, limit->used);
}

static void add_room(struct doctor *doctor, const struct sl_thread_limit *lowest)
{
    uint64_t room = sl_thread_room(lowest);

    doctor->thread_room = room;
    if (room == SL_NO_LIMIT) {
        doctor_add(doctor, "threads", DOCTOR_OK, NULL, NULL, "no limit is known");
        return;
    }
    bool fits = room >= DOCTOR_THREADS_NEEDED;
    doctor_add(doctor, "threads", fits ? DOCTOR_OK : DOCTOR_LIMITED,
               "keyed mode with 5 x 1024 workers cannot run; smaller pools can", NULL,
               "%" PRIu64 " more can be created (%s), 5 x 1024 workers %s", room, lowest->name,
               fits ? "fit" : "do not fit");
}

static void add_files(struct doctor *doctor)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return;
    doctor_add(doctor, "RLIMIT_NOFILE", limit.rlim_cur < FILES_NEEDED ? DOCTOR_LIMITED : DOCTOR_OK,
               "buses and servers may fail to open files", "ulimit -n 1024",
               "%" PRIu64 " open files", (uint64_t) limit.rlim_cur);
}

static void check_limits(struct doctor *doctor)
{
    bool exempt = sl_permissions_have(&doctor->permissions, CAP_SYS_RESOURCE) ||
                  sl_permissions_have(&doctor->permissions, CAP_SYS_ADMIN);
    struct sl_thread_limit limits[SL_N_THREAD_LIMITS];
    size_t lowest = 0;

    sl_thread_room_read(exempt, limits);
    for (size_t i = 0; i < SL_N_THREAD_LIMITS; i++) {
        add_limit(doctor, &limits[i], fixes[i]);
        if (sl_thread_room(&limits[i]) < sl_thread_room(&limits[lowest]))
            lowest = i;
    }
    add_room(doctor, &limits[lowest]);
    add_files(doctor);
}

static void check_client(struct doctor *doctor, const char *version)
{
    if (version)
        doctor_add(doctor, "nats client", DOCTOR_OK, NULL, NULL, "libnats %s", version);
    else
        doctor_add(doctor, "nats client", DOCTOR_LIMITED, "only '--transport memory' runs",
                   "apt install libnats-dev, and build again", "not built in");
}

/* Whether a server is installed says less than whether it starts. */
static void check_server(struct doctor *doctor)
{
    SL_AUTO(sl_server) struct sl_server *server = NULL;
    struct sl_error err = {0};

    if (sl_server_start(NULL, &server, &err)) {
        doctor_add(doctor, "nats-server", DOCTOR_LIMITED,
                   "'--transport nats' needs '--server URL'; '--transport memory' runs",
                   err.status == SL_ENOENT ? "apt install nats-server" : NULL, "%s", err.text);
        return;
    }
    doctor_add(doctor, "nats-server", DOCTOR_OK, NULL, NULL, "%s starts, with JetStream",
               sl_server_version(server));
}

/* Names that looks leave for later ones. */
static void check_cache(struct doctor *doctor)
{
    static const char cost[] = "each look unpacks the debug information of the C library anew";
    char path[PATH_MAX], size[SL_FORMAT_MAX];
    uint64_t bytes;
    size_t n;

    if (!sl_folder_find(path, sizeof path)) {
        doctor_add(doctor, "cache", DOCTOR_LIMITED, cost, "set HOME or XDG_CACHE_HOME",
                   "neither says where it could be");
        return;
    }
    SL_AUTO_FD int folder = sl_folder_open(false);
    if (folder < 0 && errno == ENOENT) {
        doctor_add(doctor, "cache", DOCTOR_OK, NULL, NULL, "%s: nothing yet", path);
        return;
    }
    if (folder < 0) {
        doctor_add(doctor, "cache", DOCTOR_LIMITED, cost,
                   errno == EPERM ? "make it yours, and let nobody else write there" : NULL,
                   "%s: %s", path, strerror(errno));
        return;
    }
    sl_folder_measure(folder, &n, &bytes);
    sl_format_bytes(bytes, size);
    doctor_add(doctor, "cache", DOCTOR_OK, NULL, NULL, "%s: %zu file%s, %s", path, n,
               n == 1 ? "" : "s", size);
}

/* Starts a server for a moment. */
static void doctor_check_packages(struct doctor *doctor)
{
    check_client(doctor, SL_LIBNATS_VERSION); /* set by the build; NULL: without */
    check_server(doctor);
}

enum { OPTION_JSON, OPTION_COLOR };

static const struct sl_option options_of_doctor[] = {
    [OPTION_JSON] = {"json", NULL, "print the findings as JSON", 0},
    [OPTION_COLOR] = SL_OPTION_COLOR,
    {0},
};

static const struct {
    const char *text;
    enum sl_style style;
} states[] = {
    [DOCTOR_OK] = {"ok", SL_STYLE_GOOD},
    [DOCTOR_LIMITED] = {"limited", SL_STYLE_WARN},
    [DOCTOR_MISSING] = {"missing", SL_STYLE_BAD},
};

static size_t count(const struct doctor *doctor, enum doctor_state state)
{
    size_t n = 0;
    for (size_t i = 0; i < doctor->n_checks; i++)
        n += doctor->checks[i].state == state;
    return n;
}

#define FOUND_COLUMN 29

/* Below what was found; nothing for NULL. */
static void print_advice(const struct sl_page *page, const char *heading, const char *text)
{
    size_t column = FOUND_COLUMN + strlen(heading);

    if (!text)
        return;
    (void) printf("%*s%s", FOUND_COLUMN, "", heading);
    sl_wrap_after(page, SL_STYLE_NONE, column, column, text);
}

static void print_text(const struct doctor *doctor, const struct sl_page *page)
{
    size_t n_missing = count(doctor, DOCTOR_MISSING);

    for (size_t i = 0; i < doctor->n_checks; i++) {
        const struct doctor_check *check = &doctor->checks[i];
        sl_style_print(page, states[check->state].style, "%-7s", states[check->state].text);
        (void) printf("  %-18s  ", check->name);
        sl_wrap_after(page, SL_STYLE_NONE, FOUND_COLUMN, FOUND_COLUMN, check->found);
        print_advice(page, "  cost: ", check->cost);
        print_advice(page, "  fix:  ", check->fix);
    }
    (void) fputc('\n', stdout);
    if (n_missing)
        (void) printf("not ready: %zu of %zu checks failed\n", n_missing, doctor->n_checks);
    else
        (void) printf("ready: %zu of %zu checks ok, %zu limited\n", count(doctor, DOCTOR_OK),
                      doctor->n_checks, count(doctor, DOCTOR_LIMITED));
}

struct document {
    bool ready;
    struct sl_value room; /* for threads; missing without a limit */
    uint32_t needed;
    const struct doctor_check *checks;
    size_t n_checks;
};

static const char *state_word(unsigned state)
{
    return states[state].text;
}
static const struct sl_words state_words = {SL_COUNT_OF(states), state_word};

static const struct sl_field check_fields[] = {
    SCALAR(NAME, struct doctor_check, name),
    ENUM(struct doctor_check, "state", state, state_words),
    SCALAR(NAME, struct doctor_check, found),
    SCALAR(TEXT, struct doctor_check, cost),
    SCALAR(TEXT, struct doctor_check, fix),
};
static const struct sl_object check_object = {FIELDS(check_fields)};

static const struct sl_field threads_fields[] = {
    SCALAR(VALUE, struct document, room),
    SCALAR(U32, struct document, needed),
};
static const struct sl_object threads_object = {FIELDS(threads_fields)};

static const struct sl_field document_fields[] = {
    SCHEMA,
    SCALAR(BOOL, struct document, ready),
    PART("threads", threads_object),
    LIST(struct document, "checks", checks, n_checks, check_object),
};
static const struct sl_object document_object = {FIELDS(document_fields)};

static const struct sl_layout doctor_layout = {
    .schema = "strandline.doctor",
    .major = 1,
    .what = "findings",
    .root = PART(NULL, document_object),
};

static enum sl_status print_json(const struct doctor *doctor, struct sl_error *err)
{
    const struct document document = {
        .ready = count(doctor, DOCTOR_MISSING) == 0,
        .room = doctor->thread_room == SL_NO_LIMIT ? SL_NOT_SAID : SL_VALUE(doctor->thread_room),
        .needed = DOCTOR_THREADS_NEEDED,
        .checks = doctor->checks,
        .n_checks = doctor->n_checks,
    };
    return sl_layout_print(&doctor_layout, &document, stdout, err);
}

static int run(int argc, char **argv)
{
    struct sl_options options = {.command = &cmd_doctor, .argc = argc, .argv = argv};
    enum sl_color color = SL_COLOR_AUTO;
    bool json = false;
    struct sl_error err = {0};

    for (int option; (option = options_next(&options)) != SL_OPTIONS_END;) {
        if (option == SL_OPTIONS_EXIT)
            return options.exit_status;
        if (option == OPTION_JSON)
            json = true;
        else
            color = (enum sl_color) options.word;
    }
    if (options.n_operands)
        return command_usage_error(&cmd_doctor, "unexpected '%s'", options.operands[0]);

    SL_AUTO(sl_arena) struct sl_arena *arena = sl_arena_new();
    struct doctor doctor = {.arena = arena};
    if (!arena) {
        (void) sl_fail(&err, SL_ENOMEM, "out of memory for the checks");
        return command_error(&cmd_doctor, &err, SL_EXIT_UNMEASURED);
    }
    doctor_check_permissions(&doctor);
    doctor_check_sources(&doctor);
    check_limits(&doctor);
    doctor_check_packages(&doctor);
    check_cache(&doctor);

    struct sl_page page = output_page(color, stdout);
    if (!json)
        print_text(&doctor, &page);
    else if (print_json(&doctor, &err))
        return command_error(&cmd_doctor, &err, SL_EXIT_UNMEASURED);
    return count(&doctor, DOCTOR_MISSING) ? SL_EXIT_UNMEASURED : SL_EXIT_OK;
}

const struct sl_command cmd_doctor = {
    .name = "doctor",
    .usage = "[options]",
    .summary = "what this machine allows, what is missing, how to get it",
    .text = "Tries what the other commands need: looks at a child process through each source of\n"
            "registers, starts a nats-server, reads the limits.  What is limited costs something "
            "and is\nsaid; what is missing keeps 'run' from working, and the exit status is 3.\n",
    .options = options_of_doctor,
    .run = run,
};
