/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Close at awkward moments, over a real server.
 *
 * Each shot is a process of its own that opens a bus, does something awkward and closes.  It
 * checks that Close came back, that every publish that was accepted for sending had exactly
 * one outcome by then, and that no thread is left once the library is shut down.
 */
#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/macros.h"
#include "bus_process.h"
#include "harness/server/server.h"
#include "scenario.h"
#include "server_harm.h"
#include "until.h"

#define DEADLINE_NS (10 * SL_NS_PER_S)
#define SHORT_NS    SL_NS_PER_S
#define PATIENCE_NS (60 * SL_NS_PER_S)
#define N_THREADS   3u

static const char *const topics[] = {"closing"};

struct shot {
    struct outcome *outcome; /* shared with the process that waits */
    struct sl_server *server;
    struct bus *bus;
    sl_message_handler handler; /* NULL: nobody subscribes */
    atomic_uint published, told, handled;
    atomic_bool refused; /* a Close from inside was */
    bool from_callback;  /* the callback closes */
    bool threads_stay;   /* on purpose */
    unsigned n_threads;  /* before the bus */
};

static enum sl_status count_message(void *user, const struct sl_message *message)
{
    struct shot *shot = user;
    (void) message;
    atomic_fetch_add(&shot->handled, 1);
    return SL_OK;
}

/* Close from a thread of the bus: it can not wait for itself, and has to say so. */
static void close_inside(struct shot *shot)
{
    if (bus_close(shot->bus, DEADLINE_NS, NULL, NULL) != SL_EDEADLK)
        outcome_fail(shot->outcome, "a close from inside was not refused");
    atomic_store(&shot->refused, true);
}

static enum sl_status close_in_handler(void *user, const struct sl_message *message)
{
    close_inside(user);
    return count_message(user, message);
}

static enum sl_status never_return(void *user, const struct sl_message *message)
{
    (void) count_message(user, message);
    while (pause() < 0)
        ;
    return SL_OK;
}

static void on_publish(void *user, uint64_t token, enum sl_publish_outcome outcome)
{
    struct shot *shot = user;
    (void) token;
    (void) outcome;
    if (shot->from_callback && !atomic_load(&shot->refused))
        close_inside(shot);
    atomic_fetch_add(&shot->told, 1);
}

static void open_bus(struct shot *shot)
{
    struct sl_error err = {0};
    const struct bus_config config = {
        .size = sizeof config,
        .mode = BUS_UNIFIED,
        .transport = "nats",
        .servers = sl_server_url(shot->server),
        .prefix = "closing_",
        .topics = topics,
        .n_topics = SL_COUNT_OF(topics),
        .workers = 4,
        .max_pending = 256,
        .on_publish = on_publish,
        .user = shot,
    };

    if (bus_open(&config, &shot->bus, &err) ||
        (shot->handler && bus_subscribe(shot->bus, topics[0], shot->handler, shot, &err))) {
        outcome_fail(shot->outcome, "cannot open a bus: %s", err.text);
        _exit(1);
    }
}

static enum sl_status publish(struct shot *shot, unsigned number)
{
    char key[16];

    (void) snprintf(key, sizeof key, "key-%u", number % 16);
    const struct sl_message message = {
        .topic = topics[0], .key = key, .payload = key, .payload_size = sizeof key};
    enum sl_status status = bus_publish(shot->bus, &message, number, NULL);
    if (!status)
        atomic_fetch_add(&shot->published, 1);
    return status;
}

static void publish_some(struct shot *shot, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        if (publish(shot, i))
            outcome_fail(shot->outcome, "publish failed");
}

static void *publish_until_closed(void *argument)
{
    struct shot *shot = argument;
    enum sl_status status = SL_OK;

    for (unsigned i = 0; !status; i++)
        status = publish(shot, i);
    if (status != SL_ECLOSED)
        outcome_fail(shot->outcome, "publish failed with '%s' while closing",
                     sl_status_text(status));
    return NULL;
}

static void await(struct shot *shot, atomic_uint *counter, unsigned number)
{
    if (!sl_test_until(atomic_load(counter) >= number, PATIENCE_NS))
        outcome_fail(shot->outcome, "%u of %u after a minute", atomic_load(counter), number);
}

static void close_bus(struct shot *shot, uint64_t deadline_ns, enum sl_status expected)
{
    struct sl_driver_close_report report = {.size = sizeof report};

    enum sl_status status = bus_close(shot->bus, deadline_ns, &report, NULL);
    if (status != expected)
        outcome_fail(shot->outcome, "close: %s: %s", sl_status_text(status), report.detail);
}

static void *close_in_thread(void *argument)
{
    close_bus(argument, DEADLINE_NS, SL_OK);
    return NULL;
}

static void start_threads(struct shot *shot, pthread_t *threads, void *(*run)(void *) )
{
    for (size_t i = 0; i < N_THREADS; i++)
        if (pthread_create(&threads[i], NULL, run, shot)) {
            outcome_fail(shot->outcome, "no thread");
            _exit(1);
        }
}

static void join_threads(const pthread_t *threads)
{
    for (size_t i = 0; i < N_THREADS; i++)
        (void) pthread_join(threads[i], NULL);
}

static void shoot_twice_at_once(struct shot *shot)
{
    pthread_t closers[N_THREADS];

    shot->handler = count_message;
    open_bus(shot);
    publish_some(shot, 200);
    start_threads(shot, closers, close_in_thread);
    join_threads(closers);
}

static void shoot_from_a_handler(struct shot *shot)
{
    shot->handler = close_in_handler;
    open_bus(shot);
    publish_some(shot, 50);
    await(shot, &shot->handled, 50);
    close_bus(shot, DEADLINE_NS, SL_OK);
    if (!atomic_load(&shot->refused))
        outcome_fail(shot->outcome, "the handler did not close");
}

static void shoot_from_a_callback(struct shot *shot)
{
    shot->from_callback = true;
    open_bus(shot);
    publish_some(shot, 50);
    await(shot, &shot->told, 50);
    close_bus(shot, DEADLINE_NS, SL_OK);
    if (!atomic_load(&shot->refused))
        outcome_fail(shot->outcome, "the callback did not close");
}

static void shoot_while_publishing(struct shot *shot)
{
    pthread_t publishers[N_THREADS];

    shot->handler = count_message;
    open_bus(shot);
    start_threads(shot, publishers, publish_until_closed);
    await(shot, &shot->handled, 500);
    close_bus(shot, DEADLINE_NS, SL_OK);
    join_threads(publishers);
}

/* The publishers are stuck in a full window by the time of the close, or soon after. */
static void shoot_without_server(struct shot *shot, void (*harm)(struct sl_server *, unsigned))
{
    pthread_t publishers[N_THREADS];

    shot->handler = count_message;
    open_bus(shot);
    start_threads(shot, publishers, publish_until_closed);
    await(shot, &shot->handled, 500);
    harm(shot->server, 0);
    await(shot, &shot->published, atomic_load(&shot->told) + 100);
    close_bus(shot, SHORT_NS, SL_OK);
    join_threads(publishers);
}

static void shoot_while_reconnecting(struct shot *shot)
{
    shoot_without_server(shot, server_harm_kill);
}

static void shoot_while_the_server_is_stopped(struct shot *shot)
{
    shoot_without_server(shot, server_harm_pause);
}

static void shoot_with_a_handler_that_never_returns(struct shot *shot)
{
    shot->handler = never_return;
    shot->threads_stay = true;
    open_bus(shot);
    publish_some(shot, 50);
    await(shot, &shot->handled, 1);
    await(shot, &shot->told, 50);
    close_bus(shot, SHORT_NS, SL_ETIMEDOUT);
}

static void shoot_before_the_first_message(struct shot *shot)
{
    shot->handler = count_message;
    open_bus(shot);
    close_bus(shot, DEADLINE_NS, SL_OK);
}

static unsigned count_threads(void)
{
    unsigned n = 0;
    DIR *tasks = opendir("/proc/self/task");

    for (const struct dirent *entry; tasks && (entry = readdir(tasks));)
        n += entry->d_name[0] != '.';
    if (tasks)
        (void) closedir(tasks);
    return n;
}

/* Threads of the client library are detached: they end soon after the call that ends them. */
static void check_end(struct shot *shot)
{
    struct sl_error err = {0};
    unsigned published = atomic_load(&shot->published), told = atomic_load(&shot->told);

    if (published != told)
        outcome_fail(shot->outcome, "%u publishes, %u outcomes", published, told);
    bus_free(shot->bus);
    if (bus_teardown(&err))
        outcome_fail(shot->outcome, "teardown: %s", err.text);
    if (!shot->threads_stay && !sl_test_until(count_threads() <= shot->n_threads, PATIENCE_NS / 6))
        outcome_fail(shot->outcome, "%u threads are left, %u were there before", count_threads(),
                     shot->n_threads);
}

_Noreturn static void
run_shot(struct outcome *outcome, struct sl_server *server, void (*shoot)(struct shot *))
{
    struct shot shot = {.outcome = outcome, .server = server};

    shot.n_threads = count_threads();
    shoot(&shot);
    check_end(&shot);
    _exit(outcome->failed);
}

/* One process, on a server of its own. */
static void fire(struct outcome *outcome, void (*shoot)(struct shot *))
{
    struct sl_error err = {0};
    SL_AUTO(sl_server) struct sl_server *server = NULL;

    enum sl_status status = sl_server_start(NULL, &server, &err);
    if (status) {
        outcome->skipped = status == SL_ENOENT;
        outcome_fail(outcome, "%s", err.text);
        return;
    }
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid == 0) {
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
            _exit(1);
        run_shot(outcome, server, shoot);
    }
    if (pid < 0 || !bus_process_wait(pid, 2 * PATIENCE_NS))
        outcome_fail(outcome, "the process crashed, or Close did not return");
}

static void play_shots(unsigned count, struct outcome *ret_outcome, void (*shoot)(struct shot *))
{
    struct outcome *outcome =
        mmap(NULL, sizeof *outcome, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    unsigned n = 0;

    if (outcome == MAP_FAILED) {
        outcome_fail(ret_outcome, "no shared memory");
        return;
    }
    for (; n < count && !outcome->failed; n++)
        fire(outcome, shoot);
    *ret_outcome = *outcome;
    (void) snprintf(ret_outcome->figures, sizeof ret_outcome->figures, "times=%u", n);
    (void) munmap(outcome, sizeof *outcome);
}

#define SHOTS(name)                                                                                \
    static void play_##name(unsigned count, struct outcome *ret_outcome)                           \
    {                                                                                              \
        play_shots(count, ret_outcome, shoot_##name);                                              \
    }
SHOTS(twice_at_once)
SHOTS(from_a_handler)
SHOTS(from_a_callback)
SHOTS(while_publishing)
SHOTS(while_reconnecting)
SHOTS(while_the_server_is_stopped)
SHOTS(with_a_handler_that_never_returns)
SHOTS(before_the_first_message)

const struct scenario closing_scenarios[] = {
    {"close-twice", "Close by three threads at once", play_twice_at_once, 5, 50},
    {"close-in-handler", "Close from a handler is refused", play_from_a_handler, 5, 50},
    {"close-in-callback", "Close from a publish callback is refused", play_from_a_callback, 5, 50},
    {"close-publishing", "Close while three threads publish", play_while_publishing, 5, 50},
    {"close-reconnecting", "Close after the server was killed", play_while_reconnecting, 3, 20},
    {"close-stopped", "Close after SIGSTOP of the server", play_while_the_server_is_stopped, 2, 10},
    {"close-hung", "Close with a handler that never returns",
     play_with_a_handler_that_never_returns, 3, 20},
    {"close-first", "Close before the first message", play_before_the_first_message, 5, 50},
    {.name = NULL},
};
