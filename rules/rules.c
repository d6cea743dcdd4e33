/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/rules.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <strandline/leak.h>

#include "base/fail.h"
#include "base/grow.h"
#include "base/nearest.h"
#include "json/node.h"

#define GLOB_MAX   256
#define REASON_MAX 400
#define OWNER_MAX  100

/* A rule as it is read; what is not given is empty. */
struct draft {
    char module[GLOB_MAX + 1], top_function[GLOB_MAX + 1], any_function[GLOB_MAX + 1];
    char creator[GLOB_MAX + 1], thread_name[GLOB_MAX + 1], wait[GLOB_MAX + 1];
    char cause[GLOB_MAX + 1];
    char reason[REASON_MAX + 1], owner[OWNER_MAX + 1], expires[sizeof "2027-03-01"];
    uint64_t max;
};

static bool is_date(const char *text)
{
    struct tm day = {0};
    char again[sizeof "2027-03-01"];
    const char *end = strptime(text, "%Y-%m-%d", &day);

    /* The 30th of February is the 2nd of March, and no date. */
    return end && !*end && timegm(&day) >= 0 && strftime(again, sizeof again, "%Y-%m-%d", &day) &&
           strcmp(again, text) == 0;
}

static enum sl_status
read_date(const struct sl_node *node, const struct sl_node_field *field, void *into)
{
    struct draft date = {0};
    enum sl_status status = sl_node_read_text(node, field, date.expires);

    if (status)
        return status;
    if (!is_date(date.expires))
        return sl_node_fail_expected(node, "a date like \"2027-03-01\"");
    memcpy(into, date.expires, sizeof date.expires);
    return SL_OK;
}

static const char *const causes[] = {
#define X(name, text) text,
    SL_CAUSE_MAP(X)
#undef X
};
static const char *const waits[] = {
#define X(name, text) text,
    SL_WAIT_MAP(X)
#undef X
};
static const struct sl_node_words cause_words = {causes, SL_COUNT_OF(causes)};
static const struct sl_node_words wait_words = {waits, SL_COUNT_OF(waits)};

/* A glob over the words of an enum: one of them has to fit it. */
static enum sl_status
read_word_glob(const struct sl_node *node, const struct sl_node_field *field, void *into)
{
    const struct sl_node_words *words = field->words;
    enum sl_status status = sl_node_read_text(node, field, into);

    if (status)
        return status;
    for (size_t i = 0; i < words->n; i++)
        if (fnmatch(into, words->texts[i], 0) == 0)
            return SL_OK;
    const char *nearest = sl_nearest(into, words->texts, words->n);
    return sl_node_fail(node, "there is no such %s%s%s%s", field->key,
                        nearest ? ", did you mean '" : "", nearest ? nearest : "",
                        nearest ? "'?" : "");
}

#define AT(member) offsetof(struct draft, member)
#define GLOB(member)                                                                               \
    {                                                                                              \
#member, sl_node_read_text, AT(member), 1, GLOB_MAX                                        \
    }
#define PATTERN                                                                                    \
    GLOB(module), GLOB(top_function), GLOB(any_function), GLOB(creator), GLOB(thread_name),        \
    {                                                                                              \
        "wait", read_word_glob, AT(wait), 1, GLOB_MAX, .words = &wait_words                        \
    }
#define ACCOUNT                                                                                    \
    {"reason", sl_node_read_text, AT(reason), 1, REASON_MAX, true},                                \
        {"owner", sl_node_read_text, AT(owner), 1, OWNER_MAX},                                     \
    {                                                                                              \
        "expires", read_date, AT(expires), sizeof "2027-03-01" - 1, sizeof "2027-03-01" - 1        \
    }
static const struct sl_node_field ignore_fields[] = {
    PATTERN,
    {"cause", read_word_glob, AT(cause), 1, GLOB_MAX, .words = &cause_words},
    {"max", sl_node_read_u64, AT(max), 1, UINT32_MAX},
    ACCOUNT,
};
static const struct sl_node_field other_fields[] = {PATTERN, ACCOUNT};
#undef AT

#define TABLE(fields) ((struct sl_node_table){(fields), SL_COUNT_OF(fields)})

/* Names as no two of a kind would be: a glob that fits all of them fits whatever there is. */
static bool fits_everything(const char *glob)
{
    static const char *const names[] = {"a",   "Z", "0", "_", ".", "Worker<int>::run(char const*)",
                                        "/x-1"};

    for (size_t i = 0; i < SL_COUNT_OF(names); i++)
        if (fnmatch(glob, names[i], 0) != 0)
            return false;
    return true;
}

static bool fits_every_word(const char *glob, const struct sl_node_words *words)
{
    for (size_t i = 0; i < words->n; i++)
        if (fnmatch(glob, words->texts[i], 0) != 0)
            return false;
    return true;
}

/* Is there a part of the pattern that some thread does not fit? */
static enum sl_status check_pattern(const struct sl_node *node, const struct draft *draft)
{
    const char *const globs[] = {draft->module,  draft->top_function, draft->any_function,
                                 draft->creator, draft->thread_name,  draft->wait,
                                 draft->cause};
    bool any = false, narrow = (*draft->wait && !fits_every_word(draft->wait, &wait_words)) ||
                               (*draft->cause && !fits_every_word(draft->cause, &cause_words));

    for (size_t i = 0; i < SL_COUNT_OF(globs); i++) {
        any = any || *globs[i];
        narrow = narrow || (*globs[i] && globs[i] != draft->wait && globs[i] != draft->cause &&
                            !fits_everything(globs[i]));
    }
    if (!any)
        return sl_node_fail(node, "it says of no thread what it looks like: module, top_function, "
                                  "any_function, creator, thread_name, wait or cause");
    return narrow ? SL_OK : sl_node_fail(node, "this pattern fits every thread");
}

/* A copy; NULL for what is not given.  *good is false when memory is short. */
static const char *keep(struct sl_arena *arena, const char *text, bool *good)
{
    const char *copy = *text ? sl_arena_strdup(arena, text) : NULL;

    *good = *good && (copy || !*text);
    return copy;
}

static enum sl_status add_rule(struct sl_rules *rules, const struct sl_node *node,
                               enum sl_leak_rule_kind kind, const struct draft *draft)
{
    const struct sl_locate_text *text = &node->input->text;
    struct sl_arena *arena = rules->arena;
    bool good = sl_grow(&rules->rules, &rules->capacity, rules->n + 1);
    unsigned line = 0, column;

    sl_locate_position(text, sl_locate_value(text, &node->path), &line, &column);
    const struct sl_leak_rule rule = {
        .kind = kind,
        .index = rules->n,
        .pattern = {.module = keep(arena, draft->module, &good),
                    .top_function = keep(arena, draft->top_function, &good),
                    .any_function = keep(arena, draft->any_function, &good),
                    .creator = keep(arena, draft->creator, &good),
                    .thread_name = keep(arena, draft->thread_name, &good),
                    .wait = keep(arena, draft->wait, &good),
                    .cause = keep(arena, draft->cause, &good)},
        .reason = keep(arena, draft->reason, &good),
        .owner = keep(arena, draft->owner, &good),
        .file = keep(arena, node->input->name, &good),
        .line = line,
        .expires = keep(arena, draft->expires, &good),
        .expired = *draft->expires && strcmp(draft->expires, rules->today) < 0,
        .max = draft->max ? SL_VALUE(draft->max) : SL_NOT_SAID,
    };
    if (!good)
        return sl_fail(node->input->err, SL_ENOMEM, "cannot read '%s': out of memory",
                       node->input->name);
    rules->rules[rules->n++] = rule;
    return SL_OK;
}

static enum sl_status
read_rules(const struct sl_node *node, enum sl_leak_rule_kind kind, struct sl_rules *rules)
{
    const struct sl_node_table table =
        kind == SL_LEAK_RULE_IGNORE ? TABLE(ignore_fields) : TABLE(other_fields);
    size_t n;

    enum sl_status status = sl_node_read_count(node, 0, SL_RULES_MAX, &n);
    for (size_t i = 0; !status && i < n; i++) {
        struct sl_node element = sl_node_element(node, i);
        struct draft draft = {0};
        status = sl_node_read_table(&element, &table, &draft);
        if (!status)
            status = check_pattern(&element, &draft);
        if (!status)
            status = add_rule(rules, &element, kind, &draft);
    }
    return status;
}

static enum sl_status
read_ignore(const struct sl_node *node, const struct sl_node_field *field, void *into)
{
    (void) field;
    return read_rules(node, SL_LEAK_RULE_IGNORE, into);
}

static enum sl_status
read_witnesses(const struct sl_node *node, const struct sl_node_field *field, void *into)
{
    (void) field;
    return read_rules(node, SL_LEAK_RULE_WITNESS, into);
}

static enum sl_status
read_resident(const struct sl_node *node, const struct sl_node_field *field, void *into)
{
    (void) field;
    return read_rules(node, SL_LEAK_RULE_RESIDENT, into);
}

static enum sl_status
read_queues(const struct sl_node *node, const struct sl_node_field *field, void *into)
{
    (void) field;
    return read_rules(node, SL_LEAK_RULE_QUEUE, into);
}

static enum sl_status
read_schema(const struct sl_node *node, const struct sl_node_field *field, void *into)
{
    (void) field, (void) into;
    return sl_node_is_text(node, "strandline.rules/1")
               ? SL_OK
               : sl_node_fail_expected(node, "\"strandline.rules/1\"");
}

/* Written for editors, which find the schema by it. */
static enum sl_status
read_editor(const struct sl_node *node, const struct sl_node_field *field, void *into)
{
    char ignored[256];
    (void) into;
    return sl_node_read_text(node, field, ignored);
}

static const struct sl_node_field file_fields[] = {
    {"schema", read_schema, .required = true},
    {"$schema", read_editor, 0, 0, 255},
    {"ignore", read_ignore},
    {"witnesses", read_witnesses},
    {"resident", read_resident},
    {"queues", read_queues},
};

enum sl_status sl_rules_parse(struct sl_rules *rules, const char *name, const char *text,
                              size_t size, struct sl_error *err)
{
    const struct sl_node_input input = {.name = name,
                                        .what = "rules",
                                        .text = {.data = size ? text : "", .size = size},
                                        .err = err};
    const struct sl_node_table table = TABLE(file_fields);
    const size_t before = rules->n;

    if (size > SL_RULES_SIZE_MAX)
        return sl_fail_parse(err, 0, 0, "%s: larger than 256KiB, which no rules need", name);
    SL_CLEANUP(sl_node_release) struct json_t *tree = NULL;
    enum sl_status status = sl_node_parse(&input, &tree);
    if (status)
        return status;
    const struct sl_node root = {.value = tree, .input = &input};
    status = sl_node_read_table(&root, &table, rules);
    if (status)
        rules->n = before;
    return status;
}

enum sl_status sl_rules_init(struct sl_rules *rules, struct sl_error *err)
{
    time_t now = time(NULL);
    struct tm day;

    *rules = (struct sl_rules){.arena = sl_arena_new()};
    if (!rules->arena)
        return sl_fail(err, SL_ENOMEM, "out of memory for rules");
    (void) strftime(rules->today, sizeof rules->today, "%Y-%m-%d", gmtime_r(&now, &day));
    return SL_OK;
}

void sl_rules_release(struct sl_rules *rules)
{
    free(rules->rules);
    sl_arena_free(rules->arena);
    *rules = (struct sl_rules){0};
}
