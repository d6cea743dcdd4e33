/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The format: which keys there are, what they may be, and what stands in for
 * those that are left out.  scenario.schema.json says the same to editors.
 */
#include "scenarios/scenario.h"

#include <ctype.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/fail.h"
#include "json/node.h"

#define KIB               (UINT64_C(1) << 10)
#define MIB               (UINT64_C(1) << 20)
#define HOUR_NS           (3600 * SL_NS_PER_S)
#define N_VARIANTS_MAX    64
#define ZIPF_EXPONENT_MAX 10.0

static const char *const mode_words[SL_N_MODES] = {
    [SL_MODE_KEYED] = "keyed", [SL_MODE_UNIFIED] = "unified", [SL_MODE_DIRECT] = "direct"};
static const char *const distribution_words[] = {[SL_KEYS_UNIFORM] = "uniform",
                                                 [SL_KEYS_ZIPF] = "zipf",
                                                 [SL_KEYS_HOT] = "hot",
                                                 [SL_KEYS_SLOW] = "slow"};
static const char *const handler_words[] = {
    [SL_HANDLER_SPIN] = "spin", [SL_HANDLER_SLEEP] = "sleep", [SL_HANDLER_HANG] = "hang"};
static const char *const storage_words[] = {
    [SL_STORAGE_MEMORY] = "memory", [SL_STORAGE_FILE] = "file"};

static const struct sl_scenario defaults = {
    .load = {.topics = 5,
             .aggregates = 100,
             .payload = 256,
             .publishers = 1,
             .settle_ns = 2 * SL_NS_PER_S,
             .timeout_ns = 60 * SL_NS_PER_S,
             .idle_ns = SL_IDLE_NS,
             .close_deadline_ns = 10 * SL_NS_PER_S},
    .modes = {[SL_MODE_KEYED] = true, [SL_MODE_UNIFIED] = true},
    .trials = 1,
};

const char *sl_mode_text(enum sl_mode mode)
{
    return mode_words[mode];
}

bool sl_mode_parse(const char *text, enum sl_mode *ret_mode)
{
    for (size_t i = 0; i < SL_N_MODES; i++) {
        if (strcmp(text, mode_words[i]) == 0) {
            *ret_mode = (enum sl_mode) i;
            return true;
        }
    }
    return false;
}

const char *sl_handler_kind_text(enum sl_handler_kind kind)
{
    return handler_words[kind];
}

const char *sl_storage_text(enum sl_storage storage)
{
    return storage_words[storage];
}

void sl_keys_format(const struct sl_scenario_load *load, char *ret_text, size_t size)
{
    if (load->keys == SL_KEYS_UNIFORM)
        (void) snprintf(ret_text, size, "%s", distribution_words[load->keys]);
    else
        (void) snprintf(ret_text, size, "%s:%g%s", distribution_words[load->keys],
                        load->keys_parameter, load->keys == SL_KEYS_SLOW ? "s" : "");
}

static enum sl_status
read_rate(const struct sl_node *node, const struct sl_node_field *field, void *into)
{
    uint64_t *rate = into;

    if (sl_node_is_text(node, "saturate")) {
        *rate = 0;
        return SL_OK;
    }
    if (sl_node_is_number(node, field->low, field->high, rate))
        return SL_OK;
    return sl_node_fail_expected(node,
                                 "\"saturate\" or messages per second from %" PRIu64 " to %" PRIu64,
                                 field->low, field->high);
}

struct keys {
    enum sl_key_distribution distribution;
    double exponent, share; /* 0: not given */
    uint64_t cost_ns;       /* likewise */
};

static enum sl_status
read_distribution(const struct sl_node *node, const struct sl_node_field *field, void *into)
{
    (void) field;
    size_t word;
    enum sl_status s =
        sl_node_read_word(node, distribution_words, SL_COUNT_OF(distribution_words), &word);
    if (s == SL_OK)
        *(enum sl_key_distribution *) into = (enum sl_key_distribution) word;
    return s;
}

static enum sl_status
read_exponent(const struct sl_node *node, const struct sl_node_field *field, void *into)
{
    (void) field;
    return sl_node_read_real(node, 0, ZIPF_EXPONENT_MAX, into);
}

static enum sl_status
read_share(const struct sl_node *node, const struct sl_node_field *field, void *into)
{
    (void) field;
    return sl_node_read_real(node, 0, 1, into);
}

static enum sl_status
read_keys(const struct sl_node *node, const struct sl_node_field *field, void *into)
{
    static const struct sl_node_field fields[] = {
        {"distribution", read_distribution, offsetof(struct keys, distribution), .required = true},
        {"exponent", read_exponent, offsetof(struct keys, exponent)},
        {"share", read_share, offsetof(struct keys, share)},
        {"cost", sl_node_read_duration, offsetof(struct keys, cost_ns), SL_NS_PER_US, HOUR_NS},
    };
    struct sl_scenario_load *load = into;
    struct keys keys = {0};

    (void) field;
    enum sl_status s = sl_node_read_object(node, fields, SL_COUNT_OF(fields), &keys);
    if (s)
        return s;
    if (keys.exponent > 0 && keys.distribution != SL_KEYS_ZIPF)
        return sl_node_fail_member(node, "exponent", "only \"zipf\" has an exponent");
    if (keys.share > 0 && keys.distribution != SL_KEYS_HOT)
        return sl_node_fail_member(node, "share", "only \"hot\" has a share");
    if (keys.cost_ns > 0 && keys.distribution != SL_KEYS_SLOW)
        return sl_node_fail_member(node, "cost", "only \"slow\" has a cost");
    if (keys.distribution == SL_KEYS_ZIPF && !sl_node_has(node, "exponent"))
        return sl_node_fail(node, "'exponent' is missing");
    if (keys.distribution == SL_KEYS_HOT && !sl_node_has(node, "share"))
        return sl_node_fail(node, "'share' is missing");
    if (keys.distribution == SL_KEYS_SLOW && !sl_node_has(node, "cost"))
        return sl_node_fail(node, "'cost' is missing");
    load->keys = keys.distribution;
    /* At most one is there. */
    load->keys_parameter =
        keys.exponent + keys.share + (double) keys.cost_ns / (double) SL_NS_PER_S;
    return SL_OK;
}

static enum sl_status
read_handler_kind(const struct sl_node *node, const struct sl_node_field *field, void *into)
{
    (void) field;
    size_t word;
    enum sl_status s = sl_node_read_word(node, handler_words, SL_COUNT_OF(handler_words), &word);
    if (s == SL_OK)
        *(enum sl_handler_kind *) into = (enum sl_handler_kind) word;
    return s;
}

static enum sl_status
read_handler(const struct sl_node *node, const struct sl_node_field *field, void *into)
{
    static const struct sl_node_field fields[] = {
        {"kind", read_handler_kind, offsetof(struct sl_scenario_load, handler), .required = true},
        {"cost", sl_node_read_duration, offsetof(struct sl_scenario_load, handler_cost_ns), 0,
         HOUR_NS},
    };
    const struct sl_scenario_load *load = into;

    (void) field;
    enum sl_status s = sl_node_read_object(node, fields, SL_COUNT_OF(fields), into);
    if (s == SL_OK && load->handler == SL_HANDLER_HANG && sl_node_has(node, "cost"))
        return sl_node_fail_member(node, "cost", "a handler that hangs has no cost");
    return s;
}

static enum sl_status
read_storage(const struct sl_node *node, const struct sl_node_field *field, void *into)
{
    (void) field;
    size_t word;
    enum sl_status s = sl_node_read_word(node, storage_words, SL_COUNT_OF(storage_words), &word);
    if (s == SL_OK)
        *(enum sl_storage *) into = (enum sl_storage) word;
    return s;
}

static enum sl_status
read_load(const struct sl_node *node, const struct sl_node_field *field, void *into)
{
#define AT(member) offsetof(struct sl_scenario_load, member)
    static const struct sl_node_field fields[] = {
        {"events", sl_node_read_u32, AT(events), 1, 10000000, .required = true},
        {"rate", read_rate, AT(rate), 1, 10000000},
        {"topics", sl_node_read_u32, AT(topics), 1, 1000},
        {"aggregates", sl_node_read_u32, AT(aggregates), 1, 100000},
        {"payload", sl_node_read_size_u32, AT(payload), SL_PAYLOAD_MIN, 64 * MIB},
        {"publishers", sl_node_read_u32, AT(publishers), 1, 1024},
        {"keys", read_keys, 0},
        {"handler", read_handler, 0},
        {"storage", read_storage, AT(storage)},
    };
#undef AT
    const struct sl_scenario_load *load = into;

    (void) field;
    enum sl_status s = sl_node_read_object(node, fields, SL_COUNT_OF(fields), into);
    if (s)
        return s;
    uint32_t n_keys = SL_MAX(load->aggregates, load->topics);
    if (load->publishers > n_keys)
        return sl_node_fail_member(node, "publishers",
                                   "%" PRIu32 " are more than the %" PRIu32
                                   " keys, each of which has one publisher",
                                   load->publishers, n_keys);
    if (load->keys == SL_KEYS_HOT && load->aggregates < 2)
        return sl_node_fail_member(node, "keys", "a hot key needs at least 2 aggregates");
    return SL_OK;
}

static enum sl_status
read_limits(const struct sl_node *node, const struct sl_node_field *field, void *into)
{
#define AT(member) offsetof(struct sl_scenario_load, member)
    static const struct sl_node_field fields[] = {
        {"timeout", sl_node_read_duration, AT(timeout_ns), SL_NS_PER_MS, 24 * HOUR_NS},
        {"close_deadline", sl_node_read_duration, AT(close_deadline_ns), SL_NS_PER_MS, HOUR_NS},
        {"idle", sl_node_read_duration, AT(idle_ns), SL_NS_PER_MS, 24 * HOUR_NS},
        {"settle", sl_node_read_duration, AT(settle_ns), 0, HOUR_NS},
    };
#undef AT
    (void) field;
    return sl_node_read_object(node, fields, SL_COUNT_OF(fields), into);
}

#define POOL_AT(member) offsetof(struct sl_pool_settings, member)
#define POOL_STACK                                                                                 \
    {                                                                                              \
        "stack", sl_node_read_size_u64, POOL_AT(stack_size), 16 * KIB, 64 * MIB                    \
    }

static enum sl_status
read_pool(const struct sl_node *node, const struct sl_node_field *field, void *into)
{
    static const struct sl_node_field fields[] = {
        {"workers", sl_node_read_u32, POOL_AT(workers), 1, 65536},
        {"queue", sl_node_read_u32, POOL_AT(queue), 1, 1000000},
        {"enqueue_wait", sl_node_read_duration, POOL_AT(enqueue_wait_ns), SL_NS_PER_US, HOUR_NS},
        POOL_STACK,
    };
    (void) field;
    return sl_node_read_object(node, fields, SL_COUNT_OF(fields), into);
}

/* Direct mode has neither workers nor queues; what would have no effect is refused. */
static enum sl_status
read_direct_pool(const struct sl_node *node, const struct sl_node_field *field, void *into)
{
    static const struct sl_node_field fields[] = {POOL_STACK};
    (void) field;
    return sl_node_read_object(node, fields, SL_COUNT_OF(fields), into);
}

static enum sl_status
read_modes(const struct sl_node *node, const struct sl_node_field *field, void *into)
{
#define AT(mode) ((mode) * sizeof(struct sl_pool_settings))
    static const struct sl_node_field fields[] = {
        {"keyed", read_pool, AT(SL_MODE_KEYED)},
        {"unified", read_pool, AT(SL_MODE_UNIFIED)},
        {"direct", read_direct_pool, AT(SL_MODE_DIRECT)},
    };
#undef AT
    (void) field;
    return sl_node_read_object(node, fields, SL_COUNT_OF(fields), into);
}

static enum sl_status
read_mode(const struct sl_node *node, const struct sl_node_field *field, void *into)
{
    (void) field;
    size_t word;
    enum sl_status s = sl_node_read_word(node, mode_words, SL_N_MODES, &word);
    if (s == SL_OK)
        *(enum sl_mode *) into = (enum sl_mode) word;
    return s;
}

static enum sl_status
read_play(const struct sl_node *node, const struct sl_node_field *field, void *into)
{
    bool modes[SL_N_MODES] = {false};
    size_t n;

    enum sl_status s = sl_node_read_count(node, 1, SL_N_MODES, &n);
    for (size_t i = 0; i < n && s == SL_OK; i++) {
        struct sl_node element = sl_node_element(node, i);
        enum sl_mode mode;
        s = read_mode(&element, field, &mode);
        if (s == SL_OK && modes[mode])
            s = sl_node_fail(&element, "\"%s\" is there twice", sl_mode_text(mode));
        if (s == SL_OK)
            modes[mode] = true;
    }
    if (s == SL_OK)
        memcpy(into, modes, sizeof modes);
    return s;
}

static enum sl_status
read_fault(const struct sl_node *node, const struct sl_node_field *field, void *into)
{
    enum sl_status s = sl_node_read_text(node, field, into);
    if (s)
        return s;
    for (const char *c = into; *c; c++) {
        if (!isgraph((unsigned char) *c))
            return sl_node_fail_expected(node, "names of faults with commas between them");
    }
    return SL_OK;
}

static enum sl_status
read_claim(const struct sl_node *node, const struct sl_node_field *field, void *into)
{
    struct sl_variant *variant = into;
    variant->has_claim = true;
    return sl_node_read_u64(node, field, &variant->claimed_leaks);
}

static enum sl_status read_variant(const struct sl_node *node, struct sl_variant *variant)
{
#define AT(member) offsetof(struct sl_variant, member)
    static const struct sl_node_field fields[] = {
        {"name", sl_node_read_text, AT(name), 1, sizeof variant->name - 1, true},
        {"mode", read_mode, AT(mode), .required = true},
        {"fault", read_fault, AT(fault), 1, sizeof variant->fault - 1},
        {"pool", read_pool, AT(pool)},
        {"claimed_leaks", read_claim, 0, 0, 1000000000},
    };
#undef AT
    enum sl_status s = sl_node_read_object(node, fields, SL_COUNT_OF(fields), variant);
    if (s)
        return s;
    if (variant->mode == SL_MODE_DIRECT &&
        (variant->pool.workers || variant->pool.queue || variant->pool.enqueue_wait_ns))
        return sl_node_fail_member(node, "pool", "direct mode has no workers and no queues");
    return SL_OK;
}

static enum sl_status
read_variants(const struct sl_node *node, const struct sl_node_field *field, void *into)
{
    struct sl_scenario *scenario = into;
    size_t n;

    (void) field;
    enum sl_status s = sl_node_read_count(node, 1, N_VARIANTS_MAX, &n);
    if (s)
        return s;
    scenario->variants = calloc(n, sizeof *scenario->variants);
    if (!scenario->variants)
        return sl_fail(node->input->err, SL_ENOMEM, "cannot read '%s': out of memory",
                       node->input->name);
    for (size_t i = 0; i < n; i++) {
        struct sl_node element = sl_node_element(node, i);
        struct sl_variant *variant = &scenario->variants[i];
        s = read_variant(&element, variant);
        if (s)
            return s;
        for (size_t other = 0; other < i; other++) {
            if (strcmp(scenario->variants[other].name, variant->name) == 0)
                return sl_node_fail_member(&element, "name", "an earlier variant has this name");
        }
        scenario->n_variants++;
    }
    return SL_OK;
}

/* Written for editors, which find the schema by it. */
static enum sl_status
read_schema(const struct sl_node *node, const struct sl_node_field *field, void *into)
{
    char ignored[256];
    (void) into;
    return sl_node_read_text(node, field, ignored);
}

static enum sl_status read_scenario(const struct sl_node *root, struct sl_scenario *scenario)
{
#define AT(member) offsetof(struct sl_scenario, member)
    static const struct sl_node_field fields[] = {
        {"$schema", read_schema, 0, 0, 255},
        {"description", sl_node_read_text, AT(description), 0, sizeof scenario->description - 1},
        {"load", read_load, AT(load), .required = true},
        {"limits", read_limits, AT(load)},
        {"modes", read_modes, AT(pools)},
        {"play", read_play, AT(modes)},
        {"trials", sl_node_read_u32, AT(trials), 1, 10000},
        {"variants", read_variants, 0},
    };
#undef AT
    enum sl_status s = sl_node_read_object(root, fields, SL_COUNT_OF(fields), scenario);
    if (s || !scenario->variants)
        return s;
    if (sl_node_has(root, "play"))
        return sl_node_fail_member(root, "play", "the variants say already what is played");
    memset(scenario->modes, 0, sizeof scenario->modes);
    for (size_t i = 0; i < scenario->n_variants; i++)
        scenario->modes[scenario->variants[i].mode] = true;
    return SL_OK;
}

/* "low" of "scenarios/low.json" */
static enum sl_status read_name(const char *path, char ret_name[SL_NAME_MAX], struct sl_error *err)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    size_t length = strlen(name);
    bool ok;

    if (length >= 5 && strcmp(name + length - 5, ".json") == 0)
        length -= 5;
    ok = length > 0 && length < SL_NAME_MAX && name[0] != '.';
    for (size_t i = 0; i < length && ok; i++)
        ok = isalnum((unsigned char) name[i]) || strchr("._-", name[i]);
    if (!ok)
        return sl_fail(err, SL_EINVAL,
                       "'%.*s' cannot name a scenario: letters, digits, '.', '_' and '-', at most "
                       "%d",
                       (int) SL_MIN(length, 2 * SL_NAME_MAX), name, SL_NAME_MAX - 1);
    memcpy(ret_name, name, length);
    ret_name[length] = '\0';
    return SL_OK;
}

enum sl_status sl_scenario_parse(const char *name, const char *text, size_t size,
                                 struct sl_scenario **ret_scenario, struct sl_error *err)
{
    const struct sl_node_input input = {
        .name = name, .text = {.data = size ? text : "", .size = size}, .err = err};

    if (size > SL_SCENARIO_SIZE_MAX)
        return sl_fail_parse(err, 0, 0, "%s: larger than 1MiB, which no scenario needs", name);
    SL_AUTO(sl_scenario) struct sl_scenario *scenario = malloc(sizeof *scenario);
    if (!scenario)
        return sl_fail(err, SL_ENOMEM, "cannot read '%s': out of memory", name);
    *scenario = defaults;
    enum sl_status s = read_name(name, scenario->name, err);
    if (s)
        return s;

    SL_CLEANUP(sl_node_release) struct json_t *tree = NULL;
    s = sl_node_parse(&input, &tree);
    if (s)
        return s;
    const struct sl_node root = {.value = tree, .input = &input};
    s = read_scenario(&root, scenario);
    if (s)
        return s;
    *ret_scenario = SL_TAKE(scenario);
    return SL_OK;
}

void sl_scenario_free(struct sl_scenario *scenario)
{
    if (!scenario)
        return;
    free(scenario->variants);
    free(scenario);
}
