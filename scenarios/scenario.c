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
#define ZIPF_EXPONENT_MAX 10

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

#define WORDS(array) (&(const struct sl_node_words){(array), SL_COUNT_OF(array)})
#define TABLE(array)                                                                               \
    {                                                                                              \
        (array), SL_COUNT_OF(array)                                                                \
    }

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

#define AT(member) offsetof(struct keys, member)
static const struct sl_node_field keys_fields[] = {
    {"distribution", sl_node_read_word, AT(distribution), .words = WORDS(distribution_words),
     .required = true},
    {"exponent", sl_node_read_real, AT(exponent), 0, ZIPF_EXPONENT_MAX},
    {"share", sl_node_read_real, AT(share), 0, 1},
    {"cost", sl_node_read_duration, AT(cost_ns), SL_NS_PER_US, HOUR_NS},
};
#undef AT
static const struct sl_node_table keys_table = TABLE(keys_fields);

static enum sl_status
read_keys(const struct sl_node *node, const struct sl_node_field *field, void *into)
{
    struct sl_scenario_load *load = into;
    struct keys keys = {0};

    (void) field;
    enum sl_status status = sl_node_read_table(node, &keys_table, &keys);
    if (status)
        return status;
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

#define AT(member) offsetof(struct sl_scenario_load, member)
static const struct sl_node_field handler_fields[] = {
    {"kind", sl_node_read_word, AT(handler), .words = WORDS(handler_words), .required = true},
    {"cost", sl_node_read_duration, AT(handler_cost_ns), 0, HOUR_NS},
};
static const struct sl_node_table handler_table = TABLE(handler_fields);

static enum sl_status
read_handler(const struct sl_node *node, const struct sl_node_field *field, void *into)
{
    const struct sl_scenario_load *load = into;

    (void) field;
    enum sl_status status = sl_node_read_table(node, &handler_table, into);
    if (status == SL_OK && load->handler == SL_HANDLER_HANG && sl_node_has(node, "cost"))
        return sl_node_fail_member(node, "cost", "a handler that hangs has no cost");
    return status;
}

static const struct sl_node_field load_fields[] = {
    {"events", sl_node_read_u32, AT(events), 1, 10000000, .required = true},
    {"rate", read_rate, AT(rate), 1, 10000000},
    {"topics", sl_node_read_u32, AT(topics), 1, 1000},
    {"aggregates", sl_node_read_u32, AT(aggregates), 1, 100000},
    {"payload", sl_node_read_size_u32, AT(payload), SL_PAYLOAD_MIN, 64 * MIB},
    {"publishers", sl_node_read_u32, AT(publishers), 1, 1024},
    {"keys", read_keys, 0},
    {"handler", read_handler, 0},
    {"storage", sl_node_read_word, AT(storage), .words = WORDS(storage_words)},
};
static const struct sl_node_table load_table = TABLE(load_fields);

static enum sl_status
read_load(const struct sl_node *node, const struct sl_node_field *field, void *into)
{
    const struct sl_scenario_load *load = into;

    (void) field;
    enum sl_status status = sl_node_read_table(node, &load_table, into);
    if (status)
        return status;
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

static const struct sl_node_field limits_fields[] = {
    {"timeout", sl_node_read_duration, AT(timeout_ns), SL_NS_PER_MS, 24 * HOUR_NS},
    {"close_deadline", sl_node_read_duration, AT(close_deadline_ns), SL_NS_PER_MS, HOUR_NS},
    {"idle", sl_node_read_duration, AT(idle_ns), SL_NS_PER_MS, 24 * HOUR_NS},
    {"settle", sl_node_read_duration, AT(settle_ns), 0, HOUR_NS},
};
#undef AT
static const struct sl_node_table limits_table = TABLE(limits_fields);

#define AT(member) offsetof(struct sl_pool_settings, member)
#define STACK                                                                                      \
    {                                                                                              \
        "stack", sl_node_read_size_u64, AT(stack_size), 16 * KIB, 64 * MIB                         \
    }
static const struct sl_node_field pool_fields[] = {
    {"workers", sl_node_read_u32, AT(workers), 1, 65536},
    {"queue", sl_node_read_u32, AT(queue), 1, 1000000},
    {"enqueue_wait", sl_node_read_duration, AT(enqueue_wait_ns), SL_NS_PER_US, HOUR_NS},
    STACK,
};
static const struct sl_node_table pool_table = TABLE(pool_fields);

/* Direct mode has neither workers nor queues; what would have no effect is refused. */
static const struct sl_node_field direct_fields[] = {STACK};
static const struct sl_node_table direct_table = TABLE(direct_fields);
#undef AT

#define AT(mode) ((mode) * sizeof(struct sl_pool_settings))
static const struct sl_node_field modes_fields[] = {
    {"keyed", sl_node_read_object, AT(SL_MODE_KEYED), .table = &pool_table},
    {"unified", sl_node_read_object, AT(SL_MODE_UNIFIED), .table = &pool_table},
    {"direct", sl_node_read_object, AT(SL_MODE_DIRECT), .table = &direct_table},
};
#undef AT
static const struct sl_node_table modes_table = TABLE(modes_fields);

static enum sl_status
read_play(const struct sl_node *node, const struct sl_node_field *field, void *into)
{
    bool modes[SL_N_MODES] = {false};
    size_t n;

    enum sl_status status = sl_node_read_count(node, 1, SL_N_MODES, &n);
    for (size_t i = 0; i < n && status == SL_OK; i++) {
        struct sl_node element = sl_node_element(node, i);
        enum sl_mode mode;
        status = sl_node_read_word(&element, field, &mode);
        if (status == SL_OK && modes[mode])
            status = sl_node_fail(&element, "\"%s\" is there twice", sl_mode_text(mode));
        if (status == SL_OK)
            modes[mode] = true;
    }
    if (status == SL_OK)
        memcpy(into, modes, sizeof modes);
    return status;
}

static enum sl_status
read_fault(const struct sl_node *node, const struct sl_node_field *field, void *into)
{
    enum sl_status status = sl_node_read_text(node, field, into);
    if (status)
        return status;
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

#define AT(member) offsetof(struct sl_variant, member)
static const struct sl_node_field variant_fields[] = {
    {"name", sl_node_read_text, AT(name), 1, SL_NAME_MAX - 1, true},
    {"mode", sl_node_read_word, AT(mode), .words = WORDS(mode_words), .required = true},
    {"fault", read_fault, AT(fault), 1, 2 * SL_NAME_MAX - 1},
    {"pool", sl_node_read_object, AT(pool), .table = &pool_table},
    {"claimed_leaks", read_claim, 0, 0, 1000000000},
};
#undef AT
static const struct sl_node_table variant_table = TABLE(variant_fields);

static enum sl_status read_variant(const struct sl_node *node, struct sl_variant *variant)
{
    enum sl_status status = sl_node_read_table(node, &variant_table, variant);
    if (status)
        return status;
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
    enum sl_status status = sl_node_read_count(node, 1, N_VARIANTS_MAX, &n);
    if (status)
        return status;
    scenario->variants = calloc(n, sizeof *scenario->variants);
    if (!scenario->variants)
        return sl_fail(node->input->err, SL_ENOMEM, "cannot read '%s': out of memory",
                       node->input->name);
    for (size_t i = 0; i < n; i++) {
        struct sl_node element = sl_node_element(node, i);
        struct sl_variant *variant = &scenario->variants[i];
        status = read_variant(&element, variant);
        if (status)
            return status;
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

#define AT(member) offsetof(struct sl_scenario, member)
static const struct sl_node_field scenario_fields[] = {
    {"$schema", read_schema, 0, 0, 255},
    {"description", sl_node_read_text, AT(description), 0, sizeof defaults.description - 1},
    {"load", read_load, AT(load), .required = true},
    {"limits", sl_node_read_object, AT(load), .table = &limits_table},
    {"modes", sl_node_read_object, AT(pools), .table = &modes_table},
    {"play", read_play, AT(modes), .words = WORDS(mode_words)},
    {"trials", sl_node_read_u32, AT(trials), 1, 10000},
    {"variants", read_variants, 0},
};
#undef AT
static const struct sl_node_table scenario_table = TABLE(scenario_fields);

static enum sl_status read_scenario(const struct sl_node *root, struct sl_scenario *scenario)
{
    enum sl_status status = sl_node_read_table(root, &scenario_table, scenario);
    if (status || !scenario->variants)
        return status;
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
    const struct sl_node_input input = {.name = name,
                                        .what = "scenario",
                                        .text = {.data = size ? text : "", .size = size},
                                        .err = err};

    if (size > SL_SCENARIO_SIZE_MAX)
        return sl_fail_parse(err, 0, 0, "%s: larger than 1MiB, which no scenario needs", name);
    SL_AUTO(sl_scenario) struct sl_scenario *scenario = malloc(sizeof *scenario);
    if (!scenario)
        return sl_fail(err, SL_ENOMEM, "cannot read '%s': out of memory", name);
    *scenario = defaults;
    enum sl_status status = read_name(name, scenario->name, err);
    if (status)
        return status;

    SL_CLEANUP(sl_node_release) struct json_t *tree = NULL;
    status = sl_node_parse(&input, &tree);
    if (status)
        return status;
    const struct sl_node root = {.value = tree, .input = &input};
    status = read_scenario(&root, scenario);
    if (status)
        return status;
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
