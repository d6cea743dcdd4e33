/* SPDX-License-Identifier: Apache-2.0 */
#include "sl_test.h"

#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "base/macros.h"
#include "base/url.h"

SL_TEST(url, a_list_is_taken_apart)
{
    static const struct {
        const char *list, *user, *text;
    } cases[] = {
        {"localhost", "", "nats://localhost:4222"},
        {"nats://h:1", "", "nats://h:1"},
        {"tls://h/", "", "tls://h:4222"},
        {"u:p@[::1]:7", "u:p", "nats://[::1]:7"},
        {"nats://token@h", "token", "nats://h:4222"},
        {"nats://u:p@ss:w/rd@h:1/", "u:p@ss:w/rd", "nats://h:1"},
        {" nats://u:%40@h ", "u:%40", "nats://h:4222"},
    };
    for (size_t i = 0; i < SL_COUNT_OF(cases); i++) {
        struct sl_url url;
        const char *rest = cases[i].list;
        cr_assert(sl_url_take(&rest, &url), "%s", cases[i].list);
        cr_assert_null(rest);
        cr_assert_str_eq(url.text, cases[i].text);
        cr_assert_eq(url.user_length, strlen(cases[i].user));
        cr_assert_eq(memcmp(url.user, cases[i].user, url.user_length), 0);
    }
}

SL_TEST(url, every_part_of_a_list_counts)
{
    cr_assert(sl_url_is_list("h1,nats://u:p@h2:1, h3"));
    static const char *const wrong[] = {
        "",    ",",    "h,",      "h:0", "h:65536", "nats://", "u:p@",   "[::1", "h:1:2", "h:1/x",
        "h 1", "[]:1", "h,u:a,b", "h:",  "[a]b",    "h1,,h2,", "u@h:x@", " ",    "h, ,i", ",h"};
    for (size_t i = 0; i < SL_COUNT_OF(wrong); i++)
        cr_assert_not(sl_url_is_list(wrong[i]), "'%s'", wrong[i]);
}

SL_TEST(url, user_and_password_are_hidden_wherever_they_stand)
{
    static const struct {
        const char *text, *shown;
    } cases[] = {
        {"nothing to hide: a@b, 1:2", "nothing to hide: a@b, 1:2"},
        {"nats://h:4222 refused", "nats://h:4222 refused"},
        {"cannot reach 'nats://user:secret@h:4222'", "cannot reach 'nats://***@h:4222'"},
        {"nats://token@h, tls://u:p@ss@h and x@y", "nats://***@h, tls://***@h and x@y"},
        {"amqp://u:it's@h", "amqp://***@h"},
        {"nats://u:secret@", "nats://***@"},
        {"nats://u:a,b@h", "nats://***@h"},
        {"nats://h1,nats://u:a,b@h2,tls://h3", "nats://h1,nats://***@h2,tls://h3"},
        {"://@", "://@"},
        {"nats://x@h", "nats://*@h"},
    };
    for (size_t i = 0; i < SL_COUNT_OF(cases); i++) {
        char text[128];
        (void) snprintf(text, sizeof text, "%s", cases[i].text);
        sl_url_hide(text);
        cr_assert_str_eq(text, cases[i].shown);
    }
}

SL_TEST(url, a_list_needs_no_scheme_to_hide_its_passwords)
{
    char list[] = "user:secret@h1,h2:1,nats://to/ken@h3,it's a@h4";
    sl_url_hide_list(list);
    cr_assert_str_eq(list, "***@h1,h2:1,nats://***@h3,***@h4");
}

SL_TEST(url, no_error_has_a_password)
{
    struct sl_error err = {0};
    (void) sl_fail(&err, SL_ECONNECT, "cannot connect to '%s'", "nats://u:secret@h");
    cr_assert_str_eq(err.text, "cannot connect to 'nats://***@h'");
    sl_error_prefix(&err, "with tls://u:secret@h");
    cr_assert_str_eq(err.text, "with tls://***@h: cannot connect to 'nats://***@h'");
}

SL_TEST(url, an_error_that_is_cut_has_no_part_of_a_password)
{
    struct sl_error err = {0};
    (void) sl_fail(&err, SL_ECONNECT, "%0*d nats://u:secret%0*d@h", (int) sizeof err.text - 30, 0,
                   100, 0);
    cr_assert(strstr(err.text, "nats://***@h"));
    cr_assert_not(strstr(err.text, "secret"));
}
