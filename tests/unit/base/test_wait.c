/* SPDX-License-Identifier: Apache-2.0 */
#include "sl_test.h"

#include "base/wait.h"

SL_TEST(wait, a_pipe_that_was_lost_is_no_interrupt)
{
    struct sl_error err = {0}, lost = {0};

    sl_assert_ok(sl_wake_look(0, &err), &err);
    sl_assert_fails(sl_wake_look(POLLIN | POLLHUP, &err), SL_ECLOSED, &err, "interrupted");
    sl_assert_fails(sl_wake_look(POLLNVAL, &lost), SL_ESYS, &lost, "is not open any more");
}
