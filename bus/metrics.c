/* SPDX-License-Identifier: Apache-2.0 */
/* Metrics: gathered from counters that are there anyway, and their text form. */
#include <strandline/bus_metrics.h>

#include <inttypes.h>
#include <string.h>

#include "base/macros.h"
#include "bus/engine/internal.h"

/* Messages of all topics that the broker has left. */
static uint64_t count_behind(const struct bus *bus)
{
    uint64_t n = 0;
    for (size_t i = 0; i < bus->n_topics; i++)
        n += read_counter(&bus->topics[i].n_behind);
    return n;
}

static uint64_t less(uint64_t number, uint64_t part)
{
    return number - SL_MIN(number, part);
}

/*
 * What comes later in the life of a message is read first, so that no message is
 * counted at its end and not at its beginning.
 */
void bus_metrics_take(const struct bus *bus, struct bus_metrics *ret_metrics)
{
    if (!bus || !ret_metrics)
        return;
    const struct counters *counters = &bus->counters;
    const struct publish_counters *publishing = &bus->publishing;
    struct bus_metrics metrics = {
        .size = ret_metrics->size,
        .reconnects = read_counter(&bus->transport->reconnects),
        .threads = ledger_count(&bus->ledger),
        .behind = count_behind(bus),
        .connected = atomic_load(&bus->transport->connected),
        .state = (enum bus_state) atomic_load(&bus->state),
    };

    metrics.accepted = read_counter(&publishing->outcomes[SL_PUBLISH_ACCEPTED]);
    metrics.rejected = read_counter(&publishing->outcomes[SL_PUBLISH_REJECTED]);
    metrics.unknown = read_counter(&publishing->outcomes[SL_PUBLISH_UNKNOWN]);
    metrics.publish_errors = read_counter(&publishing->errors);
    atomic_thread_fence(memory_order_acquire);
    metrics.published = read_counter(&publishing->published);
    metrics.publishes_pending = less(metrics.published, metrics.publish_errors + metrics.accepted +
                                                            metrics.rejected + metrics.unknown);

    metrics.results_waits = read_counter(&publishing->results_waits);
    metrics.results_dropped = read_counter(&publishing->results_dropped);

    metrics.given_up = read_counter(&counters->given_up);
    metrics.acked = read_counter(&counters->acked);
    metrics.given_back = read_counter(&counters->given_back);
    metrics.handler_errors = read_counter(&counters->handler_errors);
    metrics.redelivered = read_counter(&counters->redelivered);
    metrics.queue_full = read_counter(&counters->queue_full);
    metrics.delivered = read_counter(&counters->delivered);
    atomic_thread_fence(memory_order_acquire);
    metrics.fetched = read_counter(&counters->fetched);
    metrics.held = less(metrics.fetched, metrics.acked + metrics.given_back + metrics.given_up);
    memcpy(ret_metrics, &metrics, SL_MIN(metrics.size, sizeof metrics));
}

/* A metric family; the unit is the end of the name, as the format wants it. */
struct family {
    const char *name, *unit, *help;
    size_t offset; /* of its uint64_t in struct bus_metrics */
};

#define FAMILY(name, unit, field, help)                                                            \
    {                                                                                              \
        name "_" unit, unit, help, offsetof(struct bus_metrics, field)                             \
    }

static const struct family counter_families[] = {
    FAMILY("strandline_bus_published", "messages", published, "Messages handed to the transport."),
    FAMILY("strandline_bus_publish", "errors", publish_errors,
           "Publishes that failed at once, so that no outcome follows."),
    FAMILY("strandline_bus_accepted", "messages", accepted,
           "Published messages that the broker stored."),
    FAMILY("strandline_bus_rejected", "messages", rejected,
           "Published messages that the broker refused."),
    FAMILY("strandline_bus_unknown", "messages", unknown,
           "Published messages about which the broker gave no answer."),
    FAMILY("strandline_bus_results", "waits", results_waits,
           "Times a full result queue held an outcome up."),
    FAMILY("strandline_bus_dropped", "results", results_dropped,
           "Outcomes that were not kept because nobody took any."),
    FAMILY("strandline_bus_fetched", "messages", fetched, "Messages taken from the broker."),
    FAMILY("strandline_bus_delivered", "messages", delivered, "Calls of handlers."),
    FAMILY("strandline_bus_redelivered", "messages", redelivered,
           "Calls of handlers that were not the first for their message."),
    FAMILY("strandline_bus_handler", "errors", handler_errors, "Calls of handlers that failed."),
    FAMILY("strandline_bus_acked", "messages", acked, "Messages acknowledged to the broker."),
    FAMILY("strandline_bus_given_back", "messages", given_back,
           "Messages given back to the broker for redelivery."),
    FAMILY("strandline_bus_given_up", "messages", given_up,
           "Messages given up after the last try."),
    FAMILY("strandline_bus_queue_full", "pauses", queue_full, "Times a full queue paused a topic."),
    FAMILY("strandline_bus", "reconnects", reconnects,
           "Times a lost connection to the broker was made again."),
};

static const struct family gauge_families[] = {
    FAMILY("strandline_bus_pending", "publishes", publishes_pending,
           "Published messages without an outcome yet."),
    FAMILY("strandline_bus_behind", "messages", behind,
           "Messages that the broker has left for this bus, as it last said."),
    FAMILY("strandline_bus_held", "messages", held,
           "Messages fetched and neither acknowledged nor given back."),
    FAMILY("strandline_bus", "threads", threads, "Threads made and not joined."),
};

static void print_family(const struct family *family, const char *type, const char *suffix,
                         const struct bus_metrics *metrics, FILE *out)
{
    uint64_t value;
    memcpy(&value, (const char *) metrics + family->offset, sizeof value);
    (void) fprintf(out, "# TYPE %s %s\n# UNIT %s %s\n# HELP %s %s\n", family->name, type,
                   family->name, family->unit, family->name, family->help);
    (void) fprintf(out, "%s%s %" PRIu64 "\n", family->name, suffix, value);
}

static void print_state(enum bus_state state, FILE *out)
{
    static const char *const names[] = {
        [BUS_RUNNING] = "running", [BUS_CLOSING] = "closing", [BUS_CLOSED] = "closed"};

    (void) fputs("# TYPE strandline_bus_state stateset\n"
                 "# HELP strandline_bus_state What the bus does.\n",
                 out);
    for (size_t i = 0; i < SL_COUNT_OF(names); i++)
        (void) fprintf(out, "strandline_bus_state{strandline_bus_state=\"%s\"} %d\n", names[i],
                       state == (enum bus_state) i);
}

void bus_metrics_print(const struct bus_metrics *metrics, FILE *out)
{
    for (size_t i = 0; i < SL_COUNT_OF(counter_families); i++)
        print_family(&counter_families[i], "counter", "_total", metrics, out);
    for (size_t i = 0; i < SL_COUNT_OF(gauge_families); i++)
        print_family(&gauge_families[i], "gauge", "", metrics, out);
    (void) fprintf(out,
                   "# TYPE strandline_bus_connected gauge\n"
                   "# HELP strandline_bus_connected Whether the broker is connected.\n"
                   "strandline_bus_connected %d\n",
                   metrics->connected);
    print_state(metrics->state, out);
    (void) fputs("# EOF\n", out);
}
