/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/load/load.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>

#include "base/clock.h"
#include "base/fail.h"
#include "base/hash.h"
#include "harness/load/driver_load.h"
#include "harness/load/handler.h"
#include "harness/load/publisher.h"
#include "harness/process/desk.h"

#define LOOK_NS       (500 * SL_NS_PER_MS) /* whether a load is idle */
#define HANG_QUIET_NS (200 * SL_NS_PER_MS)

struct sl_load {
    struct sl_load_opts opts;
    struct sl_load_plan *plan;
    struct sl_checker *checker;
    struct sl_histogram *publish_latency, *end_to_end;
    uint64_t *intended_ns; /* by event */
    const char **topics;   /* those the bus has to know; the names are the plan's */
    size_t n_topics;
    struct sl_handler handler;
    struct sl_publishing publishing;
    bool timed_out;
    bool idle;       /* it ended because nothing was handled any more */
    char ended[200]; /* how it ended before everything was handled; "": it did not */
    bool answers_demanded, answers_missing;
    uint64_t idle_ns;
    enum sl_step late_step; /* that the load timed out in */
    uint64_t breaches_told;
    struct rusage before, after;
};

void sl_load_free(struct sl_load *load)
{
    if (!load)
        return;
    sl_checker_free(load->checker);
    sl_load_plan_free(load->plan);
    sl_histogram_free(load->publish_latency);
    sl_histogram_free(load->end_to_end);
    free(load->intended_ns);
    free(load->topics);
    free(load);
}

static bool consumes(const struct sl_load *load, uint32_t topic)
{
    const struct sl_load_share *share = &load->opts.share;
    return share->part == SL_PART_ALL ||
           (share->part == SL_PART_CONSUME && topic % share->of == share->number);
}

/* A bus that only consumes has no use for the topics of others; one that publishes has for all. */
static void list_topics(struct sl_load *load)
{
    for (uint32_t i = 0; i < load->plan->n_topics; i++)
        if (load->opts.share.part != SL_PART_CONSUME || consumes(load, i))
            load->topics[load->n_topics++] = load->plan->topics[i];
}

/* What others publish may come at any time from now on. */
static void expect_messages(struct sl_load *load)
{
    const struct sl_load_plan *plan = load->plan;

    for (uint32_t i = 0; i < plan->n_events; i++)
        if (consumes(load, sl_load_plan_topic_of(plan, plan->events[i].key)))
            sl_checker_try(load->checker, i);
}

static enum sl_status check_share(const struct sl_load_opts *opts, struct sl_error *err)
{
    const struct sl_load_share *share = &opts->share;

    if (share->part == SL_PART_ALL)
        return SL_OK;
    if (share->number >= share->of ||
        (share->part == SL_PART_PUBLISH && opts->load->publishers % share->of != 0))
        return sl_fail(err, SL_EINVAL, "no such share of the load: %u of %u", share->number,
                       share->of);
    if (share->part == SL_PART_CONSUME && share->of > opts->load->topics)
        return sl_fail(err, SL_EINVAL,
                       "%u consumers are more than the %u topics, each of which has one", share->of,
                       opts->load->topics);
    return SL_OK;
}

static uint64_t slow_key_ns(const struct sl_scenario_load *load)
{
    return load->keys == SL_KEYS_SLOW
               ? (uint64_t) (load->keys_parameter * (double) SL_NS_PER_S + .5)
               : 0;
}

static void set_up(struct sl_load *load)
{
    const struct sl_scenario_load *settings = load->opts.load;
    const struct sl_load_share *share = &load->opts.share;
    uint32_t n_publishers = load->plan->n_publishers;
    uint64_t trial = sl_fnv64(SL_FNV64_BASIS, load->opts.prefix, strlen(load->opts.prefix));

    if (share->part == SL_PART_PUBLISH)
        n_publishers /= share->of;
    load->handler = (struct sl_handler){
        .plan = load->plan,
        .checker = load->checker,
        .end_to_end = load->end_to_end,
        .trial = trial,
        .clock_offset_ns = share->clock_offset_ns,
        .kind = settings->handler,
        .cost_ns = settings->handler_cost_ns,
        .slow_key_ns = slow_key_ns(settings),
    };
    load->publishing = (struct sl_publishing){
        .plan = load->plan,
        .first = share->number * n_publishers,
        .n = n_publishers,
        .checker = load->checker,
        .clock_offset_ns = share->clock_offset_ns,
        .trial = trial,
        .rate = settings->rate,
        .payload_size = settings->payload,
        .intended_ns = load->intended_ns,
    };
    load->idle_ns = settings->idle_ns ? settings->idle_ns : SL_IDLE_NS;
    list_topics(load);
    if (share->part == SL_PART_CONSUME)
        expect_messages(load);
}

enum sl_status
sl_load_new(const struct sl_load_opts *opts, struct sl_load **ret_load, struct sl_error *err)
{
    SL_AUTO(sl_load) struct sl_load *load = calloc(1, sizeof *load);
    if (!load)
        return sl_fail(err, SL_ENOMEM, "out of memory for a load of %u events", opts->load->events);
    load->opts = *opts;
    enum sl_status status = check_share(opts, err);
    if (!status)
        status = sl_load_plan_new(opts->load, opts->seed, &load->plan, err);
    if (status)
        return status;
    load->checker = sl_checker_new(load->plan);
    load->publish_latency = sl_histogram_new();
    load->end_to_end = sl_histogram_new();
    load->intended_ns = calloc(load->plan->n_events, sizeof *load->intended_ns);
    load->topics = calloc(load->plan->n_topics, sizeof *load->topics);
    if (!load->checker || !load->publish_latency || !load->end_to_end || !load->intended_ns ||
        !load->topics)
        return sl_fail(err, SL_ENOMEM, "out of memory for a load of %u events", opts->load->events);
    set_up(load);
    *ret_load = SL_TAKE(load);
    return SL_OK;
}

static void take_outcome(void *user, uint64_t token, enum sl_publish_outcome outcome)
{
    uint64_t now_ns = sl_clock_now_ns();
    struct sl_load *load = user;

    /* "Unknown" is the absence of an answer, and has no latency. */
    if (sl_checker_answer(load->checker, token, outcome) && outcome != SL_PUBLISH_UNKNOWN)
        sl_histogram_record(load->publish_latency, now_ns - load->intended_ns[token]);
}

void sl_load_configure(struct sl_load *load, struct sl_driver_config *config)
{
    config->topics = load->topics;
    config->n_topics = load->n_topics;
    config->on_publish = take_outcome;
    config->user = load;
}

enum sl_status sl_load_subscribe(struct sl_load *load, const struct sl_driver *driver, void *bus,
                                 struct sl_error *err)
{
    for (uint32_t i = 0; i < load->plan->n_topics; i++) {
        if (!consumes(load, i))
            continue;
        enum sl_status status =
            driver->subscribe(bus, load->plan->topics[i], sl_handler_handle, &load->handler, err);
        if (status)
            return sl_driver_failed("subscribe", status, err);
    }
    return SL_OK;
}

static void demand_answers(struct sl_load *load)
{
    /* What a consumer knows of outcomes it has from the observer. */
    if (!load->answers_demanded && !load->opts.may_lose_answers &&
        load->opts.share.part != SL_PART_CONSUME)
        load->answers_missing = sl_checker_demand_answers(load->checker);
    load->answers_demanded = true;
}

void sl_load_closed(struct sl_load *load)
{
    demand_answers(load);
    sl_checker_closed(load->checker);
}

/* In seconds, as people write them. */
static double seconds(uint64_t duration_ns)
{
    return (double) duration_ns / (double) SL_NS_PER_S;
}

/* Messages that have one of these bits and none of the others. */
static unsigned long long count(const struct sl_load *load, unsigned with, unsigned without)
{
    unsigned long long n = 0;

    for (uint32_t i = 0; i < load->plan->n_events; i++) {
        unsigned state = sl_checker_state(load->checker, i);
        n += (state & with) && !(state & without);
    }
    return n;
}

/* The load ended before everything was handled; the first reason explains the others. */
static void SL_PRINTF(2, 3) give_up(struct sl_load *load, const char *format, ...)
{
    char what[120];
    va_list args;

    load->timed_out = true;
    if (load->ended[0])
        return;
    va_start(args, format);
    (void) vsnprintf(what, sizeof what, format, args);
    va_end(args);
    if (load->idle)
        (void) snprintf(load->ended, sizeof load->ended,
                        "nothing was handled for %g s and no handler ran: %s",
                        seconds(load->idle_ns), what);
    else
        (void) snprintf(load->ended, sizeof load->ended, "the load did not end within %g s: %s",
                        seconds(load->opts.load->timeout_ns), what);
}

static void give_up_unanswered(struct sl_load *load)
{
    give_up(load, "%llu publishes had no outcome",
            count(load, SL_MESSAGE_TRIED, SL_MESSAGE_ANSWERED));
}

static void give_up_unhandled(struct sl_load *load)
{
    give_up(load, "%llu messages were neither handled nor refused",
            count(load, SL_MESSAGE_TRIED,
                  SL_MESSAGE_HANDLED | SL_MESSAGE_REJECTED | SL_MESSAGE_UNKNOWN));
}

static enum sl_status flush_publishes(struct sl_load *load, const struct sl_driver *driver,
                                      void *bus, struct sl_error *err)
{
    struct sl_error flush_err = {0};
    uint64_t left_ns = sl_clock_left_ns(load->publishing.deadline_ns);

    enum sl_status status = driver->flush(bus, left_ns, &flush_err);
    if (status == SL_ETIMEDOUT)
        give_up_unanswered(load);
    if (!status)
        demand_answers(load);
    if (!status || status == SL_ETIMEDOUT)
        return SL_OK;
    *err = flush_err;
    return sl_driver_failed("flush", status, err);
}

/*
 * Until all was handled, or nothing is any more: what a bus was to deliver again has come after
 * the time that it was told, and a slow handler runs.
 */
static bool wait_while_handled(struct sl_load *load)
{
    uint64_t deadline_ns = load->publishing.deadline_ns;
    uint64_t stir = sl_checker_stir(load->checker), now_ns = sl_clock_now_ns(), stirred_ns = now_ns;

    while (!load->idle && now_ns < deadline_ns) {
        uint64_t look_ns = now_ns + SL_MIN(load->idle_ns / 4 + 1, LOOK_NS);
        if (sl_checker_wait(load->checker, SL_MIN(look_ns, deadline_ns)))
            return true;
        now_ns = sl_clock_now_ns();
        if (stir != sl_checker_stir(load->checker) || sl_checker_is_busy(load->checker))
            stirred_ns = now_ns;
        stir = sl_checker_stir(load->checker);
        load->idle = now_ns - stirred_ns >= load->idle_ns;
    }
    return false;
}

/* @return false when the deadline passed, or nothing was handled any more */
static bool wait_until_handled(struct sl_load *load)
{
    uint64_t deadline_ns = load->publishing.deadline_ns;

    if (load->handler.kind != SL_HANDLER_HANG)
        return wait_while_handled(load);

    uint64_t open_before = sl_checker_open(load->checker);
    for (;;) {
        bool hung = atomic_load(&load->handler.hangs);
        uint64_t quiet_ns = sl_clock_now_ns() + HANG_QUIET_NS;
        if (sl_checker_wait(load->checker, SL_MIN(quiet_ns, deadline_ns)))
            return true;
        uint64_t open = sl_checker_open(load->checker);
        if (hung && open == open_before)
            return true;
        if (quiet_ns >= deadline_ns)
            return false;
        open_before = open;
    }
}

void sl_load_begin(struct sl_load *load)
{
    (void) getrusage(RUSAGE_SELF, &load->before); /* can not fail for the own process */
}

enum sl_status
sl_load_run(struct sl_load *load, const struct sl_driver *driver, void *bus, struct sl_error *err)
{
    sl_load_begin(load);
    load->publishing.deadline_ns = sl_clock_now_ns() + load->opts.load->timeout_ns;
    sl_step_begin(SL_STEP_PUBLISH);
    enum sl_status status = sl_publish_all(&load->publishing, driver, bus, err);
    if (load->publishing.timed_out)
        give_up(load, "%llu of %u messages were published by then",
                count(load, SL_MESSAGE_TRIED, 0), load->plan->n_events);
    if (load->timed_out)
        load->late_step = SL_STEP_PUBLISH;
    sl_checker_all_tried(load->checker);
    if (!status)
        sl_step_begin(SL_STEP_FLUSH);
    if (!status)
        status = flush_publishes(load, driver, bus, err);
    if (load->timed_out && !load->late_step)
        load->late_step = SL_STEP_FLUSH;
    if (!status)
        sl_step_begin(SL_STEP_DELIVERY);
    /* What has no outcome would be waited for in vain. */
    if (!status && load->opts.share.part == SL_PART_ALL && !load->answers_missing &&
        !wait_until_handled(load))
        give_up_unhandled(load);
    if (load->timed_out && !load->late_step)
        load->late_step = SL_STEP_DELIVERY;
    (void) getrusage(RUSAGE_SELF, &load->after);
    return status ? status : sl_load_check(load, err);
}

/* What was not even tried is as little waited for as what got no answer. */
static enum sl_publish_outcome outcome_of(unsigned state)
{
    return state & SL_MESSAGE_ACCEPTED   ? SL_PUBLISH_ACCEPTED
           : state & SL_MESSAGE_REJECTED ? SL_PUBLISH_REJECTED
                                         : SL_PUBLISH_UNKNOWN;
}

enum sl_status
sl_load_consume(struct sl_load *load, const unsigned char *states, struct sl_error *err)
{
    const struct sl_load_plan *plan = load->plan;

    for (uint32_t i = 0; i < plan->n_events; i++)
        if (consumes(load, sl_load_plan_topic_of(plan, plan->events[i].key)))
            (void) sl_checker_answer(load->checker, i, outcome_of(states[i]));
    sl_checker_all_tried(load->checker);
    load->publishing.deadline_ns = sl_clock_now_ns() + load->opts.load->timeout_ns;
    if (!wait_until_handled(load))
        give_up_unhandled(load);
    (void) getrusage(RUSAGE_SELF, &load->after);
    return sl_load_check(load, err);
}

/* A time of this process as the observer's clock had it; 0 stays "never". */
static uint64_t observers_time(const struct sl_load *load, uint64_t time_ns)
{
    return time_ns ? time_ns + (uint64_t) load->opts.share.clock_offset_ns : 0;
}

void sl_load_pack(struct sl_load *load, struct sl_packer *packer)
{
    const unsigned known = load->opts.share.part == SL_PART_PUBLISH
                               ? SL_MESSAGE_TRIED | SL_MESSAGE_ANSWERED
                               : SL_MESSAGE_ENTERED | SL_MESSAGE_HANDLED;
    struct sl_load_counts counts;
    struct sl_tally tally = {.n_events = load->plan->n_events};

    SL_AUTO_FREE unsigned char *states = malloc(tally.n_events);
    if (!states) {
        packer->failed = true;
        return;
    }
    for (uint32_t i = 0; i < tally.n_events; i++)
        states[i] = (unsigned char) (sl_checker_state(load->checker, i) & known);
    sl_checker_count(load->checker, &counts);
    tally.states = states;
    tally.repeated = counts.handler_calls - counts.handled;
    tally.redelivered = counts.redelivered;
    tally.order_violations = counts.order_violations;
    memcpy(tally.first_violation, counts.first_violation, sizeof tally.first_violation);
    tally.timed_out = load->timed_out;
    tally.first_intended_ns = observers_time(load, load->publishing.first_intended_ns);
    tally.first_call_ns = observers_time(load, load->publishing.first_call_ns);
    tally.last_return_ns = observers_time(load, load->publishing.last_return_ns);
    tally.first_handled_ns = observers_time(load, counts.first_handled_ns);
    tally.last_handled_ns = observers_time(load, counts.last_handled_ns);
    tally.publish_latency = load->publish_latency;
    tally.end_to_end = load->end_to_end;
    sl_tally_pack(&tally, packer);
}

enum sl_status sl_load_check(struct sl_load *load, struct sl_error *err)
{
    struct sl_load_counts counts;

    sl_checker_count(load->checker, &counts);
    if (counts.breaches == load->breaches_told)
        return SL_OK;
    load->breaches_told = counts.breaches;
    return sl_fail(err, SL_EPROTO, "the driver broke its contract %llu times, first: %s",
                   (unsigned long long) counts.breaches, counts.first_breach);
}

static uint64_t time_between(const struct timeval *before, const struct timeval *after)
{
    struct timeval spent;
    timersub(after, before, &spent);
    return (uint64_t) spent.tv_sec * SL_NS_PER_S + (uint64_t) spent.tv_usec * SL_NS_PER_US;
}

void sl_load_record(struct sl_load *load, struct sl_load_record *record)
{
    const struct sl_load_counts *counts = &record->counts;

    sl_checker_count(load->checker, &record->counts);
    record->timed_out = load->timed_out;
    memcpy(record->ended, load->ended, sizeof record->ended);
    record->states_at = (uint64_t) (uintptr_t) sl_checker_states(load->checker);
    record->late_step = load->late_step;
    record->load_ns =
        counts->last_handled_ns ? counts->last_handled_ns - load->publishing.first_intended_ns : 0;
    record->publish_ns = load->publishing.last_return_ns - load->publishing.first_call_ns;
    sl_histogram_summarize(load->publish_latency, &record->publish_latency);
    sl_histogram_summarize(load->end_to_end, &record->end_to_end);
    record->cpu_user_ns = time_between(&load->before.ru_utime, &load->after.ru_utime);
    record->cpu_sys_ns = time_between(&load->before.ru_stime, &load->after.ru_stime);
    record->ctx_voluntary = (uint64_t) (load->after.ru_nvcsw - load->before.ru_nvcsw);
    record->ctx_involuntary = (uint64_t) (load->after.ru_nivcsw - load->before.ru_nivcsw);
}
