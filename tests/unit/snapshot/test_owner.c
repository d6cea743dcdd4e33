/* SPDX-License-Identifier: Apache-2.0 */
#include "sl_test.h"

#include <sys/fsuid.h>
#include <unistd.h>

#include "harness/snapshot/target/owner.h"

#define NOBODY 65534

SL_TEST(owner, ids_of_the_file_system_and_all_groups_are_read)
{
    struct sl_owner owner;
    cr_assert(sl_owner_parse("Name:\tx\nUid:\t1\t2\t3\t4\nGid:\t5\t6\t7\t8\nGroups:\t9 10 11 \n",
                             &owner));
    cr_assert(owner.user == 4 && owner.group == 8 && owner.n_groups == 3);
    cr_assert(owner.groups[0] == 9 && owner.groups[2] == 11);
    cr_assert(sl_owner_parse("\nUid:\t1\t2\t3\t4\nGid:\t5\t6\t7\t8\nGroups:\t \nx:\t1", &owner));
    cr_assert_eq(owner.n_groups, 0);
    cr_assert_not(sl_owner_parse("\nUid:\t1\t2\t3\nGid:\t5\t6\t7\t8\n", &owner));
    cr_assert_not(sl_owner_parse("\nUid:\t1\t2\t3\t4\n", &owner));
}

SL_TEST(owner, a_thread_is_itself_again_afterwards)
{
    const struct sl_owner owner = {.user = NOBODY, .group = NOBODY, .groups = {7}, .n_groups = 1};
    struct sl_owner own;
    gid_t groups[2];

    if (geteuid() != 0)
        cr_skip_test("only the privileged become somebody else");
    int n_before = getgroups(0, NULL);
    cr_assert(sl_owner_become(&owner, &own));
    cr_assert_eq(setfsuid((uid_t) -1), NOBODY);
    cr_assert_eq(setfsgid((gid_t) -1), NOBODY);
    cr_assert(getgroups(2, groups) == 1 && groups[0] == 7);
    cr_assert(access("/proc/self/mem", R_OK) == 0, "the real user is who it was");
    sl_owner_leave(&owner, &own);
    cr_assert_eq(setfsuid((uid_t) -1), 0);
    cr_assert_eq(getgroups(0, NULL), n_before);
}
