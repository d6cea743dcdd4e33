/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/snapshot/target/owner.h"

#include <string.h>
#include <sys/fsuid.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/macros.h"
#include "harness/snapshot/target/digits.h"

#define N_IDS 4 /* real, effective, saved, and of the file system */

/* The numbers behind a name at the start of a line.  @return how many, at most `capacity` */
static int read_numbers(const char *status, const char *name, unsigned *numbers, int capacity)
{
    const char *at = strstr(status, name);
    uint64_t number;
    int n = 0;

    if (!at)
        return 0;
    for (at += strlen(name); n < capacity; n++) {
        at += strspn(at, "\t ");
        if (!sl_digits_decimal(&at, &number))
            break;
        numbers[n] = (unsigned) number;
    }
    return n;
}

bool sl_owner_parse(const char *status, struct sl_owner *ret_owner)
{
    unsigned users[N_IDS], groups[N_IDS];

    if (read_numbers(status, "\nUid:", users, N_IDS) != N_IDS ||
        read_numbers(status, "\nGid:", groups, N_IDS) != N_IDS)
        return false;
    ret_owner->user = users[N_IDS - 1];
    ret_owner->group = groups[N_IDS - 1];
    ret_owner->n_groups =
        read_numbers(status, "\nGroups:", ret_owner->groups, SL_COUNT_OF(ret_owner->groups));
    return true;
}

/* Of this thread: the C library's function would change all of them. */
static bool set_groups(const struct sl_owner *owner)
{
    return syscall(SYS_setgroups, owner->n_groups, owner->groups) == 0;
}

/* The kernel takes the privileges over files from who is not root here, and gives them back. */
bool sl_owner_become(const struct sl_owner *owner, struct sl_owner *ret_own)
{
    if (!owner->user || geteuid() != 0)
        return true; /* no more than it may, or than we may */
    *ret_own = (struct sl_owner){.user = geteuid(), .group = getegid()};
    ret_own->n_groups = getgroups(SL_COUNT_OF(ret_own->groups), ret_own->groups);
    if (ret_own->n_groups < 0 || !set_groups(owner))
        return false;
    (void) setfsgid(owner->group);
    (void) setfsuid(owner->user);
    if ((uid_t) setfsuid((uid_t) -1) == owner->user && (gid_t) setfsgid((gid_t) -1) == owner->group)
        return true;
    sl_owner_leave(owner, ret_own);
    return false;
}

void sl_owner_leave(const struct sl_owner *owner, const struct sl_owner *own)
{
    if (!owner->user || geteuid() != 0)
        return;
    (void) setfsuid(own->user);
    (void) setfsgid(own->group);
    (void) set_groups(own);
}
