/* SPDX-License-Identifier: Apache-2.0 */
/* The loader, the scenarios that come with the project, and the cases in tests/data/scenario. */
#include "sl_test.h"

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/macros.h"
#include "scenarios/scenario.h"

static struct sl_error err; /* of the call made last; a test is a process of its own */

#define SHIPPED SL_TEST_SOURCE_ROOT "/scenarios"
#define CASES   SL_TEST_SOURCE_ROOT "/tests/data/scenario"

static struct sl_scenario *load_shipped(const char *name)
{
    struct sl_scenario *scenario = NULL;
    sl_assert_ok(sl_scenario_load(name, SHIPPED, &scenario, &err), &err);
    return scenario;
}

static struct sl_scenario *parse_text(const char *text)
{
    struct sl_scenario *scenario = NULL;
    sl_assert_ok(sl_scenario_parse("text.json", text, strlen(text), &scenario, &err), &err);
    return scenario;
}

static size_t read_whole(const char *path, char *ret_data, size_t capacity)
{
    FILE *file = fopen(path, "rb");
    cr_assert_not_null(file, "%s", path);
    size_t size = fread(ret_data, 1, capacity - 1, file);
    (void) fclose(file);
    ret_data[size] = '\0';
    return size;
}

static void write_whole(const char *path, const char *data, size_t size)
{
    FILE *file = fopen(path, "wb");
    cr_assert_not_null(file, "%s", path);
    cr_assert_eq(fwrite(data, 1, size, file), size);
    cr_assert_eq(fclose(file), 0);
}

static void assert_pool(const struct sl_pool_settings *pool, uint32_t workers)
{
    cr_assert_eq(pool->workers, workers);
    cr_assert_eq(pool->queue, 1000);
    cr_assert_eq(pool->enqueue_wait_ns, 200 * SL_NS_PER_MS);
    cr_assert_eq(pool->stack_size, 64 * 1024);
}

static void assert_level(const char *name, uint32_t events, uint64_t timeout_s)
{
    SL_AUTO(sl_scenario) struct sl_scenario *scenario = load_shipped(name);
    const struct sl_scenario_load *load = &scenario->load;

    cr_assert_str_eq(scenario->name, name);
    cr_assert_eq(load->events, events, "%s", name);
    cr_assert_eq(load->timeout_ns, timeout_s * SL_NS_PER_S, "%s", name);
    cr_assert_eq(load->topics, 5);
    cr_assert_eq(load->aggregates, 100);
    cr_assert_eq(load->payload, 256);
    cr_assert_eq(load->publishers, 1);
    cr_assert_eq(load->rate, 0);
    cr_assert_eq(load->keys, SL_KEYS_UNIFORM);
    cr_assert_eq(load->handler, SL_HANDLER_SPIN);
    cr_assert_eq(load->handler_cost_ns, 0);
    cr_assert_eq(load->storage, SL_STORAGE_MEMORY);
    cr_assert_eq(load->close_deadline_ns, 10 * SL_NS_PER_S);
    cr_assert_eq(load->settle_ns, 2 * SL_NS_PER_S);
    assert_pool(&scenario->pools[SL_MODE_KEYED], 1024);
    assert_pool(&scenario->pools[SL_MODE_UNIFIED], 64);
    cr_assert_eq(scenario->pools[SL_MODE_DIRECT].stack_size, 64 * 1024);
    cr_assert(scenario->modes[SL_MODE_KEYED] && scenario->modes[SL_MODE_UNIFIED]);
    cr_assert_not(scenario->modes[SL_MODE_DIRECT], "direct is played only when asked for");
    cr_assert_eq(scenario->trials, 1);
    cr_assert_null(scenario->variants);
}

SL_TEST(scenario, the_four_levels_differ_in_events_and_timeout_only)
{
    assert_level("low", 500, 60);
    assert_level("medium", 2000, 120);
    assert_level("high", 5000, 180);
    assert_level("extreme", 10000, 300);
}

SL_TEST(scenario, the_incident_has_the_original_and_three_fixes_with_their_claims)
{
    static const char faults[] = "pool-not-stopped,orphan-fetcher";
    static const struct {
        const char *name, *fault;
        enum sl_mode mode;
        uint32_t workers;
        uint64_t claimed;
    } expected[] = {
        {"as it was", faults, SL_MODE_KEYED, 0, 5130},
        {"fix 1: unified pool only", "", SL_MODE_UNIFIED, 0, 6},
        {"fix 2: Stop repaired", "", SL_MODE_KEYED, 0, 0},
        {"fix 3: 64 workers", faults, SL_MODE_KEYED, 64, 320},
    };
    SL_AUTO(sl_scenario) struct sl_scenario *incident = load_shipped("incident");

    cr_assert_eq(incident->n_variants, SL_COUNT_OF(expected));
    for (size_t i = 0; i < SL_COUNT_OF(expected); i++) {
        const struct sl_variant *variant = &incident->variants[i];
        cr_assert_str_eq(variant->name, expected[i].name);
        cr_assert_str_eq(variant->fault, expected[i].fault);
        cr_assert_eq(variant->mode, expected[i].mode);
        cr_assert_eq(variant->pool.workers, expected[i].workers);
        cr_assert(variant->has_claim);
        cr_assert_eq(variant->claimed_leaks, expected[i].claimed);
    }
    assert_pool(&incident->pools[SL_MODE_KEYED], 1024);
    cr_assert(incident->modes[SL_MODE_KEYED] && incident->modes[SL_MODE_UNIFIED]);
    cr_assert_not(incident->modes[SL_MODE_DIRECT]);
}

SL_TEST(scenario, the_incident_runs_under_the_load_of_low)
{
    SL_AUTO(sl_scenario) struct sl_scenario *incident = load_shipped("incident");
    SL_AUTO(sl_scenario) struct sl_scenario *low = load_shipped("low");
    cr_assert_eq(memcmp(&incident->load, &low->load, sizeof low->load), 0);
}

SL_TEST(scenario, what_is_left_out_has_the_documented_defaults)
{
    static const struct sl_pool_settings nothing = {0};
    SL_AUTO(sl_scenario) struct sl_scenario *scenario = parse_text("{\"load\": {\"events\": 7}}");
    const struct sl_scenario_load *load = &scenario->load;

    cr_assert_str_eq(scenario->name, "text");
    cr_assert_str_eq(scenario->description, "");
    cr_assert_eq(load->events, 7);
    cr_assert_eq(load->topics, 5);
    cr_assert_eq(load->aggregates, 100);
    cr_assert_eq(load->payload, 256);
    cr_assert_eq(load->publishers, 1);
    cr_assert_eq(load->rate, 0);
    cr_assert_eq(load->timeout_ns, 60 * SL_NS_PER_S);
    cr_assert_eq(load->close_deadline_ns, 10 * SL_NS_PER_S);
    cr_assert_eq(load->settle_ns, 2 * SL_NS_PER_S);
    cr_assert(scenario->modes[SL_MODE_KEYED] && scenario->modes[SL_MODE_UNIFIED]);
    cr_assert_not(scenario->modes[SL_MODE_DIRECT]);
    cr_assert_eq(scenario->trials, 1);
    for (size_t i = 0; i < SL_N_MODES; i++)
        cr_assert_eq(memcmp(&scenario->pools[i], &nothing, sizeof nothing), 0);
}

SL_TEST(scenario, every_key_reaches_its_field)
{
    SL_AUTO(sl_scenario)
    struct sl_scenario *scenario = parse_text(
        "{\"description\": \"d\", \"load\": {\"events\": 11, \"rate\": 12, \"topics\": 13,"
        " \"aggregates\": 14, \"payload\": \"100B\", \"publishers\": 10,"
        " \"keys\": {\"distribution\": \"zipf\", \"exponent\": 1.1},"
        " \"handler\": {\"kind\": \"sleep\", \"cost\": \"50us\"}, \"storage\": \"file\"},"
        " \"limits\": {\"timeout\": \"1s\", \"close_deadline\": \"2s\", \"settle\": \"3s\"},"
        " \"modes\": {\"unified\": {\"workers\": 21, \"queue\": 22, \"enqueue_wait\": \"23ms\","
        " \"stack\": \"24KiB\"}}, \"play\": [\"direct\"], \"trials\": 31}");
    const struct sl_scenario_load *load = &scenario->load;
    const struct sl_pool_settings *unified = &scenario->pools[SL_MODE_UNIFIED];

    cr_assert_str_eq(scenario->description, "d");
    cr_assert_eq(load->events, 11);
    cr_assert_eq(load->rate, 12);
    cr_assert_eq(load->topics, 13);
    cr_assert_eq(load->aggregates, 14);
    cr_assert_eq(load->payload, 100);
    cr_assert_eq(load->publishers, 10);
    cr_assert_eq(load->keys, SL_KEYS_ZIPF);
    cr_assert_eq(load->keys_parameter, 1.1);
    cr_assert_eq(load->handler, SL_HANDLER_SLEEP);
    cr_assert_eq(load->handler_cost_ns, 50 * SL_NS_PER_US);
    cr_assert_eq(load->storage, SL_STORAGE_FILE);
    cr_assert_eq(load->timeout_ns, SL_NS_PER_S);
    cr_assert_eq(load->close_deadline_ns, 2 * SL_NS_PER_S);
    cr_assert_eq(load->settle_ns, 3 * SL_NS_PER_S);
    cr_assert_eq(unified->workers, 21);
    cr_assert_eq(unified->queue, 22);
    cr_assert_eq(unified->enqueue_wait_ns, 23 * SL_NS_PER_MS);
    cr_assert_eq(unified->stack_size, 24 * 1024);
    cr_assert(scenario->modes[SL_MODE_DIRECT]);
    cr_assert_not(scenario->modes[SL_MODE_KEYED] || scenario->modes[SL_MODE_UNIFIED]);
    cr_assert_eq(scenario->trials, 31);
}

SL_TEST(scenario, a_mode_word_is_read_back_and_another_word_is_none)
{
    enum sl_mode mode = SL_N_MODES;
    for (size_t i = 0; i < SL_N_MODES; i++) {
        cr_assert(sl_mode_parse(sl_mode_text((enum sl_mode) i), &mode));
        cr_assert_eq((size_t) mode, i);
    }
    cr_assert_not(sl_mode_parse("pooled", &mode));
    cr_assert_eq(mode, SL_N_MODES - 1, "untouched by a word that is no mode");
}

SL_TEST(scenario, key_distributions_are_shown_with_their_parameter)
{
    struct sl_scenario_load load = {.keys = SL_KEYS_UNIFORM};
    char text[32];

    sl_keys_format(&load, text, sizeof text);
    cr_assert_str_eq(text, "uniform");
    load = (struct sl_scenario_load){.keys = SL_KEYS_ZIPF, .keys_parameter = 1.1};
    sl_keys_format(&load, text, sizeof text);
    cr_assert_str_eq(text, "zipf:1.1");
    load = (struct sl_scenario_load){.keys = SL_KEYS_HOT, .keys_parameter = 0.5};
    sl_keys_format(&load, text, sizeof text);
    cr_assert_str_eq(text, "hot:0.5");
    load = (struct sl_scenario_load){.keys = SL_KEYS_SLOW, .keys_parameter = 0.005};
    sl_keys_format(&load, text, sizeof text);
    cr_assert_str_eq(text, "slow:0.005s");
}

/* Call check for each folder in a folder of cases.  @return number of cases */
static size_t each_case(const char *folder, void (*check)(const char *directory))
{
    struct dirent **entries;
    size_t n_cases = 0;
    int n = scandir(folder, &entries, NULL, alphasort);

    cr_assert_geq(n, 0, "%s", folder);
    for (int i = 0; i < n; i++) {
        char path[1024];
        (void) snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name);
        if (entries[i]->d_name[0] != '.') {
            check(path);
            n_cases++;
        }
        free(entries[i]);
    }
    free(entries);
    return n_cases;
}

static void check_valid(const char *directory)
{
    SL_AUTO(sl_scenario) struct sl_scenario *scenario = NULL;
    char path[1100];

    (void) snprintf(path, sizeof path, "%s/input.json", directory);
    sl_assert_ok(sl_scenario_load(path, NULL, &scenario, &err), &err);
    cr_assert_str_eq(scenario->name, "input");
}

SL_TEST(scenario, every_valid_case_is_accepted)
{
    cr_assert_gt(each_case(CASES "/valid", check_valid), 5);
}

/* `error` has "LINE:COLUMN: PART OF THE TEXT". */
static void check_invalid(const char *directory)
{
    SL_AUTO(sl_scenario) struct sl_scenario *scenario = NULL;
    static char input[64 * 1024];
    char path[1100], expected[512];
    unsigned line = 0, column = 0;
    int text_at = 0;

    (void) snprintf(path, sizeof path, "%s/error", directory);
    (void) read_whole(path, expected, sizeof expected);
    expected[strcspn(expected, "\n")] = '\0';
    cr_assert_eq(sscanf(expected, "%u:%u: %n", &line, &column, &text_at), 2, "%s", path);

    (void) snprintf(path, sizeof path, "%s/input.json", directory);
    size_t size = read_whole(path, input, sizeof input);
    err = (struct sl_error){0};
    enum sl_status status = sl_scenario_parse("input.json", input, size, &scenario, &err);
    cr_expect_eq(status, SL_EPARSE, "%s: %s", directory, sl_status_text(status));
    cr_expect(err.line == line && err.column == column, "%s: position %u:%u in '%s'", directory,
              err.line, err.column, err.text);
    (void) snprintf(path, sizeof path, "input.json:%s", expected);
    cr_expect_eq(strncmp(err.text, path, strlen(path)), 0, "%s:\n   got '%s'\n  not '%s'",
                 directory, err.text, path);
    cr_expect_null(scenario, "%s: output is set on success only", directory);
}

SL_TEST(scenario, every_invalid_case_is_refused_with_its_position_and_text)
{
    cr_assert_gt(each_case(CASES "/invalid", check_invalid), 90);
}

SL_TEST(scenario, an_input_above_the_size_limit_is_refused_and_one_at_it_is_read)
{
    SL_AUTO(sl_scenario) struct sl_scenario *scenario = NULL;
    SL_AUTO_FREE char *text = malloc(SL_SCENARIO_SIZE_MAX + 1);
    static const char content[] = "{\"load\": {\"events\": 1}}";

    cr_assert_not_null(text);
    memset(text, ' ', SL_SCENARIO_SIZE_MAX + 1);
    memcpy(text, content, strlen(content));
    sl_assert_fails(sl_scenario_parse("big.json", text, SL_SCENARIO_SIZE_MAX + 1, &scenario, &err),
                    SL_EPARSE, &err, "big.json: larger than 1MiB");
    sl_assert_ok(sl_scenario_parse("big.json", text, SL_SCENARIO_SIZE_MAX, &scenario, &err), &err);
}

SL_TEST(scenario, a_long_path_leaves_room_for_what_is_wrong)
{
    SL_AUTO(sl_scenario) struct sl_scenario *scenario = NULL;
    char name[600];

    memset(name, 'd', sizeof name);
    memcpy(name + sizeof name - 12, "/wrong.json", 12);
    sl_assert_fails(sl_scenario_parse(name, "{}", 2, &scenario, &err), SL_EPARSE, &err,
                    "/wrong.json:1:1: 'load' is missing");
}

SL_TEST(scenario, a_file_name_that_is_no_name_is_refused)
{
    char longer[SL_NAME_MAX + sizeof ".json"];
    const char *const cases[] = {"", ".json", "a/", "a b.json", "a\nb.json", ".hidden", longer};

    memset(longer, 'a', SL_NAME_MAX);
    memcpy(longer + SL_NAME_MAX, ".json", sizeof ".json");
    for (size_t i = 0; i < SL_COUNT_OF(cases); i++) {
        SL_AUTO(sl_scenario) struct sl_scenario *scenario = NULL;
        sl_assert_fails(sl_scenario_parse(cases[i], "{}", 2, &scenario, &err), SL_EINVAL, &err,
                        "cannot name a scenario");
    }
}

SL_TEST(scenario, errors_are_returned_also_to_who_wants_no_detail)
{
    SL_AUTO(sl_scenario) struct sl_scenario *scenario = NULL;
    cr_assert_eq(sl_scenario_parse("a", "{", 1, &scenario, NULL), SL_EPARSE);
    cr_assert_eq(sl_scenario_parse("a", "{\"x\":1}", 7, &scenario, NULL), SL_EPARSE);
    cr_assert_eq(sl_scenario_load("/nowhere/x.json", NULL, &scenario, NULL), SL_ENOENT);
}

/* Two directories, `first` and `second`, in a temporary one. */
struct places {
    char root[64], first[80], second[80], search_path[256];
};

static struct places make_places(void)
{
    struct places places;

    (void) snprintf(places.root, sizeof places.root, "/tmp/strandline-test-XXXXXX");
    cr_assert_not_null(mkdtemp(places.root));
    (void) snprintf(places.first, sizeof places.first, "%s/first", places.root);
    (void) snprintf(places.second, sizeof places.second, "%s/second", places.root);
    cr_assert_eq(mkdir(places.first, 0700), 0);
    cr_assert_eq(mkdir(places.second, 0700), 0);
    (void) snprintf(places.search_path, sizeof places.search_path, "%s/none:%s::%s/:", places.root,
                    places.first, places.second);
    return places;
}

static void put_scenario(const char *directory, const char *name, const char *text)
{
    char path[256];
    (void) snprintf(path, sizeof path, "%s/%s", directory, name);
    write_whole(path, text, strlen(text));
}

static void remove_places(const struct places *places)
{
    const char *const directories[] = {places->first, places->second};
    for (size_t i = 0; i < SL_COUNT_OF(directories); i++) {
        struct dirent **entries;
        int n = scandir(directories[i], &entries, NULL, NULL);
        for (int k = 0; k < n; k++) {
            char path[1024];
            (void) snprintf(path, sizeof path, "%s/%s", directories[i], entries[k]->d_name);
            (void) remove(path); /* fails for "." and "..", as it should */
            free(entries[k]);
        }
        free(entries);
        (void) rmdir(directories[i]);
    }
    cr_assert_eq(rmdir(places->root), 0);
}

#define ONE "{\"load\": {\"events\": 1}}"
#define TWO "{\"load\": {\"events\": 2}}"

SL_TEST(scenario, the_first_place_on_the_search_path_wins)
{
    SL_AUTO(sl_scenario) struct sl_scenario *both = NULL, *other = NULL;
    SL_CLEANUP(remove_places) struct places places = make_places();

    put_scenario(places.first, "both.json", ONE);
    put_scenario(places.second, "both.json", TWO);
    put_scenario(places.second, "other.json", TWO);
    sl_assert_ok(sl_scenario_load("both", places.search_path, &both, &err), &err);
    cr_assert_eq(both->load.events, 1);
    sl_assert_ok(sl_scenario_load("other", places.search_path, &other, &err), &err);
    cr_assert_eq(other->load.events, 2);
}

SL_TEST(scenario, a_broken_file_is_reported_and_not_passed_over)
{
    SL_AUTO(sl_scenario) struct sl_scenario *scenario = NULL;
    SL_CLEANUP(remove_places) struct places places = make_places();

    put_scenario(places.first, "both.json", "{");
    put_scenario(places.second, "both.json", TWO);
    sl_assert_fails(sl_scenario_load("both", places.search_path, &scenario, &err), SL_EPARSE, &err,
                    "/first/both.json:1:2: ");
}

SL_TEST(scenario, an_unknown_name_is_reported_with_the_places_tried)
{
    SL_AUTO(sl_scenario) struct sl_scenario *scenario = NULL;
    sl_assert_fails(sl_scenario_load("lwo", "/some/where:/else", &scenario, &err), SL_ENOENT, &err,
                    "no scenario 'lwo': there is no 'lwo.json' in '/some/where:/else'");
    sl_assert_fails(sl_scenario_load("lwo", NULL, &scenario, &err), SL_ENOENT, &err, SHIPPED);
    sl_assert_fails(sl_scenario_load("./low", NULL, &scenario, &err), SL_ENOENT, &err,
                    "cannot open './low'");
    sl_assert_fails(sl_scenario_load("/tmp/", NULL, &scenario, &err), SL_ESYS, &err,
                    "cannot read '/tmp/'");
}

SL_TEST(scenario, shipped_scenarios_are_found_without_a_search_path)
{
    SL_AUTO(sl_scenario) struct sl_scenario *scenario = NULL;
    sl_assert_ok(sl_scenario_load("low", NULL, &scenario, &err), &err);
    cr_assert_str_eq(scenario->name, "low");
}

SL_TEST(scenario, the_list_is_sorted_without_doubles_and_without_what_cannot_be_read)
{
    static const char *const expected[] = {"a", "b", "c"};
    SL_AUTO(sl_scenario_list) struct sl_scenario_list *list = NULL;
    SL_CLEANUP(remove_places) struct places places = make_places();

    put_scenario(places.first, "c.json", ONE);
    put_scenario(places.first, "a.json", ONE);
    put_scenario(places.first, "broken.json", "{");
    put_scenario(places.second, "broken.json", ONE);
    put_scenario(places.second, "a.json", TWO);
    put_scenario(places.second, "b.json", TWO);
    put_scenario(places.second, "b.txt", TWO);
    sl_assert_ok(sl_scenario_list(places.search_path, &list, &err), &err);
    cr_assert_eq(list->n_scenarios, SL_COUNT_OF(expected));
    for (size_t i = 0; i < SL_COUNT_OF(expected); i++)
        cr_assert_str_eq(list->scenarios[i]->name, expected[i]);
    cr_assert_eq(list->scenarios[0]->load.events, 1);
}

SL_TEST(scenario, the_list_of_nowhere_is_empty)
{
    SL_AUTO(sl_scenario_list) struct sl_scenario_list *list = NULL;
    sl_assert_ok(sl_scenario_list("/nowhere:", &list, &err), &err);
    cr_assert_eq(list->n_scenarios, 0);
}
