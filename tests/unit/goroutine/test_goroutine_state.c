/* SPDX-License-Identifier: Apache-2.0 */
/* What Go's words for the state of a goroutine mean. */
#include "sl_test.h"

#include <string.h>

#include "base/macros.h"
#include "harness/goroutine/state.h"

SL_TEST(goroutine_state, every_wait_is_of_a_kind)
{
    static const struct {
        const char *state;
        enum sl_wait_kind kind;
    } cases[] = {
        {"chan receive", SL_WAIT_CHANNEL},
        {"chan send (nil chan)", SL_WAIT_CHANNEL},
        {"select (no cases)", SL_WAIT_CHANNEL},
        {"IO wait", SL_WAIT_IO},
        {"semacquire", SL_WAIT_SEMAPHORE},
        {"sync.WaitGroup.Wait", SL_WAIT_SEMAPHORE},
        {"sync.Mutex.Lock", SL_WAIT_MUTEX},
        {"sync.RWMutex.RLock", SL_WAIT_RWLOCK},
        {"sync.Cond.Wait", SL_WAIT_CONDITION},
        {"sleep", SL_WAIT_SLEEP},
        {"finalizer wait", SL_WAIT_OTHER},
        {"GC worker (idle)", SL_WAIT_OTHER},
        {"syscall", SL_WAIT_OTHER},
        {"running", SL_WAIT_NONE},
        {"runnable", SL_WAIT_NONE},
        {"waiting", SL_WAIT_NONE},
        {"???", SL_WAIT_NONE},
        {"", SL_WAIT_NONE},
    };

    for (size_t i = 0; i < SL_COUNT_OF(cases); i++)
        cr_assert_eq(goroutine_wait_kind(cases[i].state), cases[i].kind, "%s", cases[i].state);
}

SL_TEST(goroutine_state, the_end_of_every_stack_is_no_frame)
{
    cr_assert(goroutine_is_end("runtime.goexit"));
    cr_assert_not(goroutine_is_end("runtime.goexit0"));
    cr_assert_not(goroutine_is_end(NULL));
}

SL_TEST(goroutine_state, what_the_runtime_exports_is_shown)
{
    struct sl_frame frames[] = {
        {.function = "runtime.gopark"},       {.function = "runtime.Gosched"},
        {.function = "runtime.(*Func).Name"}, {.function = "runtime.(*mheap).alloc"},
        {.function = "wait_for_it"},          {.function = "main.main"},
    };

    cr_assert_eq(goroutine_keep_shown(frames, SL_COUNT_OF(frames)), 4);
    cr_assert_str_eq(frames[0].function, "runtime.Gosched");
    cr_assert_str_eq(frames[1].function, "runtime.(*Func).Name");
    cr_assert_str_eq(frames[2].function, "wait_for_it", "of code that is not Go's");
}
