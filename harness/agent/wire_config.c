/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/agent/wire_config.h"

#include <string.h>

#include "base/clock.h"

#define EVENTS_MAX     10000000u
#define TOPICS_MAX     1000u
#define AGGREGATES_MAX 100000u
#define PAYLOAD_MAX    (64u << 20)
#define PUBLISHERS_MAX (1024u * 1024u)
#define PROCESSES_MAX  1024u
#define WORKERS_MAX    65536u
#define THREADS_MAX    65536u /* of one process */
#define QUEUE_MAX      1000000u
#define STACK_MAX      (64u << 20)
#define REPLICAS_MAX   5u
#define DURATION_MAX   (24 * 3600 * SL_NS_PER_S)

/* A member that is added has to be packed here too, and raises SL_WIRE_PROTOCOL. */
_Static_assert(sizeof(struct sl_scenario_load) == 104 && sizeof(struct sl_pool_settings) == 24 &&
                   sizeof(struct sl_load_share) == 24,
               "what agents are told is not all there is");

/* As many bits: a double has no other form that is the same everywhere. */
static uint64_t bits_of(double number)
{
    uint64_t bits;
    memcpy(&bits, &number, sizeof bits);
    return bits;
}

static double number_of(uint64_t bits)
{
    double number;
    memcpy(&number, &bits, sizeof number);
    return number;
}

static void pack_load(const struct sl_scenario_load *load, struct sl_packer *packer)
{
    const uint64_t numbers[] = {load->events,     load->topics,
                                load->aggregates, load->payload,
                                load->publishers, load->rate,
                                load->keys,       bits_of(load->keys_parameter),
                                load->handler,    load->handler_cost_ns,
                                load->storage,    load->settle_ns,
                                load->timeout_ns, load->close_deadline_ns,
                                load->idle_ns};

    for (size_t i = 0; i < SL_COUNT_OF(numbers); i++)
        sl_pack_number(packer, numbers[i]);
}

static void unpack_load(struct sl_unpacker *unpacker, struct sl_scenario_load *load)
{
    static const double parameter_max[] = {
        [SL_KEYS_UNIFORM] = 0, [SL_KEYS_ZIPF] = 10, [SL_KEYS_HOT] = 1, [SL_KEYS_SLOW] = 3600};
    load->events = (uint32_t) sl_unpack_number(unpacker, 1, EVENTS_MAX);
    load->topics = (uint32_t) sl_unpack_number(unpacker, 1, TOPICS_MAX);
    load->aggregates = (uint32_t) sl_unpack_number(unpacker, 1, AGGREGATES_MAX);
    load->payload = (uint32_t) sl_unpack_number(unpacker, SL_PAYLOAD_MIN, PAYLOAD_MAX);
    load->publishers = (uint32_t) sl_unpack_number(unpacker, 1, PUBLISHERS_MAX);
    load->rate = sl_unpack_number(unpacker, 0, UINT32_MAX);
    load->keys = (enum sl_key_distribution) sl_unpack_number(unpacker, 0, SL_KEYS_SLOW);
    load->keys_parameter = number_of(sl_unpack_number(unpacker, 0, UINT64_MAX));
    load->handler = (enum sl_handler_kind) sl_unpack_number(unpacker, 0, SL_HANDLER_HANG);
    load->handler_cost_ns = sl_unpack_number(unpacker, 0, DURATION_MAX);
    load->storage = (enum sl_storage) sl_unpack_number(unpacker, 0, SL_STORAGE_FILE);
    load->settle_ns = sl_unpack_number(unpacker, 0, DURATION_MAX);
    load->timeout_ns = sl_unpack_number(unpacker, 0, DURATION_MAX);
    load->close_deadline_ns = sl_unpack_number(unpacker, 0, DURATION_MAX);
    load->idle_ns = sl_unpack_number(unpacker, 0, DURATION_MAX);
    if (!(load->keys_parameter >= 0 && load->keys_parameter <= parameter_max[load->keys]))
        unpacker->failed = true; /* NaN is neither */
}

/* Signed numbers alternate: 0, -1, 1, -2... so that small ones stay short. */
static uint64_t fold(int64_t number)
{
    return number < 0 ? ~((uint64_t) number << 1) : (uint64_t) number << 1;
}

static int64_t unfold(uint64_t folded)
{
    return (int64_t) (folded & 1 ? ~(folded >> 1) : folded >> 1);
}

void sl_wire_pack_config(const struct sl_subject_config *config, struct sl_packer *packer)
{
    const uint64_t numbers[] = {config->share.part,
                                config->share.number,
                                config->share.of,
                                fold(config->share.clock_offset_ns),
                                config->pool.workers,
                                config->pool.queue,
                                config->pool.enqueue_wait_ns,
                                config->pool.stack_size,
                                config->mode,
                                config->replicas,
                                config->seed};

    pack_load(&config->load, packer);
    for (size_t i = 0; i < SL_COUNT_OF(numbers); i++)
        sl_pack_number(packer, numbers[i]);
    sl_pack_text(packer, config->transport);
    sl_pack_text(packer, config->fault);
    sl_pack_text(packer, config->prefix);
}

/* Streams that somebody else has are called otherwise: an agent does not come near them. */
static bool is_trials_prefix(const char *prefix)
{
    size_t start = strlen(SL_PREFIX);

    if (strncmp(prefix, SL_PREFIX, start) != 0 ||
        strspn(prefix + start, "0123456789abcdef") != 16 || prefix[start + 16] != '_')
        return false;
    const char *trial = prefix + start + 17;
    size_t length = strspn(trial, "0123456789");
    return length > 0 && strcmp(trial + length, "_") == 0;
}

/* What one process is to make, its share of publishers included. */
static bool is_affordable(const struct sl_subject_config *config)
{
    uint64_t workers = config->pool.workers;
    uint64_t pools = config->mode == SL_MODE_KEYED ? config->load.topics : 1;
    uint64_t publishers = config->load.publishers / SL_MAX(config->share.of, 1u);

    return pools * workers + publishers <= THREADS_MAX;
}

bool sl_wire_unpack_config(struct sl_unpacker *unpacker, struct sl_subject_config *ret_config)
{
    *ret_config = (struct sl_subject_config){0};
    unpack_load(unpacker, &ret_config->load);

    struct sl_load_share *share = &ret_config->share;
    share->part = (enum sl_load_part) sl_unpack_number(unpacker, SL_PART_PUBLISH, SL_N_PARTS - 1);
    share->number = (uint32_t) sl_unpack_number(unpacker, 0, PROCESSES_MAX);
    share->of = (uint32_t) sl_unpack_number(unpacker, (uint64_t) share->number + 1, PROCESSES_MAX);
    share->clock_offset_ns = unfold(sl_unpack_number(unpacker, 0, UINT64_MAX));
    ret_config->pool.workers = (uint32_t) sl_unpack_number(unpacker, 0, WORKERS_MAX);
    ret_config->pool.queue = (uint32_t) sl_unpack_number(unpacker, 0, QUEUE_MAX);
    ret_config->pool.enqueue_wait_ns = sl_unpack_number(unpacker, 0, DURATION_MAX);
    ret_config->pool.stack_size = sl_unpack_number(unpacker, 0, STACK_MAX);
    ret_config->mode = (enum sl_mode) sl_unpack_number(unpacker, 0, SL_N_MODES - 1);
    ret_config->replicas = (uint32_t) sl_unpack_number(unpacker, 0, REPLICAS_MAX);
    ret_config->seed = sl_unpack_number(unpacker, 0, UINT64_MAX);
    sl_unpack_text(unpacker, ret_config->transport, sizeof ret_config->transport);
    sl_unpack_text(unpacker, ret_config->fault, sizeof ret_config->fault);
    sl_unpack_text(unpacker, ret_config->prefix, sizeof ret_config->prefix);
    return sl_unpack_ends(unpacker) && is_trials_prefix(ret_config->prefix) &&
           is_affordable(ret_config);
}
