/* SPDX-License-Identifier: Apache-2.0 */
#include "bus/engine/check.h"

#include <ctype.h>
#include <string.h>

#include "base/fail.h"

#define MAX_TOPIC  128u /* bytes; becomes part of a stream's name, four bytes each at worst */
#define MAX_PREFIX 64u
#define MAX_TOPICS 4096u

enum sl_status check_prefix(const char *prefix, struct sl_error *err)
{
    size_t size = strlen(prefix);
    bool fits = size > 0 && size <= MAX_PREFIX;
    for (size_t i = 0; i < size && fits; i++)
        fits = isalnum((unsigned char) prefix[i]) || strchr("-_", prefix[i]);
    if (fits)
        return SL_OK;
    return sl_fail(err, SL_EINVAL, "prefix '%.80s' is not 1 to %u letters, digits, '-' or '_'",
                   prefix, MAX_PREFIX);
}

/* Words between dots, each with at least one character, none of which means something to a broker.
 */
static bool is_topic(const char *topic, bool dead_letter)
{
    size_t dead_size = strlen(BUS_DEAD_PREFIX);
    size_t size = topic ? strlen(topic) : 0;
    if (size == 0 || size > MAX_TOPIC || topic[0] == '$')
        return false;
    if (dead_letter &&
        (size + dead_size > MAX_TOPIC || strncmp(topic, BUS_DEAD_PREFIX, dead_size) == 0))
        return false;
    for (size_t i = 0; i < size; i++) {
        unsigned char byte = (unsigned char) topic[i];
        if (byte <= ' ' || byte == 0x7f || byte == '*' || byte == '>')
            return false;
        if (byte == '.' && (i == 0 || i + 1 == size || topic[i + 1] == '.'))
            return false;
    }
    return true;
}

static enum sl_status check_topics(const struct bus_config *config, struct sl_error *err)
{
    if (!config->topics || config->n_topics == 0 || config->n_topics > MAX_TOPICS)
        return sl_fail(err, SL_EINVAL, "a bus has 1 to %u topics, not %zu", MAX_TOPICS,
                       config->n_topics);
    for (size_t i = 0; i < config->n_topics; i++) {
        if (!is_topic(config->topics[i], config->dead_letter))
            return sl_fail(err, SL_EINVAL, "malformed topic '%.80s'",
                           config->topics[i] ? config->topics[i] : "");
        for (size_t j = 0; j < i; j++) {
            if (strcmp(config->topics[i], config->topics[j]) == 0)
                return sl_fail(err, SL_EINVAL, "topic '%s' is there twice", config->topics[i]);
        }
    }
    return SL_OK;
}

enum sl_status check_config(const struct bus_config *config, struct sl_error *err)
{
    if (config->mode != BUS_KEYED && config->mode != BUS_UNIFIED && config->mode != BUS_DIRECT)
        return sl_fail(err, SL_EINVAL, "no such mode %d", (int) config->mode);
    if (config->storage != BUS_STORAGE_MEMORY && config->storage != BUS_STORAGE_FILE)
        return sl_fail(err, SL_EINVAL, "no such storage %d", (int) config->storage);
    if (config->workers > BUS_MAX_WORKERS)
        return sl_fail(err, SL_EINVAL, "a pool has at most %u workers, not %u", BUS_MAX_WORKERS,
                       config->workers);
    if (config->queue_capacity > BUS_MAX_QUEUE)
        return sl_fail(err, SL_EINVAL, "a queue has at most %u places, not %u", BUS_MAX_QUEUE,
                       config->queue_capacity);
    if (config->stack_size > BUS_MAX_STACK)
        return sl_fail(err, SL_EINVAL, "a stack has at most %u bytes, not %llu", BUS_MAX_STACK,
                       (unsigned long long) config->stack_size);
    if (config->max_pending > BUS_MAX_PENDING)
        return sl_fail(err, SL_EINVAL, "at most %u publishes may be pending, not %u",
                       BUS_MAX_PENDING, config->max_pending);
    if (config->replicas > BUS_MAX_REPLICAS || config->replicas % 2 == 0)
        return sl_fail(err, SL_EINVAL, "a stream has 1, 3 or 5 replicas, not %u", config->replicas);
    if (config->result_capacity > BUS_MAX_RESULTS)
        return sl_fail(err, SL_EINVAL, "at most %u results are kept, not %u", BUS_MAX_RESULTS,
                       config->result_capacity);
    if (config->dead_letter && config->max_deliver == 0)
        return sl_fail(err, SL_EINVAL, "dead letters need a limit of tries");
    enum sl_status status = check_prefix(config->prefix, err);
    return status ? status : check_topics(config, err);
}

/* A key travels in a header line: one line, and blanks at its ends would be lost. */
static bool is_key(const char *key)
{
    size_t size = strlen(key);
    if (size == 0 || size > BUS_MAX_KEY || key[0] == ' ' || key[size - 1] == ' ')
        return false;
    for (size_t i = 0; i < size; i++) {
        if ((unsigned char) key[i] < ' ' || key[i] == 0x7f)
            return false;
    }
    return true;
}

enum sl_status check_message(const struct sl_message *message, struct sl_error *err)
{
    if (message->key && !is_key(message->key))
        return sl_fail(err, SL_EINVAL,
                       "key is not 1 to %u bytes without control characters and outer blanks",
                       BUS_MAX_KEY);
    if (message->payload_size > BUS_MAX_PAYLOAD)
        return sl_fail(err, SL_EINVAL, "payload of %zu bytes is larger than %u",
                       message->payload_size, BUS_MAX_PAYLOAD);
    if (!message->payload && message->payload_size > 0)
        return sl_fail(err, SL_EINVAL, "no payload, but a size of %zu", message->payload_size);
    return SL_OK;
}
