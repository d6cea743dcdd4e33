/* SPDX-License-Identifier: Apache-2.0 */
#include "sl_test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "base/macros.h"

SL_TEST(fail, the_first_description_wins)
{
    struct sl_error err = {0};

    cr_assert_eq(sl_fail(&err, SL_EFULL, "queue %d is full", 7), SL_EFULL);
    cr_assert_eq(sl_fail(&err, SL_ECLOSED, "bus is closed"), SL_ECLOSED, "status is the call's");
    cr_assert_eq(sl_fail_parse(&err, 3, 4, "bad line"), SL_EPARSE);
    errno = EIO;
    cr_assert_eq(sl_fail_errno(&err, "cannot read"), SL_ESYS);
    cr_assert_eq(err.status, SL_EFULL);
    cr_assert_str_eq(err.text, "queue 7 is full");
    cr_assert_eq(err.line, 0);
}

SL_TEST(fail, who_wants_no_detail_still_gets_the_status)
{
    cr_assert_eq(sl_fail(NULL, SL_EFULL, "queue is full"), SL_EFULL);
    cr_assert_eq(sl_fail_parse(NULL, 1, 1, "bad line"), SL_EPARSE);
    errno = ENOMEM;
    cr_assert_eq(sl_fail_errno(NULL, "cannot read"), SL_ENOMEM);
    sl_error_prefix(NULL, "trial %d", 1);
}

SL_TEST(fail, what_a_text_names_cannot_command_a_terminal)
{
    struct sl_error err = {0};
    errno = EIO;
    cr_assert_eq(sl_fail_errno(&err, "no '%s'", "a\x1b]0;x\x07\n\xe2\x80\xae.c"), SL_ESYS);
    sl_error_prefix(&err, "%s", "b\x1b");
    cr_assert_str_eq(err.text, "b?: no 'a?]0;x?????.c': Input/output error");
}

SL_TEST(fail, errno_becomes_a_status_and_a_text)
{
    static const struct {
        int number;
        enum sl_status status;
    } cases[] = {
        {ENOMEM, SL_ENOMEM}, {EPERM, SL_EPERM}, {EACCES, SL_EPERM},
        {ESRCH, SL_EGONE},   {EIO, SL_ESYS},    {ENOENT, SL_ESYS},
    };
    for (size_t i = 0; i < SL_COUNT_OF(cases); i++) {
        struct sl_error err = {0};
        char expected[128];
        (void) snprintf(expected, sizeof expected, "cannot open 'x': %s",
                        strerror(cases[i].number));
        errno = cases[i].number;
        cr_assert_eq(sl_fail_errno(&err, "cannot open '%s'", "x"), cases[i].status);
        cr_assert_eq(err.status, cases[i].status);
        cr_assert_eq(err.sys_errno, cases[i].number);
        cr_assert_str_eq(err.text, expected);
    }
}

SL_TEST(fail, nothing_stays_of_what_an_error_held_before_it_was_set)
{
    struct sl_error err = {.sys_errno = EIO, .line = 7, .column = 9, .text = "old"};

    cr_assert_eq(sl_fail(&err, SL_EFULL, "queue is full"), SL_EFULL);
    cr_assert_eq(err.status, SL_EFULL);
    cr_assert_eq(err.sys_errno, 0);
    cr_assert_eq(err.line, 0);
    cr_assert_eq(err.column, 0);
    cr_assert_str_eq(err.text, "queue is full");
}

SL_TEST(fail, malformed_input_has_its_position)
{
    struct sl_error err = {0};
    cr_assert_eq(sl_fail_parse(&err, 12, 5, "unexpected %s", "brace"), SL_EPARSE);
    cr_assert_eq(err.line, 12);
    cr_assert_eq(err.column, 5);
    cr_assert_eq(err.sys_errno, 0);
    cr_assert_str_eq(err.text, "unexpected brace");
}

SL_TEST(fail, a_prefix_goes_before_the_text_and_keeps_the_rest)
{
    struct sl_error err = {0};
    (void) sl_fail_parse(&err, 12, 5, "unexpected brace");
    sl_error_prefix(&err, "trial %d", 3);
    cr_assert_str_eq(err.text, "trial 3: unexpected brace");
    cr_assert_eq(err.line, 12);
    cr_assert_eq(err.status, SL_EPARSE);
}

SL_TEST(fail, an_error_that_is_not_set_takes_no_prefix)
{
    struct sl_error err = {0};
    sl_error_prefix(&err, "trial %d", 3);
    cr_assert_str_eq(err.text, "");
}

SL_TEST(fail, long_texts_are_cut_off_and_stay_terminated)
{
    struct sl_error err = {0};
    char longest[2 * sizeof err.text];

    memset(longest, 'x', sizeof longest);
    longest[sizeof longest - 1] = '\0';
    errno = EIO;
    (void) sl_fail_errno(&err, "%s", longest);
    cr_assert_eq(strlen(err.text), sizeof err.text - 1);
    sl_error_prefix(&err, "prefix");
    cr_assert_eq(strlen(err.text), sizeof err.text - 1);
    cr_assert_eq(strncmp(err.text, "prefix: xxx", 11), 0);
    sl_error_prefix(&err, "%s", longest);
    cr_assert_eq(strlen(err.text), sizeof err.text - 1);
}

SL_TEST(fail, every_status_has_a_text_of_its_own)
{
    for (int i = SL_OK; i <= SL_EPROTO; i++) {
        for (int k = SL_OK; k < i; k++)
            cr_assert_str_neq(sl_status_text((enum sl_status) i),
                              sl_status_text((enum sl_status) k));
    }
    cr_assert_str_eq(sl_status_text((enum sl_status)(SL_EPROTO + 1)), "unknown status");
    cr_assert_str_eq(sl_status_text((enum sl_status) 9999), "unknown status");
    cr_assert_str_eq(sl_status_text((enum sl_status) - 1), "unknown status");
}
