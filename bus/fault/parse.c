/* SPDX-License-Identifier: Apache-2.0 */
#include "bus/fault/parse.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <strandline/bus_fault.h>

#include "base/fail.h"
#include "base/macros.h"
#include "base/parse.h"

#define MAX_NUMBER (UINT64_C(1) << 32)

/* A selection while it is read. */
struct reader {
    const char *transport;
    fault_set faults;
    struct fault_rule *rules;
    const struct bus_fault_info *last; /* whose keys may follow; NULL before the first name */
    struct sl_error *err;
};

/* Part of a text, not terminated. */
struct word {
    const char *text;
    size_t size;
};

/* The next word up to a comma, which is skipped; false after the last one. */
static bool next_word(const char **rest, struct word *ret_word)
{
    if (!*rest)
        return false;
    *ret_word = (struct word){*rest, strcspn(*rest, ",")};
    *rest += ret_word->size;
    *rest = **rest ? *rest + 1 : NULL;
    return true;
}

static bool word_is(struct word word, const char *text)
{
    return strlen(text) == word.size && memcmp(text, word.text, word.size) == 0;
}

/* "KEY" of "KEY=VALUE"; all of it without one. */
static struct word key_of(struct word word)
{
    const char *sign = memchr(word.text, '=', word.size);
    return sign ? (struct word){word.text, (size_t) (sign - word.text)} : word;
}

static enum sl_status
parse_probability(const char *value, double *ret_probability, struct sl_error *err)
{
    char *end;
    double probability = strtod(value, &end);
    if (end == value || *end || !(probability > 0) || probability > 1)
        return sl_fail(err, SL_EINVAL, "'%s' is not above 0 and up to 1", value);
    *ret_probability = probability;
    return SL_OK;
}

static enum sl_status parse_topic(const char *value, char *ret_topic, struct sl_error *err)
{
    if (!*value || strlen(value) >= sizeof((struct fault_rule *) NULL)->topic)
        return sl_fail(err, SL_EINVAL, "'%s' is no topic", value);
    (void) strcpy(ret_topic, value);
    return SL_OK;
}

/* "KEY=VALUE"; the key is one that the fault has. */
static enum sl_status set_key(struct fault_rule *rule, struct word word, struct sl_error *err)
{
    struct word key = key_of(word);
    char value[160]; /* longer than any topic */
    (void) snprintf(value, sizeof value, "%.*s", (int) (word.size - key.size - 1),
                    key.text + key.size + 1);

    if (word_is(key, "topic"))
        return parse_topic(value, rule->topic, err);
    if (word_is(key, "delay"))
        return sl_parse_duration(value, &rule->delay_ns, err);
    if (word_is(key, "prob")) {
        rule->nth = 0; /* one or the other; what stands last counts */
        return parse_probability(value, &rule->prob, err);
    }
    if (word_is(key, "nth"))
        rule->prob = 0;
    const struct {
        const char *name;
        uint64_t max;
        uint64_t *number;
    } numbers[] = {{"nth", MAX_NUMBER, &rule->nth},
                   {"count", MAX_NUMBER, &rule->count},
                   {"limit", MAX_NUMBER, &rule->limit},
                   {"workers", BUS_MAX_WORKERS, &rule->workers}};
    size_t i = 0;
    while (i + 1 < SL_COUNT_OF(numbers) && !word_is(key, numbers[i].name))
        i++;
    return sl_parse_number(value, 1, numbers[i].max, numbers[i].number, err);
}

static void set_defaults(struct fault_rule *rule, const struct bus_fault_info *info)
{
    const char *rest = info->keys;
    struct word word;

    *rule = (struct fault_rule){.nth = 0};
    while (next_word(&rest, &word)) {
        enum sl_status status = key_of(word).size < word.size ? set_key(rule, word, NULL) : SL_OK;
        (void) status; /* our own table */
    }
}

static enum sl_status read_name(struct reader *reader, struct word name)
{
    const struct bus_fault_info *info = bus_faults();
    int size = (int) name.size;

    if (!info->name)
        return sl_fail(reader->err, SL_ENOTSUP, "cannot inject '%.*s': built without faults", size,
                       name.text);
    while (info->name && !word_is(name, info->name))
        info++;
    if (!info->name)
        return sl_fail(reader->err, SL_ENOTSUP, "no such fault '%.*s'", size, name.text);
    if (info->absent)
        return sl_fail(reader->err, SL_ENOTSUP, "fault '%s' has no equivalent: %s", info->name,
                       info->absent);
    if (info->transport && reader->transport && strcmp(info->transport, reader->transport) != 0)
        return sl_fail(reader->err, SL_ENOTSUP, "fault '%s' needs transport '%s', not '%s'",
                       info->name, info->transport, reader->transport);
    size_t fault = (size_t) (info - bus_faults());
    reader->last = info;
    reader->faults |= FAULT_BIT(fault);
    set_defaults(&reader->rules[fault], info);
    return SL_OK;
}

static enum sl_status read_key(struct reader *reader, struct word word)
{
    const struct bus_fault_info *info = reader->last;
    struct word key = key_of(word), known;
    struct sl_error err = {0};

    if (!info)
        return sl_fail(reader->err, SL_EINVAL, "'%.*s' stands before any fault", (int) word.size,
                       word.text);
    for (const char *rest = info->keys; next_word(&rest, &known);) {
        known = key_of(known);
        if (known.size != key.size || memcmp(known.text, key.text, key.size) != 0)
            continue;
        if (set_key(&reader->rules[info - bus_faults()], word, &err))
            return sl_fail(reader->err, SL_EINVAL, "fault '%s': %.*s: %s", info->name,
                           (int) key.size, key.text, err.text);
        return SL_OK;
    }
    return sl_fail(reader->err, SL_EINVAL, "fault '%s' has no '%.*s': %s%s", info->name,
                   (int) key.size, key.text, info->keys ? "it has " : "it takes nothing",
                   info->keys ? info->keys : "");
}

enum sl_status fault_parse(const char *selection, const char *transport, fault_set *ret_faults,
                           struct fault_rule *ret_rules, struct sl_error *err)
{
    struct fault_rule unused[N_FAULTS];
    struct reader reader = {
        .transport = transport, .rules = ret_rules ? ret_rules : unused, .err = err};
    struct word word;

    for (const char *rest = selection && *selection ? selection : NULL; next_word(&rest, &word);) {
        enum sl_status status =
            memchr(word.text, '=', word.size) ? read_key(&reader, word) : read_name(&reader, word);
        if (status)
            return status;
    }
    *ret_faults = reader.faults;
    return SL_OK;
}

enum sl_status bus_check_fault(const char *selection, const char *transport, struct sl_error *err)
{
    fault_set faults;
    return fault_parse(selection, transport, &faults, NULL, err);
}
