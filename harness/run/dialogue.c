/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/run/dialogue.h"

#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/fail.h"
#include "base/macros.h"
#include "base/url.h"
#include "base/wait.h"
#include "harness/process/desk.h"

#define BIT(phase) (1u << SL_PHASE_##phase)

/*
 * What may come after a phase, and before the next one.  Where a step has failed the next phase may
 * be another one.
 */
static const struct {
    unsigned next, next_if_failed; /* phases */
    unsigned failures;             /* phases that a failure may be of */
    unsigned n_failures, n_drivers;
    unsigned n_tallies; /* of a shared load */
} rules[SL_N_PHASES + 1] = {
    [0] = {.next = BIT(START)},
    [1 + SL_PHASE_START] = {.next = BIT(OPEN),
                            .next_if_failed = BIT(CLOSING) | BIT(TORN_DOWN),
                            .failures = BIT(OPEN),
                            .n_failures = 1,
                            .n_drivers = 1},
    [1 + SL_PHASE_OPEN] = {.next = BIT(LOADED),
                           .next_if_failed = BIT(CLOSING),
                           .failures = BIT(LOADED),
                           .n_failures = 1,
                           .n_tallies = 1},
    [1 + SL_PHASE_LOADED] = {.next = BIT(CLOSING)},
    [1 + SL_PHASE_CLOSING] = {.next = BIT(CLOSED),
                              .next_if_failed = BIT(CLOSED),
                              .failures = BIT(CLOSED),
                              .n_failures = 1,
                              .n_tallies = 1},
    [1 + SL_PHASE_CLOSED] = {.next = BIT(TORN_DOWN),
                             .next_if_failed = BIT(TORN_DOWN),
                             .failures = BIT(CLOSED) | BIT(TORN_DOWN),
                             .n_failures = 2},
};

static const char *type_text(enum sl_record_type type)
{
    static const char *const texts[SL_N_RECORD_TYPES] = {
        [SL_RECORD_CONFIG] = "configuration", [SL_RECORD_GO] = "permission",
        [SL_RECORD_DRIVER] = "driver",        [SL_RECORD_PHASE] = "phase",
        [SL_RECORD_FAILURE] = "failure",      [SL_RECORD_OUTCOMES] = "outcomes",
        [SL_RECORD_TALLY] = "tally",          [SL_RECORD_DECLARATION] = "declaration",
    };
    return texts[type];
}

void sl_dialogue_begin(struct sl_dialogue *dialogue, const struct sl_subject_config *config)
{
    *dialogue = (struct sl_dialogue){.phase = -1,
                                     .answered = true,
                                     .shared = config->share.part != SL_PART_ALL,
                                     .events = config->load.events,
                                     .cycles_left = config->cycles ? config->cycles - 1 : 0,
                                     .go_ns = sl_clock_now_ns()};
}

#define ENDS(text) (memchr((text), '\0', sizeof(text)) != NULL)

static bool is_bool(uint8_t value)
{
    return value <= 1;
}

bool sl_failure_is_sound(struct sl_failure_record *failure)
{
    if (!ENDS(failure->text) || failure->step >= SL_N_STEPS ||
        (unsigned) failure->phase >= SL_N_PHASES || (unsigned) failure->status == SL_OK ||
        (unsigned) failure->status > SL_EPROTO)
        return false;
    sl_url_hide(failure->text);
    return true;
}

static bool driver_is_sound(const struct sl_driver_record *driver)
{
    bool sound = ENDS(driver->name) && ENDS(driver->version);

    for (size_t i = 0; i < SL_DRIVER_MODULES; i++)
        sound = sound && ENDS(driver->library_modules[i]);
    for (size_t i = 0; i < SL_DRIVER_WITNESSES; i++)
        sound = sound && ENDS(driver->witnesses[i].module) && ENDS(driver->witnesses[i].function) &&
                ENDS(driver->witnesses[i].text) && is_bool(driver->witnesses[i].socket);
    return sound;
}

static bool phase_is_sound(struct sl_phase_record *record)
{
    if ((unsigned) record->phase >= SL_N_PHASES || !ENDS(record->load.counts.first_violation) ||
        !ENDS(record->load.counts.first_breach) || !ENDS(record->load.ended) ||
        !ENDS(record->close_detail) || !is_bool(record->load.timed_out) ||
        !is_bool(record->close_ok) || !is_bool(record->close_timed_out) ||
        (record->close_ok && record->close_timed_out) || record->load.late_step >= SL_N_STEPS)
        return false;
    sl_url_hide(record->close_detail);
    return true;
}

/* These phases, if another cycle may begin here. */
static unsigned if_another(const struct sl_dialogue *dialogue, unsigned phases)
{
    return dialogue->phase == SL_PHASE_CLOSED && dialogue->cycles_left ? phases : 0;
}

static enum sl_status check_turn(const struct sl_dialogue *dialogue,
                                 const struct sl_phase_record *record, struct sl_error *err)
{
    unsigned bit = 1u << record->phase;
    unsigned next =
        dialogue->n_failures
            ? rules[dialogue->phase + 1].next_if_failed | if_another(dialogue, BIT(CLOSING))
            : rules[dialogue->phase + 1].next | if_another(dialogue, BIT(OPEN));

    if (!(bit & next))
        return sl_fail(err, SL_EPROTO, "the subject announced phase %s, which was not its next",
                       sl_phase_text(record->phase));
    if (dialogue->phase == SL_PHASE_START && record->phase == SL_PHASE_OPEN && !dialogue->n_drivers)
        return sl_fail(err, SL_EPROTO, "the subject opened a bus and had not told of its driver");
    return SL_OK;
}

static enum sl_status check_time(const struct sl_dialogue *dialogue,
                                 const struct sl_phase_record *record, uint64_t now_ns,
                                 struct sl_error *err)
{
    const char *phase = sl_phase_text(record->phase);

    if (record->at_ns < dialogue->go_ns)
        return sl_fail(err, SL_EPROTO,
                       "the subject reached phase %s %" PRIu64 " ns before it was allowed to begin",
                       phase, dialogue->go_ns - record->at_ns);
    if (record->at_ns > now_ns)
        return sl_fail(err, SL_EPROTO, "the subject will reach phase %s in %" PRIu64 " ns only",
                       phase, record->at_ns - now_ns);
    uint64_t spent_ns = record->at_ns - dialogue->go_ns;
    uint64_t claimed_ns = record->phase == SL_PHASE_OPEN     ? record->open_ns
                          : record->phase == SL_PHASE_CLOSED ? record->close_ns
                                                             : 0;
    if (record->phase == SL_PHASE_LOADED && !dialogue->shared && !record->load.timed_out)
        claimed_ns = SL_MAX(record->load.load_ns, record->load.publish_ns);
    if (claimed_ns > spent_ns)
        return sl_fail(err, SL_EPROTO,
                       "the subject claims %" PRIu64
                       " ns on the way to phase %s, which took it %" PRIu64 " ns",
                       claimed_ns, phase, spent_ns);
    return SL_OK;
}

static enum sl_status check_counts(const struct sl_dialogue *dialogue,
                                   const struct sl_phase_record *record, struct sl_error *err)
{
    const struct sl_load_counts *counts = &record->load.counts;
    const struct {
        const char *what;
        uint64_t n;
    } claims[] = {{"published", counts->published},
                  {"rejected", counts->rejected},
                  {"unanswered", counts->unknown},
                  {"handled", counts->handled},
                  {"timed", record->load.publish_latency.count}};
    uint64_t sum = 0;

    for (size_t i = 0; i < SL_COUNT_OF(claims); i++) {
        if (claims[i].n > dialogue->events)
            return sl_fail(err, SL_EPROTO, "the subject claims %" PRIu64 " %s messages of %u",
                           claims[i].n, claims[i].what, dialogue->events);
        sum += i < 3 ? claims[i].n : 0;
    }
    if (sum > dialogue->events)
        return sl_fail(err, SL_EPROTO, "the subject claims outcomes of %" PRIu64 " messages of %u",
                       sum, dialogue->events);
    if (counts->handler_calls < counts->handled)
        return sl_fail(err, SL_EPROTO,
                       "the subject claims %" PRIu64 " handled messages in %" PRIu64 " calls",
                       counts->handled, counts->handler_calls);
    return SL_OK;
}

static enum sl_status
take_phase(struct sl_dialogue *dialogue, struct sl_phase_record *record, struct sl_error *err)
{
    if (!phase_is_sound(record))
        return sl_fail(err, SL_EPROTO, "the subject announced a phase in words that do not exist");
    enum sl_status status = check_turn(dialogue, record, err);
    if (!status)
        status = check_time(dialogue, record, sl_clock_now_ns(), err);
    if (!status)
        status = check_counts(dialogue, record, err);
    if (status)
        return status;
    dialogue->cycles_left -= dialogue->phase == SL_PHASE_CLOSED && record->phase == SL_PHASE_OPEN;
    dialogue->phase = (int) record->phase;
    dialogue->answered = false;
    dialogue->n_drivers = dialogue->n_failures = dialogue->n_tallies = 0;
    return SL_OK;
}

/* Whether one more record of this type may come here. */
static bool is_expected(struct sl_dialogue *dialogue, enum sl_record_type type)
{
    size_t at = (size_t) (dialogue->phase + 1);

    switch (type) {
    case SL_RECORD_PHASE:
        return true; /* see check_turn() */
    case SL_RECORD_DRIVER:
        return dialogue->n_drivers++ < rules[at].n_drivers;
    case SL_RECORD_FAILURE:
        return dialogue->n_failures++ < rules[at].n_failures;
    case SL_RECORD_TALLY:
        return dialogue->shared && dialogue->n_tallies++ < rules[at].n_tallies;
    default:
        return false;
    }
}

static size_t size_of(const struct sl_record *record)
{
    switch (record->type) {
    case SL_RECORD_PHASE:
        return sizeof(struct sl_phase_record);
    case SL_RECORD_DRIVER:
        return sizeof(struct sl_driver_record);
    case SL_RECORD_FAILURE:
        return sizeof(struct sl_failure_record);
    default: /* a tally, which has a reader of its own */
        return record->size;
    }
}

static enum sl_status take_failure(const struct sl_dialogue *dialogue,
                                   struct sl_failure_record *failure, struct sl_error *err)
{
    unsigned failures = rules[dialogue->phase + 1].failures | if_another(dialogue, BIT(OPEN));

    if (!sl_failure_is_sound(failure) || !(failures & 1u << failure->phase))
        return sl_fail(err, SL_EPROTO, "the subject told of a failure in words that do not exist");
    return SL_OK;
}

enum sl_status
sl_dialogue_take(struct sl_dialogue *dialogue, struct sl_record *record, struct sl_error *err)
{
    const char *after =
        dialogue->phase < 0 ? "its beginning" : sl_phase_text((enum sl_phase) dialogue->phase);

    if (!dialogue->answered || !is_expected(dialogue, record->type))
        return sl_fail(err, SL_EPROTO,
                       "the subject sent a record of type '%s' after %s, which was "
                       "not its turn",
                       type_text(record->type), after);
    if (record->size != size_of(record))
        return sl_fail(err, SL_EPROTO, "the subject sent a record of type '%s' of %zu bytes",
                       type_text(record->type), record->size);
    if (record->type == SL_RECORD_PHASE)
        return take_phase(dialogue, record->data, err);
    if (record->type == SL_RECORD_FAILURE)
        return take_failure(dialogue, record->data, err);
    if (record->type == SL_RECORD_DRIVER && !driver_is_sound(record->data))
        return sl_fail(err, SL_EPROTO, "the subject told of its driver in words that do not end");
    return SL_OK;
}

enum sl_status sl_dialogue_go(struct sl_dialogue *dialogue, int fd, struct sl_error *err)
{
    struct pollfd told = {.fd = fd, .events = POLLIN};

    /* Who forges phases in advance would be believed one after the other. */
    if (poll(&told, 1, 0) > 0 && told.revents & POLLIN)
        return sl_fail(err, SL_EPROTO, "the subject went on after %s before it was allowed to",
                       sl_phase_text((enum sl_phase) dialogue->phase));
    dialogue->answered = true;
    dialogue->go_ns = sl_clock_now_ns();
    return SL_OK;
}

enum sl_status sl_dialogue_end(int fd, struct sl_error *err)
{
    struct pollfd told = {.fd = fd, .events = POLLIN};

    return poll(&told, 1, 0) > 0 && told.revents & POLLIN
               ? sl_fail(err, SL_EPROTO, "the subject said something after its last phase")
               : SL_OK;
}
