/* SPDX-License-Identifier: Apache-2.0 */
/* How a load ends when not everything is answered and handled, and what a driver owes until then.
 */
#include "sl_test.h"

#include <string.h>

#include "base/clock.h"
#include "player.h"

#define SIMPLE "../examples/driver_simple.so"
#define FAULTY "subjects/drivers/faulty.so"

#define ALL_PHASES "start open loaded closing closed torn_down"

static struct player play_fault(const char *fault)
{
    struct sl_subject_config config = player_config(FAULTY, fault);
    struct player player;

    config.load.timeout_ns = 1500 * SL_NS_PER_MS; /* of waits for what never comes */
    player_play(&player, &config);
    return player;
}

static void assert_contract_broken(const struct player *player, const char *text)
{
    cr_assert_eq(player->n_failures, 1);
    cr_assert_eq(player->failures[0].phase, SL_PHASE_CLOSED);
    cr_assert_eq(player->failures[0].status, SL_EPROTO);
    cr_assert(strstr(player->failures[0].text, text), "%s", player->failures[0].text);
    cr_assert_str_eq(player->order, ALL_PHASES);
}

/* Everything was played, whatever became of the load. */
static const struct sl_load_record *assert_played(const struct player *player)
{
    cr_assert_eq(player->n_failures, 0, "%s", player->failures[0].text);
    cr_assert_str_eq(player->order, ALL_PHASES);
    return &player->phases[SL_PHASE_LOADED].load;
}

SL_TEST(subject_end, a_load_in_which_nothing_is_handled_any_more_ends_before_its_time)
{
    struct sl_subject_config config = player_config(FAULTY, "loses");
    struct player player;
    config.load.timeout_ns = 3600 * SL_NS_PER_S; /* the test's own limit is shorter */
    config.load.idle_ns = 200 * SL_NS_PER_MS;
    player_play(&player, &config);
    const struct sl_load_record *loaded = assert_played(&player);
    cr_assert(loaded->timed_out);
    cr_assert_str_eq(loaded->ended, "nothing was handled for 0.2 s and no handler ran: 10 "
                                    "messages were neither handled nor refused");
}

SL_TEST(subject_end, a_handler_that_is_slow_is_not_idle)
{
    struct sl_subject_config config = player_config(SIMPLE, NULL);
    struct player player;
    config.load.events = 4;
    config.load.handler = SL_HANDLER_SLEEP;
    config.load.handler_cost_ns = 150 * SL_NS_PER_MS;
    config.load.idle_ns = 10 * SL_NS_PER_MS;
    player_play(&player, &config);
    const struct sl_load_record *loaded = assert_played(&player);
    cr_assert(loaded->counts.handled == 4 && !loaded->ended[0], "%s", loaded->ended);
}

SL_TEST(subject_end, answers_that_never_come_time_out_and_break_the_contract_at_close)
{
    struct player player = play_fault("never-answers");
    const struct sl_load_record *loaded = &player.phases[SL_PHASE_LOADED].load;
    assert_contract_broken(
        &player, "broke its contract 100 times, first: token 0 was published and never got an "
                 "outcome");
    cr_assert(loaded->timed_out);
    cr_assert_eq(loaded->counts.published, 100, "all were handled, so they had been taken");
    cr_assert_eq(loaded->counts.unknown, 0);
    cr_assert_eq(loaded->publish_latency.count, 0);
}

SL_TEST(subject_end, an_answer_after_close_breaks_the_contract)
{
    struct player player = play_fault("answers-late");
    assert_contract_broken(&player, "publish outcome for token 7 after Close had returned");
}
