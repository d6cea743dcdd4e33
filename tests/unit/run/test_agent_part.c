/* SPDX-License-Identifier: Apache-2.0 */
#include "sl_test.h"

#include "harness/agent/part.h"

SL_TEST(agent_part, without_a_subject_whatever_the_observer_asks_is_out_of_turn)
{
    for (enum sl_agent_command command = SL_AGENT_OPEN; command <= SL_AGENT_CLOSE; command++) {
        struct sl_part part;
        struct sl_error err = {0};

        sl_part_init(&part);
        cr_assert_eq(sl_part_fd(&part), -1);
        sl_assert_fails(sl_part_tell(&part, command, NULL, 0, &err), SL_EPROTO, &err,
                        "out of turn");
        sl_part_end(&part);
    }
}
