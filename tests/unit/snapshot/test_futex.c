/* SPDX-License-Identifier: Apache-2.0 */
/* Which primitive a call of futex is at, from the frames above it and what it is made on. */
#include "sl_test.h"

#include <linux/futex.h>
#include <sys/syscall.h>

#include "harness/snapshot/target/ids.h"
#include "harness/snapshot/wait/futex.h"
#include "snapshot_builder.h"

#define WAIT    (FUTEX_WAIT | FUTEX_PRIVATE_FLAG)
#define BY_BITS (FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME)
#define OWNER   71

static const struct sl_mutex_head plain = {.lock = 2, .owner = OWNER};

static struct sl_futex classify(const char *frames, bool has_library, uint32_t operation,
                                uint32_t value, const struct sl_mutex_head *mutex)
{
    SL_AUTO(sl_snapshot_builder) struct sl_snapshot_builder *builder = sl_snapshot_builder_new();
    const struct sl_syscall call = {.nr = SYS_futex, .args = {0x1028, operation, value}};
    const struct sl_futex_scene scene = {.stack = sl_build_stack(builder, frames),
                                         .has_library = has_library};
    return sl_futex_classify(&call, mutex, &scene);
}

static enum sl_wait_kind kind_of(const char *frames, bool has_library, uint32_t operation)
{
    return classify(frames, has_library, operation, 0, NULL).kind;
}

SL_TEST(futex, every_name_that_the_library_gives_a_function_is_that_function)
{
    static const char *const names[] = {
        "libc.so.6:pthread_cond_wait|app:take",
        "libc.so.6:__pthread_cond_wait|app:take",
        "libc.so.6:___pthread_cond_clockwait64|app:take",
        "libc.so.6:__GI___pthread_cond_timedwait64|app:take",
        "libc.so.6:pthread_cond_wait@@GLIBC_2.3.2|app:take",
        "libc.so.6:__pthread_cond_wait_common.constprop.0|app:take",
        "libc.so.6:|libc.so.6:|libc.so.6:cnd_wait|app:take",
        "libpthread-2.31.so:__pthread_cond_wait|app:take",
        "libpthread.so.0:pthread_cond_wait|app:take",
    };
    for (size_t i = 0; i < SL_COUNT_OF(names); i++) {
        struct sl_futex futex = classify(names[i], true, BY_BITS, 0, NULL);
        cr_assert_eq(futex.kind, SL_WAIT_CONDITION, "%s", names[i]);
        cr_assert_eq(futex.object, 0x1000);
    }
}

SL_TEST(futex, a_function_outside_the_library_is_none_of_its_primitives)
{
    static const char *const frames[] = {
        "libc.so.6:syscall|app:pthread_cond_wait|app:take",
        "libc.so.6:syscall|app:sem_wait|libc.so.6:start_thread",
        "app:pthread_rwlock_rdlock|libc.so.6:pthread_barrier_wait",
        "libsem.so:sem_wait|app:take",
        "libc.so.6:pthread_cond_destroy|app:end",
        "libc.so.6:pthread_mutex_locker|app:end",
        "libc.so.6:pthread_barrier_destroy|app:end",
    };
    for (size_t i = 0; i < SL_COUNT_OF(frames); i++)
        cr_assert_eq(kind_of(frames[i], true, BY_BITS), SL_WAIT_FUTEX, "%s", frames[i]);
}

SL_TEST(futex, in_a_static_program_name_and_call_have_to_agree)
{
    const char *condition = "app:__futex_abstimed_wait_common|app:pthread_cond_wait|app:take";

    cr_assert_eq(kind_of(condition, false, BY_BITS), SL_WAIT_CONDITION);
    cr_assert_eq(kind_of(condition, false, WAIT), SL_WAIT_FUTEX, "as another library makes it");
    cr_assert_eq(kind_of("app:syscall|app:pthread_cond_wait", false, BY_BITS), SL_WAIT_FUTEX);
    cr_assert_eq(kind_of("app:take|app:pthread_cond_wait", false, BY_BITS), SL_WAIT_FUTEX);
    cr_assert_eq(kind_of("app:|app:pthread_cond_wait", false, BY_BITS), SL_WAIT_FUTEX);
    cr_assert_eq(
        classify("app:__lll_lock_wait|app:pthread_mutex_lock", false, WAIT, 2, &plain).kind,
        SL_WAIT_MUTEX);
    cr_assert_eq(classify("app:pthread_mutex_lock|app:take", false, WAIT, 2, NULL).kind,
                 SL_WAIT_FUTEX);
}

SL_TEST(futex, an_owner_is_named_only_by_a_mutex_whose_fields_all_make_sense)
{
    static const struct {
        struct sl_mutex_head head;
        pid_t owner;
    } cases[] = {
        {{.lock = 2, .owner = OWNER}, OWNER},
        {{.lock = 2, .owner = OWNER, .kind = 0x200}, OWNER}, /* type set to normal; C11 */
        {{.lock = 2, .owner = OWNER, .kind = 0x103}, OWNER},
        {{.lock = 2, .owner = OWNER, .kind = 0x81}, OWNER},
        {{.lock = 7 << 19 | 2, .owner = OWNER, .kind = 0x40}, OWNER}, /* with a ceiling */
        {{.lock = 7 << 19 | 2, .owner = OWNER}, 0},
        {{.lock = (int32_t) (FUTEX_WAITERS | OWNER), .owner = OWNER, .kind = 0x10}, OWNER},
        {{.lock = (int32_t) (FUTEX_WAITERS | OWNER), .owner = OWNER, .kind = 0x20}, OWNER},
        {{.lock = (int32_t) (FUTEX_WAITERS | OWNER), .owner = OWNER + 1, .kind = 0x20}, 0},
        {{.lock = 1, .owner = OWNER}, 0},
        {{.lock = 2, .owner = OWNER, .kind = 0x400}, 0},
        {{.lock = 2, .owner = OWNER, .kind = -1}, 0},
    };
    for (size_t i = 0; i < SL_COUNT_OF(cases); i++) {
        struct sl_futex futex =
            classify("libc.so.6:pthread_mutex_lock|app:take", true, WAIT, 2, &cases[i].head);
        cr_assert_eq(futex.kind, SL_WAIT_MUTEX);
        cr_assert_eq(futex.owner, cases[i].owner, "case %zu", i);
    }
}

SL_TEST(futex, a_lock_of_the_library_itself_has_no_owner)
{
    struct sl_futex futex = classify("libc.so.6:__lll_lock_wait_private|libc.so.6:malloc|app:take",
                                     true, WAIT, 2, &plain);
    cr_assert(futex.kind == SL_WAIT_MUTEX && !futex.owner);
}

SL_TEST(futex, a_condition_whose_mutex_is_taken_back_is_that_mutex_if_it_is_one)
{
    const char *frames = "libc.so.6:|libc.so.6:pthread_cond_wait|app:take";

    cr_assert_eq(classify(frames, true, WAIT, 2, &plain).kind, SL_WAIT_MUTEX);
    cr_assert_eq(classify(frames, true, WAIT, 2, NULL).kind, SL_WAIT_FUTEX);
}

SL_TEST(futex, code_of_the_library_without_names_is_told_by_a_mutex_that_somebody_has)
{
    struct sl_futex futex = classify("libc.so.6:|app:take", true, WAIT, 2, &plain);
    cr_assert(futex.kind == SL_WAIT_MUTEX && futex.by_owner && futex.owner == OWNER);
    cr_assert_eq(classify("app:|app:take", true, WAIT, 2, &plain).kind, SL_WAIT_FUTEX);
    cr_assert_eq(classify("libc.so.6:syscall|app:take", true, WAIT, 2, &plain).kind, SL_WAIT_FUTEX);
}

SL_TEST(futex, the_last_id_is_that_of_the_innermost_namespace)
{
    bool nested = true;

    cr_assert_eq(sl_ids_parse("Name:\tx\nNSpid:\t4711\nNSpgid:\t1\t2\n", &nested), 4711);
    cr_assert_not(nested);
    cr_assert_eq(sl_ids_parse("Name:\tx\nNSpid:\t4711\t31\t5\nNSpgid:\t9\n", &nested), 5);
    cr_assert(nested);
    cr_assert_eq(sl_ids_parse("Name:\tx\nUid:\t0\n", &nested), 0);
}
