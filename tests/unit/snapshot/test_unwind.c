/* SPDX-License-Identifier: Apache-2.0 */
#include "sl_test.h"

#include "harness/snapshot/unwind/unwind.h"
#include "sl_alloc.h"

static enum sl_status make(void *user, struct sl_error *err)
{
    SL_AUTO(sl_unwinder) struct sl_unwinder *unwinder = NULL;

    (void) user;
    enum sl_status status = sl_unwinder_new(NULL, 16, &unwinder, err);
    cr_assert_eq(unwinder == NULL, status != SL_OK);
    return status;
}

SL_TEST(unwind, a_failed_allocation_is_reported_and_nothing_is_returned)
{
    cr_assert_geq(sl_alloc_fail_each(SL_ALLOC_ONE, make, NULL), 2);
}
