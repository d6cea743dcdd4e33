/* SPDX-License-Identifier: Apache-2.0 */
#include "sl_test.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/arena.h"
#include "harness/process/environment.h"

SL_TEST(environment, what_this_machine_tells_of_itself_is_found)
{
    SL_AUTO(sl_arena) struct sl_arena *arena = sl_arena_new();
    struct sl_environment found;
    struct utsname name;

    cr_assert(arena);
    sl_environment_read(arena, &found);
    cr_assert_eq(uname(&name), 0);
    cr_assert(strstr(found.kernel, name.release), "%s", found.kernel);
    cr_assert_eq(strncmp(found.libc, "glibc 2.", 8), 0, "%s", found.libc);
    cr_assert_geq(found.cores, 1);
    cr_assert_gt(found.memory, (uint64_t) 1 << 20);
    cr_assert_not(found.load_before.missing);
    cr_assert_geq(found.load_before.value, 0.0);
    /* Neither has to exist; what exists has no rest of the file's syntax. */
    cr_assert(!found.os || !strpbrk(found.os, "\"'=\n"), "%s", found.os);
    cr_assert(!found.cpu || !strpbrk(found.cpu, ":\t\n"), "%s", found.cpu);
}

SL_TEST(environment, the_system_has_the_name_that_a_shell_reads)
{
    SL_AUTO(sl_arena) struct sl_arena *arena = sl_arena_new();
    struct sl_environment found;
    char name[256] = "";

    FILE *shell = popen(". /etc/os-release 2> /dev/null && printf '%s' \"$PRETTY_NAME\"", "r");
    cr_assert(shell);
    (void) fgets(name, sizeof name, shell);
    (void) pclose(shell);
    if (!*name)
        cr_skip_test("no /etc/os-release");
    sl_environment_read(arena, &found);
    cr_assert_str_eq(found.os, name);
}

SL_TEST(environment, what_others_have_to_fill_is_empty)
{
    SL_AUTO(sl_arena) struct sl_arena *arena = sl_arena_new();
    struct sl_environment found;

    cr_assert(arena);
    sl_environment_read(arena, &found);
    cr_assert_not(found.libnats);
    cr_assert_not(found.libunwind);
    cr_assert_not(found.libdw);
    cr_assert_not(found.nats_server);
    cr_assert(found.load_after.missing);
}

SL_TEST(environment, cores_are_those_that_the_process_may_use)
{
    SL_AUTO(sl_arena) struct sl_arena *arena = sl_arena_new();
    struct sl_environment found;
    cpu_set_t one, allowed;

    cr_assert(arena);
    cr_assert_eq(sched_getaffinity(0, sizeof allowed, &allowed), 0);
    CPU_ZERO(&one);
    for (int core = 0; core < CPU_SETSIZE && CPU_COUNT(&one) == 0; core++)
        if (CPU_ISSET(core, &allowed))
            CPU_SET(core, &one);
    cr_assert_eq(sched_setaffinity(0, sizeof one, &one), 0);
    sl_environment_read(arena, &found);
    cr_assert_eq(found.cores, 1);
}
