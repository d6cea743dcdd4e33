/* SPDX-License-Identifier: Apache-2.0 */
#include "sl_test.h"

#include <string.h>

#include "base/clock.h"
#include "harness/agent/clock.h"
#include "harness/agent/wire_config.h"

static struct sl_wire_header some_header(void)
{
    return (struct sl_wire_header){.protocol = SL_WIRE_PROTOCOL,
                                   .run = UINT64_MAX,
                                   .from = "load-1 on east",
                                   .kind = SL_WIRE_KIND_STAGE,
                                   .agent = 1,
                                   .trial = 300,
                                   .part = 2,
                                   .more = true};
}

SL_TEST(agent_wire, a_header_comes_back_and_leaves_the_body)
{
    const struct sl_wire_header sent = some_header();
    struct sl_wire_header got;
    SL_CLEANUP(sl_packer_release) struct sl_packer packer = {0};

    sl_wire_pack_header(&sent, &packer);
    sl_pack_bytes(&packer, "body", 4);
    struct sl_unpacker unpacker = {.at = packer.data, .left = packer.size};
    cr_assert(sl_wire_unpack_header(&unpacker, &got));
    cr_assert_eq(got.run, sent.run);
    cr_assert_str_eq(got.from, sent.from);
    cr_assert(got.kind == sent.kind && got.agent == 1 && got.trial == 300 && got.part == 2);
    cr_assert(got.more);
    cr_assert_eq(unpacker.left, 4);
    for (size_t size = 0; size < packer.size - 4; size++) {
        struct sl_unpacker cut = {.at = packer.data, .left = size};
        cr_assert_not(sl_wire_unpack_header(&cut, &got));
    }
}

SL_TEST(agent_wire, of_another_version_the_run_and_the_sender_are_known)
{
    struct sl_wire_header sent = some_header(), got;
    SL_CLEANUP(sl_packer_release) struct sl_packer packer = {0};

    sl_pack_bytes(&packer, "SLAG", 4);
    sl_pack_number(&packer, 9);
    sl_pack_number(&packer, sent.run);
    sl_pack_text(&packer, "a \x1b[2Jb");
    sl_pack_bytes(&packer, "\xff\xff\xff", 3);
    struct sl_unpacker unpacker = {.at = packer.data, .left = packer.size};
    cr_assert(sl_wire_unpack_header(&unpacker, &got));
    cr_assert_eq(got.protocol, 9);
    cr_assert_eq(got.run, sent.run);
    cr_assert_str_eq(got.from, "a ?[2Jb", "nothing in it commands a terminal");
}

static struct sl_subject_config some_config(void)
{
    return (struct sl_subject_config){
        .load = {.events = 500,
                 .topics = 5,
                 .aggregates = 100,
                 .payload = 256,
                 .publishers = 6,
                 .rate = 1000,
                 .keys = SL_KEYS_ZIPF,
                 .keys_parameter = 1.1,
                 .handler = SL_HANDLER_SLEEP,
                 .handler_cost_ns = 50000,
                 .storage = SL_STORAGE_FILE,
                 .settle_ns = 2 * SL_NS_PER_S,
                 .idle_ns = 35 * SL_NS_PER_S,
                 .timeout_ns = 60 * SL_NS_PER_S,
                 .close_deadline_ns = 10 * SL_NS_PER_S},
        .share = {SL_PART_CONSUME, 2, 3, -1234567890123},
        .pool = {.workers = 1024, .queue = 1000, .enqueue_wait_ns = 200, .stack_size = 65536},
        .mode = SL_MODE_KEYED,
        .replicas = 3,
        .transport = "nats",
        .fault = "pool-not-stopped",
        .prefix = "strandline_00000000000000ab_2_",
        .seed = UINT64_MAX,
    };
}

SL_TEST(agent_wire, a_config_comes_back)
{
    const struct sl_subject_config sent = some_config();
    struct sl_subject_config got;
    SL_CLEANUP(sl_packer_release) struct sl_packer packer = {0};

    sl_wire_pack_config(&sent, &packer);
    struct sl_unpacker unpacker = {.at = packer.data, .left = packer.size};
    cr_assert(sl_wire_unpack_config(&unpacker, &got));
    cr_assert_eq(memcmp(&got.load, &sent.load, sizeof sent.load), 0);
    cr_assert_eq(memcmp(&got.share, &sent.share, sizeof sent.share), 0);
    cr_assert_eq(memcmp(&got.pool, &sent.pool, sizeof sent.pool), 0);
    cr_assert(got.mode == sent.mode && got.replicas == 3 && got.seed == sent.seed);
    cr_assert_str_eq(got.transport, sent.transport);
    cr_assert_str_eq(got.fault, sent.fault);
    cr_assert_str_eq(got.prefix, sent.prefix);
    for (size_t size = 0; size < packer.size; size++) {
        struct sl_unpacker cut = {.at = packer.data, .left = size};
        cr_assert_not(sl_wire_unpack_config(&cut, &got));
    }
}

static bool is_taken(const struct sl_subject_config *config)
{
    struct sl_subject_config got;
    SL_CLEANUP(sl_packer_release) struct sl_packer packer = {0};

    sl_wire_pack_config(config, &packer);
    struct sl_unpacker unpacker = {.at = packer.data, .left = packer.size};
    return sl_wire_unpack_config(&unpacker, &got);
}

SL_TEST(agent_wire, names_that_are_not_of_a_trial_are_refused)
{
    static const char *const bad[] = {
        "ORDERS_",
        "strandline_",
        "strandline_1_2_",
        "strandline_00000000000000ab_",
        "strandline_00000000000000ab__",
        "strandline_00000000000000ab_2",
        "strandline_00000000000000ab_2_ORDERS_",
        "strandline_00000000000000AB_2_",
        "strandline_00000000000000ab0_2_",
    };
    struct sl_subject_config config = some_config();

    for (size_t i = 0; i < SL_COUNT_OF(bad); i++) {
        (void) strcpy(config.prefix, bad[i]);
        cr_assert_not(is_taken(&config), "%s", bad[i]);
    }
}

SL_TEST(agent_wire, more_threads_than_a_process_can_have_are_refused)
{
    struct sl_subject_config config = some_config();

    config.load.topics = 64;
    cr_assert_not(is_taken(&config), "64 x 1024 workers, and publishers");
    config.mode = SL_MODE_UNIFIED;
    cr_assert(is_taken(&config));
    config.load.publishers = 1000000;
    cr_assert_not(is_taken(&config));
}

SL_TEST(agent_wire, a_config_that_no_scenario_can_ask_for_is_refused)
{
    struct sl_subject_config bad[7];

    for (size_t i = 0; i < SL_COUNT_OF(bad); i++)
        bad[i] = some_config();
    bad[0].load.events = 0;
    bad[1].load.payload = 8;
    bad[2].load.keys_parameter = 0.0 / 0.0;
    bad[3].share.number = 3;
    bad[4].share.part = SL_PART_ALL;
    bad[5].pool.workers = 100000000;
    bad[6].prefix[0] = '\0';
    for (size_t i = 0; i < SL_COUNT_OF(bad); i++)
        cr_assert_not(is_taken(&bad[i]), "case %zu", i);
}

static bool
add_part(struct sl_wire_body *body, uint64_t trial, uint32_t part, bool more, const char *text)
{
    struct sl_wire_header header = some_header();
    const struct sl_unpacker bytes = {.at = (const unsigned char *) text, .left = strlen(text)};

    header.trial = trial;
    header.part = part;
    header.more = more;
    return sl_wire_body_add(body, &header, &bytes);
}

SL_TEST(agent_wire, parts_make_a_body_and_what_does_not_follow_is_lost)
{
    struct sl_wire_body body = {0};

    cr_assert_not(add_part(&body, 1, 0, true, "ab"));
    cr_assert_not(add_part(&body, 1, 1, true, "cd"));
    cr_assert(add_part(&body, 1, 2, false, "e"));
    cr_assert_eq(body.bytes.size, 5);
    cr_assert_eq(memcmp(body.bytes.data, "abcde", 5), 0);

    cr_assert_not(add_part(&body, 1, 1, false, "x"), "nothing to follow");
    cr_assert_not(add_part(&body, 1, 0, true, "ab"));
    cr_assert_not(add_part(&body, 1, 2, false, "x"), "one is missing");
    cr_assert_not(add_part(&body, 1, 0, true, "ab"));
    cr_assert_not(add_part(&body, 2, 1, false, "x"), "of another trial");
    cr_assert(add_part(&body, 2, 0, false, "whole"));
    cr_assert_eq(body.bytes.size, 5);
    sl_packer_release(&body.bytes);
}

SL_TEST(agent_clock, the_shortest_round_trip_is_believed)
{
    struct sl_clock_estimate estimate = {0};
    const uint64_t ahead = 5000000000; /* the other clock is ahead of ours by that */

    sl_clock_estimate_add(&estimate, 1000, 9000, 8500 + ahead);
    cr_assert_eq(estimate.uncertainty_ns, 4000);
    sl_clock_estimate_add(&estimate, 20000, 20200, 20100 + ahead);
    cr_assert_eq(estimate.uncertainty_ns, 100);
    cr_assert_eq(estimate.offset_ns, -5000000000);
    sl_clock_estimate_add(&estimate, 30000, 31000, 30001 + ahead);
    cr_assert_eq(estimate.uncertainty_ns, 100, "a longer one tells nothing");
    cr_assert_eq(estimate.n_samples, 3);
}

SL_TEST(agent_clock, the_true_offset_is_never_off_by_more_than_the_uncertainty)
{
    const uint64_t ahead = 123456;

    for (uint64_t there = 0; there <= 100; there++) { /* of a round trip of 101 ns */
        struct sl_clock_estimate estimate = {0};
        sl_clock_estimate_add(&estimate, 1000, 1101, 1000 + there + ahead);
        int64_t off = estimate.offset_ns + (int64_t) ahead;
        cr_assert_leq((uint64_t) (off < 0 ? -off : off), estimate.uncertainty_ns);
    }
}

SL_TEST(agent_clock, a_process_has_the_clock_that_it_has)
{
    char first[128], second[128];

    sl_clock_name(first, sizeof first);
    sl_clock_name(second, sizeof second);
    cr_assert_str_eq(first, second);
    cr_assert_gt(strlen(first), 36, "a boot id and a namespace");
}
