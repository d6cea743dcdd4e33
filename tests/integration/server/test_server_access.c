/* SPDX-License-Identifier: Apache-2.0 */
/* Servers that let nobody in without credentials: how these get to the bus, and where they are not
 * seen. */
#include "sl_test.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/macros.h"
#include "harness/server/server.h"
#include "strandline.h"
#include "until.h"

#define SECRET   "pa@s:s/w\"o\\r%d"
#define ENCODED  "pa%40s%3As%2fw%22o%5cr%25d"
#define TOKEN    "t0ken-that-nobody-sees"
#define LIMIT_NS (60 * SL_NS_PER_S)

static const char scenario[] = "{\"load\": {\"events\": 50, \"topics\": 4, \"aggregates\": 8},\n"
                               " \"limits\": {\"timeout\": \"20s\", \"settle\": \"500ms\"},\n"
                               " \"modes\": {\"direct\": {}}, \"play\": [\"direct\"]}\n";

static const char slow_scenario[] =
    "{\"load\": {\"events\": 4000, \"rate\": 100, \"topics\": 1, \"aggregates\": 5},\n"
    " \"limits\": {\"timeout\": \"60s\", \"settle\": \"500ms\"},\n"
    " \"modes\": {\"direct\": {}}, \"play\": [\"direct\"]}\n";

static const char password_config[] =
    "authorization { user: \"u\", password: \"pa@s:s/w\\\"o\\\\r%d\" }\n";

static pid_t server;
static unsigned port;

static void enter(void)
{
    strandline_enter();
    (void) strandline_file("few.json", scenario);
}

static void leave(void)
{
    if (server > 0)
        (void) kill(server, SIGKILL);
    strandline_leave();
}

#define ACCESS_TEST(name) SL_TEST(server_access, name, .init = enter, .fini = leave)

static const char *need(const char *program, const char *elsewhere)
{
    char command[128];
    (void) snprintf(command, sizeof command, "command -v %s >/dev/null", program);
    if (system(command) == 0)
        return program;
    if (access(elsewhere, X_OK) == 0)
        return elsewhere;
    strandline_leave(); /* a test that is skipped has no .fini */
    cr_skip_test("%s is not installed", program);
    return NULL;
}

static unsigned free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;

    SL_AUTO_FD int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_eq(bind(fd, (const struct sockaddr *) &address, size), 0);
    cr_assert_eq(getsockname(fd, (struct sockaddr *) &address, &size), 0);
    return ntohs(address.sin_port);
}

/* "USER@127.0.0.1:PORT", valid until the next call. */
static const char *url(const char *scheme, const char *user)
{
    static char text[160];
    (void) snprintf(text, sizeof text, "%s%s127.0.0.1:%u", scheme, user, port);
    return text;
}

static void start_server(const char *config)
{
    char text[8192], version[32];
    const char *program = need("nats-server", "/usr/sbin/nats-server");

    port = free_port();
    (void) snprintf(text, sizeof text, "listen: 127.0.0.1:%u\njetstream { store_dir: store }\n%s",
                    port, config);
    (void) strandline_file("server.conf", text);
    const char *const argv[] = {program, "-c", "server.conf", NULL};
    const struct command command = {.argv = argv, .directory = strandline_directory()};
    server = command_start(&command);
    cr_assert(sl_test_until(
        sl_server_probe(url("", ""), SL_NS_PER_S, version, sizeof version, NULL) == SL_OK,
        LIMIT_NS));
}

static bool has_secret(const char *text)
{
    return strstr(text, "s/w") || strstr(text, ENCODED) || strstr(text, TOKEN);
}

static void expect_hidden(const struct command_result *result)
{
    cr_assert_not(has_secret(result->output), "%s", result->output);
    cr_assert_not(has_secret(result->errors), "%s", result->errors);
    char path[512], *text = NULL;
    size_t size = 0;
    (void) snprintf(path, sizeof path, "%s/report.json", strandline_directory());
    FILE *file = fopen(path, "r");
    cr_assert(file, "%s", result->errors);
    cr_assert_gt(getdelim(&text, &size, '\0', file), 0);
    (void) fclose(file);
    cr_assert_not(has_secret(text), "%s", text);
    free(text);
}

static void expect(const struct command_result *result, int status)
{
    cr_assert_eq(result->status, status, "%d: %s%s", result->status, result->output,
                 result->errors);
    expect_hidden(result);
}

ACCESS_TEST(the_password_of_a_url_is_seen_nowhere_and_warned_about)
{
    start_server(password_config);
    struct command_result right =
        strandline_run("run", "few.json", "--server", url("nats://", "u:" SECRET "@"), NULL);
    expect(&right, 0);
    cr_assert(strstr(right.errors, "warning: a password"), "%s", right.errors);
    json_t *report = strandline_json("report.json");
    cr_assert_str_eq(json_text_at(report, "run.argv.4"), url("nats://", "***@"));
    json_decref(report);

    struct command_result encoded =
        strandline_run("run", "few.json", "--server", url("", "u:" ENCODED "@"), NULL);
    expect(&encoded, 0);
    struct command_result wrong =
        strandline_run("run", "few.json", "--server", url("", "u:wrong" ENCODED "@"), NULL);
    expect(&wrong, 3);
    cr_assert(strstr(wrong.output, "Authorization Violation"), "%s", wrong.output);
    struct command_result misplaced = strandline_run("run", url("nats://", "u:" SECRET "@"), NULL);
    cr_assert_eq(misplaced.status, 2);
    cr_assert_not(has_secret(misplaced.errors), "%s", misplaced.errors);
}

ACCESS_TEST(the_environment_lets_in)
{
    start_server(password_config);
    struct command_result none = strandline_run("run", "few.json", "--server", url("", ""), NULL);
    expect(&none, 3);
    (void) setenv("NATS_USER", "u", 1);
    (void) setenv("NATS_PASSWORD", SECRET, 1);
    struct command_result right = strandline_run("run", "few.json", "-s", url("", ""), NULL);
    expect(&right, 0);
    cr_assert_not(strstr(right.errors, "warning"), "%s", right.errors);
    struct command_result private = strandline_run("run", "few.json", NULL);
    expect(&private, 0);
}

ACCESS_TEST(a_token_lets_in)
{
    start_server("authorization { token: \"" TOKEN "\" }\n");
    struct command_result by_url =
        strandline_run("run", "few.json", "--server", url("", TOKEN "@"), NULL);
    expect(&by_url, 0);
    (void) setenv("NATS_TOKEN", TOKEN, 1);
    struct command_result by_variable =
        strandline_run("run", "few.json", "--server", url("nats://", ""), NULL);
    expect(&by_variable, 0);
}

static void make_certificates(void)
{
    static const char script[] =
        "exec >/dev/null 2>&1\n"
        "openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 2 -subj "
        "/CN=ca\n"
        "echo subjectAltName=IP:127.0.0.1 >ext\n"
        "for n in server client; do\n"
        "  openssl req -newkey rsa:2048 -nodes -keyout $n.key -out $n.csr -subj /CN=$n &&\n"
        "  openssl x509 -req -in $n.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out $n.pem"
        " -days 2 -extfile ext || exit 1\n"
        "done\n";
    const char *const argv[] = {"sh", "-c", script, NULL};
    const struct command command = {.argv = argv, .directory = strandline_directory()};

    (void) need("openssl", "/usr/bin/openssl");
    cr_assert_eq(command_run(&command).status, 0);
}

ACCESS_TEST(certificates_let_in)
{
    make_certificates();
    start_server("tls { cert_file: server.pem, key_file: server.key, ca_file: ca.pem, "
                 "verify: true }\n");
    struct command_result right =
        strandline_run("run", "few.json", "--server", url("tls://", ""), "--tlsca", "ca.pem",
                       "--tlscert", "client.pem", "--tlskey", "client.key", NULL);
    expect(&right, 0);
    struct command_result untrusted =
        strandline_run("run", "few.json", "--server", url("", ""), "--tlscert", "client.pem",
                       "--tlskey", "client.key", NULL);
    expect(&untrusted, 3);
    cr_assert(strstr(untrusted.output, "certificate"), "%s", untrusted.output);
    struct command_result unknown =
        strandline_run("run", "few.json", "--server", url("", ""), "--tlsca", "ca.pem", NULL);
    expect(&unknown, 3);
}

ACCESS_TEST(what_does_not_go_together_is_refused)
{
    struct command_result result = strandline_run("run", "few.json", "--creds", "few.json", NULL);
    cr_assert_eq(result.status, 2);
    cr_assert(strstr(result.errors, "--creds is of a server that --server names"), "%s",
              result.errors);
    result = strandline_run("run", "few.json", "-s", "h", "--tlscert", "few.json", NULL);
    cr_assert_eq(result.status, 2);
    cr_assert(strstr(result.errors, "--tlscert and --tlskey need one another"), "%s",
              result.errors);
    result = strandline_run("agent", "-s", "h", "--creds", "none.creds", NULL);
    cr_assert_eq(result.status, 2);
    cr_assert(strstr(result.errors, "cannot read 'none.creds'"), "%s", result.errors);
    result = strandline_run("run", "few.json", "-s", "nats://u:" SECRET "@h:x", NULL);
    cr_assert_eq(result.status, 2);
    cr_assert_not(has_secret(result.errors), "%s", result.errors);
}

static bool read_file(const char *pid, const char *name, char *ret_text, size_t size)
{
    char path[300];
    (void) snprintf(path, sizeof path, "/proc/%s/%s", pid, name);
    FILE *file = fopen(path, "r");
    if (!file)
        return false;
    size_t n = fread(ret_text, 1, size - 1, file);
    (void) fclose(file);
    for (size_t i = 0; i < n; i++)
        if (!ret_text[i])
            ret_text[i] = ' ';
    ret_text[n] = '\0';
    return n > 0;
}

/* Look at the arguments of every process.  @return how many show a secret */
static unsigned look_at_arguments(bool *ret_subject)
{
    DIR *processes = opendir("/proc");
    unsigned n = 0;

    *ret_subject = false;
    cr_assert(processes);
    for (const struct dirent *entry; (entry = readdir(processes));) {
        char text[4096];
        if (*entry->d_name < '1' || *entry->d_name > '9' ||
            !read_file(entry->d_name, "cmdline", text, sizeof text))
            continue;
        *ret_subject |= strstr(text, "strandline: guarded/direct") != NULL;
        n += has_secret(text);
    }
    (void) closedir(processes);
    return n;
}

ACCESS_TEST(no_process_has_the_password_among_its_arguments)
{
    bool subject = false;

    start_server(password_config);
    (void) strandline_file("guarded.json", slow_scenario);
    const char *const argv[] = {strandline_program(),
                                "run",
                                "guarded.json",
                                "--server",
                                url("nats://", "u:" SECRET "@"),
                                NULL};
    const struct command command = {.argv = argv, .directory = strandline_directory()};
    pid_t observer = command_start(&command);
    cr_assert(sl_test_until((look_at_arguments(&subject), subject), LIMIT_NS));
    cr_assert_eq(look_at_arguments(&subject), 0);
    (void) kill(observer, SIGINT);
    (void) command_wait(observer, 60);
}

ACCESS_TEST(what_a_driver_tells_has_no_password)
{
    start_server(password_config);
    struct command_result result =
        strandline_run("run", "few.json", "--driver", SL_SUBJECTS_DIR "/drivers/declares.so",
                       "--transport", "memory", "--driver-arg", "what=tell", "--driver-arg",
                       "password=" SECRET, "--server", url("nats://", "u:" SECRET "@"), NULL);
    expect(&result, 3);
    cr_assert(strstr(result.errors, "declares: servers: nats://***@127.0.0.1"), "%s",
              result.errors);
    cr_assert(strstr(result.output, "cannot reach 'nats://***@127.0.0.1"), "%s", result.output);
    json_t *report = strandline_json("report.json");
    cr_assert_str_eq(json_text_at(report, "run.argv.10"), "password=***");
    json_decref(report);
}

/* What a listener says to somebody who connects without a password. */
static void greet(unsigned of_port, char *ret_text, size_t size)
{
    static const char hello[] = "CONNECT {\"verbose\":true}\r\nPING\r\n";
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                  .sin_port = htons((uint16_t) of_port)};
    size_t used = 0;

    SL_AUTO_FD int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_eq(connect(fd, (const struct sockaddr *) &address, sizeof address), 0);
    cr_assert_eq(send(fd, hello, strlen(hello), MSG_NOSIGNAL), (ssize_t) strlen(hello));
    for (ssize_t n; used + 1 < size && (n = recv(fd, ret_text + used, size - 1 - used, 0)) > 0;)
        used += (size_t) n;
    ret_text[used] = '\0';
}

ACCESS_TEST(a_private_server_lets_nobody_in_without_its_password)
{
    const struct sl_server_opts opts = {.nodes = 3};
    struct sl_error err = {0};
    SL_AUTO(sl_server) struct sl_server *private = NULL;
    unsigned n_ports = 0;

    (void) need("nats-server", "/usr/sbin/nats-server");
    cr_assert_eq(setenv("TMPDIR", strandline_directory(), 1), 0);
    sl_assert_ok(sl_server_start(&opts, &private, &err), &err);
    for (unsigned i = 1; i <= 3; i++) {
        char path[512], line[512], answer[8192];
        struct stat status;
        (void) snprintf(path, sizeof path, "%s/n%u/server.conf", sl_server_directory(private), i);
        cr_assert_eq(stat(path, &status), 0);
        cr_assert_eq(status.st_mode & 0777, 0600);
        FILE *file = fopen(path, "r");
        cr_assert(file);
        while (fgets(line, sizeof line, file)) {
            unsigned at;
            if (sscanf(line, " listen: \"127.0.0.1:%u\"", &at) != 1) {
                cr_assert_not(strstr(line, "http"), "%s", line);
                continue;
            }
            greet(at, answer, sizeof answer);
            cr_assert(strstr(answer, "Authorization Violation"), "port %u: %s", at, answer);
            n_ports++;
        }
        (void) fclose(file);
    }
    cr_assert_eq(n_ports, 6);
}

/* The block of docs/agents.md that begins with "authorization", with passwords. */
static void read_permissions(char *ret_text, size_t size)
{
    char line[512];
    size_t used = 0;
    unsigned n_passwords = 0;

    FILE *file = fopen(SL_TEST_SOURCE_ROOT "/docs/agents.md", "r");
    cr_assert(file);
    while (fgets(line, sizeof line, file)) {
        if (strncmp(line, "    ", 4) != 0 || (!used && !strstr(line, "authorization")))
            continue;
        char *dots = strstr(line, "\"...\"");
        if (dots)
            memcpy(dots, n_passwords++ ? "\"ooo\"" : "\"aaa\"", 5);
        used += (size_t) snprintf(ret_text + used, size - used, "%s", line);
        cr_assert_lt(used, size);
    }
    (void) fclose(file);
    cr_assert_eq(n_passwords, 2);
}

ACCESS_TEST(agents_play_with_the_permissions_of_the_manual)
{
    char permissions[4096];
    pid_t agents[2];

    read_permissions(permissions, sizeof permissions);
    start_server(permissions);
    (void) setenv("NATS_USER", "agent", 1);
    (void) setenv("NATS_PASSWORD", "aaa", 1);
    for (size_t i = 0; i < 2; i++) {
        const char *const argv[] = {
            strandline_program(),   "agent", "--server", url("", ""), "--role",
            i ? "load" : "consume", NULL};
        const struct command command = {.argv = argv, .directory = strandline_directory()};
        agents[i] = command_start(&command);
    }
    (void) setenv("NATS_USER", "observer", 1);
    (void) setenv("NATS_PASSWORD", "ooo", 1);
    struct command_result result = strandline_run("run", "few.json", "--server", url("", ""),
                                                  "--agents", "load=1,consume=1", NULL);
    expect(&result, 0);
    for (size_t i = 0; i < 2; i++) {
        (void) kill(agents[i], SIGINT);
        cr_assert_eq(command_wait(agents[i], 60), 0);
    }
}
