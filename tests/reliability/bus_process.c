/* SPDX-License-Identifier: Apache-2.0 */
#include "bus_process.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/macros.h"

#define OPEN_NS  (30 * SL_NS_PER_S)
#define CLOSE_NS (20 * SL_NS_PER_S)

const char *const bus_process_topics[BUS_PROCESS_TOPICS] = {"orders", "stock"};

struct body {
    uint32_t key, number;
    char filler[192];
};

struct process {
    const struct bus_process_plan *plan;
    struct tally *tally;
    struct bus *bus;
};

_Noreturn static void give_up(struct process *process, const char *what, const struct sl_error *err)
{
    (void) snprintf(process->tally->failure, sizeof process->tally->failure, "%s: %s", what,
                    err->text);
    _exit(1);
}

static void on_publish(void *user, uint64_t token, enum sl_publish_outcome outcome)
{
    struct process *process = user;
    tally_answer(process->tally, (uint32_t) (token >> 32), (uint32_t) token, outcome);
}

/* Every so many-th message fails the first time, so that keys are held while servers die. */
#define FAIL_EVERY 97u

static enum sl_status handle(void *user, const struct sl_message *message)
{
    const struct process *process = user;
    struct body body;

    if (message->payload_size != sizeof body) {
        atomic_fetch_add(&process->tally->foreign, 1);
        return SL_OK;
    }
    memcpy(&body, message->payload, sizeof body);
    if (body.number % FAIL_EVERY == 0 && message->deliveries < 2)
        return SL_EBUSY;
    tally_enter(process->tally, body.key, body.number);
    sl_clock_sleep_ns(process->plan->handler_ns);
    tally_leave(process->tally, body.key, body.number);
    return SL_OK;
}

static void open_bus(struct process *process, unsigned roles)
{
    struct sl_error err = {0};
    uint64_t until_ns = sl_clock_now_ns() + OPEN_NS;
    const struct bus_config config = {
        .size = sizeof config,
        .mode = process->plan->mode,
        .transport = "nats",
        .servers = process->plan->servers,
        .storage = BUS_STORAGE_FILE,
        .prefix = BUS_PROCESS_PREFIX,
        .topics = bus_process_topics,
        .n_topics = BUS_PROCESS_TOPICS,
        .workers = 8,
        .ack_wait_ns = process->plan->ack_wait_ns,
        .on_publish = on_publish,
        .user = process,
        .replicas = process->plan->replicas,
    };

    /* On a machine that is busy a connection may time out; a service would be started again. */
    while (bus_open(&config, &process->bus, &err)) {
        if (err.status != SL_ECONNECT || sl_clock_now_ns() >= until_ns)
            give_up(process, "open", &err);
        err = (struct sl_error){0};
        sl_clock_sleep_ns(100 * SL_NS_PER_MS);
    }
    for (size_t i = 0; i < BUS_PROCESS_TOPICS && roles & BUS_CONSUMES; i++)
        if (bus_subscribe(process->bus, bus_process_topics[i], handle, process, &err))
            give_up(process, "subscribe", &err);
    atomic_fetch_add(&process->tally->ready, 1);
}

static void publish_next(struct process *process, uint32_t key)
{
    uint32_t number = tally_try(process->tally, key);
    struct body body = {.key = key, .number = number};
    struct sl_error err = {0};
    char name[16];

    if (!number)
        return;
    (void) snprintf(name, sizeof name, "key-%u", key);
    const struct sl_message message = {
        .topic = bus_process_topics[key % BUS_PROCESS_TOPICS],
        .key = name,
        .payload = &body,
        .payload_size = sizeof body,
    };
    if (!bus_publish(process->bus, &message, (uint64_t) key << 32 | number, &err))
        return;
    tally_answer(process->tally, key, number, SL_PUBLISH_REJECTED);
    if (atomic_fetch_add(&process->tally->publish_failures, 1) == 0)
        (void) snprintf(process->tally->failure, sizeof process->tally->failure, "publish: %s",
                        err.text);
}

static void publish_until_stopped(struct process *process)
{
    uint32_t key = 0;

    while (!atomic_load(&process->tally->stop_publishing)) {
        for (unsigned i = 0; i < BUS_PROCESS_BURST; i++, key = (key + 1) % TALLY_KEYS)
            publish_next(process, key);
        sl_clock_sleep_ns(SL_NS_PER_MS);
    }
}

_Noreturn static void run(const struct bus_process_plan *plan, unsigned roles)
{
    struct process process = {.plan = plan, .tally = plan->tally};
    struct sl_error err = {0};

    if (roles & BUS_CONSUMES)
        tally_begin_consumer(plan->tally);
    open_bus(&process, roles);
    if (roles & BUS_PUBLISHES)
        publish_until_stopped(&process);
    while (roles & BUS_CONSUMES && !atomic_load(&plan->tally->stop_consuming))
        sl_clock_sleep_ns(5 * SL_NS_PER_MS);
    if (bus_close(process.bus, CLOSE_NS, NULL, &err))
        give_up(&process, "close", &err);
    bus_free(process.bus);
    if (bus_teardown(&err))
        give_up(&process, "teardown", &err);
    _exit(0);
}

pid_t bus_process_start(const struct bus_process_plan *plan, unsigned roles)
{
    pid_t parent = getpid();
    pid_t pid = fork();

    if (pid)
        return pid;
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
        _exit(1);
    run(plan, roles);
}

bool bus_process_wait(pid_t pid, uint64_t timeout_ns)
{
    uint64_t deadline_ns = sl_clock_now_ns() + timeout_ns;
    int status;

    while (waitpid(pid, &status, WNOHANG) == 0) {
        if (sl_clock_now_ns() >= deadline_ns) {
            bus_process_kill(pid);
            return false;
        }
        sl_clock_sleep_ns(2 * SL_NS_PER_MS);
    }
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

void bus_process_kill(pid_t pid)
{
    (void) kill(pid, SIGKILL);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
}
