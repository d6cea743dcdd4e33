/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SL_TEST(suite, name): a Criterion test named for the fact it states.
 *
 * A memory leak fails the test when LeakSanitizer is linked in.  The check sits in
 * the body because a check after the body comes too late for Criterion's verdict,
 * and a leak found at exit does not fail a Criterion worker.
 */
#ifndef SL_TEST_H
#define SL_TEST_H

#include <criterion/criterion.h>

#include <strandline/error.h>

int __lsan_do_recoverable_leak_check(void) __attribute__((weak));

#define SL_NO_MEMORY_LEAK()                                                                        \
    cr_assert(!__lsan_do_recoverable_leak_check || __lsan_do_recoverable_leak_check() == 0,        \
              "memory was leaked")

#define SL_TEST(suite, name, ...)                                                                  \
    static void suite##_##name##_body(void);                                                       \
    Test(suite, name, ##__VA_ARGS__)                                                               \
    {                                                                                              \
        suite##_##name##_body();                                                                   \
        SL_NO_MEMORY_LEAK();                                                                       \
    }                                                                                              \
    static void suite##_##name##_body(void)

/* The call succeeds; on failure its error text is shown.  `err` is cleared before, as below. */
#define sl_assert_ok(call, err)                                                                    \
    do {                                                                                           \
        *(err) = (struct sl_error){0};                                                             \
        enum sl_status sl_got_ = (call);                                                           \
        cr_assert_eq(sl_got_, SL_OK, "%s: %s: %s", #call, sl_status_text(sl_got_), (err)->text);   \
    } while (0)

/* The call fails with this status and a text that contains `part`. */
#define sl_assert_fails(call, expected, err, part)                                                 \
    do {                                                                                           \
        *(err) = (struct sl_error){0};                                                             \
        enum sl_status sl_got_ = (call);                                                           \
        cr_assert_eq(sl_got_, (expected), "%s: got '%s' (%s), not '%s'", #call,                    \
                     sl_status_text(sl_got_), (err)->text, sl_status_text(expected));              \
        cr_assert(strstr((err)->text, (part)), "text '%s' lacks '%s'", (err)->text, (part));       \
    } while (0)

#endif
