/* SPDX-License-Identifier: Apache-2.0 */
#include "sl_test.h"

#include <string.h>

#include "bus/envelope/timestamp.h"

#define SECOND UINT64_C(1000000000)

SL_TEST(timestamp, text_is_written_in_utc_without_trailing_zeros)
{
    static const struct {
        uint64_t ns;
        const char *text;
    } vectors[] = {
        {1, "1970-01-01T00:00:00.000000001Z"},
        {SECOND, "1970-01-01T00:00:01Z"},
        {482196050 * SECOND + 520000000, "1985-04-12T23:20:50.52Z"},
        {951782400 * SECOND, "2000-02-29T00:00:00Z"},
        {UINT64_MAX - UINT64_MAX % SECOND - 1, "2554-07-21T23:34:32.999999999Z"},
        {UINT64_MAX, "2554-07-21T23:34:33.709551615Z"},
    };
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        char text[TIMESTAMP_SIZE];
        uint64_t ns = 0;
        timestamp_format(vectors[i].ns, text);
        cr_assert_str_eq(text, vectors[i].text);
        cr_assert_null(timestamp_parse(text, &ns));
        cr_assert_eq(ns, vectors[i].ns);
    }
}

SL_TEST(timestamp, the_examples_of_rfc_3339_are_read)
{
    static const struct {
        const char *text;
        uint64_t ns;
    } vectors[] = {
        {"1985-04-12T23:20:50.52Z", 482196050 * SECOND + 520000000},
        {"1996-12-19T16:39:57-08:00", 851042397 * SECOND},
        {"1996-12-20t00:39:57z", 851042397 * SECOND},
        {"1990-12-31T23:59:60Z", 662688000 * SECOND},
        {"1990-12-31T15:59:60-08:00", 662688000 * SECOND},
        {"2025-10-13T08:15:30.1234567891+08:00", 1760314530 * SECOND + 123456789},
        {"1970-01-01T00:00:00+00:00", 0},
    };
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        uint64_t ns = 99;
        const char *what = timestamp_parse(vectors[i].text, &ns);
        cr_assert_null(what, "%s %s", vectors[i].text, what);
        cr_assert_eq(ns, vectors[i].ns, "%s", vectors[i].text);
    }
}

SL_TEST(timestamp, other_text_is_refused_with_the_reason)
{
    static const struct {
        const char *text, *what;
    } vectors[] = {
        {"", "RFC 3339"},
        {"2025-10-13", "RFC 3339"},
        {"2025-10-13 08:15:30Z", "RFC 3339"},
        {"2025-10-13T08:15:30", "RFC 3339"},
        {"2025-10-13T08:15:30.Z", "RFC 3339"},
        {"2025-10-13T08:15:30Zx", "RFC 3339"},
        {"2025-10-13T24:00:00Z", "RFC 3339"},
        {"2025-10-13T08:60:00Z", "RFC 3339"},
        {"2025-10-13T08:15:60Z", "RFC 3339"},
        {"2025-10-13T08:15:61Z", "RFC 3339"},
        {"2025-02-29T08:15:30Z", "RFC 3339"},
        {"2025-13-01T08:15:30Z", "RFC 3339"},
        {"2025-00-01T08:15:30Z", "RFC 3339"},
        {"2025-04-31T08:15:30Z", "RFC 3339"},
        {"2025-10-00T08:15:30Z", "RFC 3339"},
        {"2025-10-13T08:15:30+0800", "RFC 3339"},
        {"2025-10-13T08:15:30+24:00", "RFC 3339"},
        {"2025-10-13T08:15:30+08:60", "RFC 3339"},
        {"20251013T081530Z", "RFC 3339"},
        {"0001-01-01T00:00:00Z", "before 1970"},
        {"1970-01-01T00:00:00+00:01", "before 1970"},
        {"2554-07-21T23:34:33.709551616Z", "too late"},
        {"2554-07-21T23:34:34Z", "too late"},
        {"9999-12-31T23:59:59Z", "too late"},
    };
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        uint64_t ns = 99;
        const char *what = timestamp_parse(vectors[i].text, &ns);
        cr_assert(what && strstr(what, vectors[i].what), "%s", vectors[i].text);
        cr_assert_eq(ns, 99);
    }
}
