/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/model/function_name.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "base/macros.h"

/* Marks that GCC and clang append; a number follows, but where it may be missing. */
static const struct {
    const char *text;
    bool bare; /* also without a number */
} marks[] = {
    {".part", false},     {".constprop", false}, {".isra", false},      {".cold", true},
    {".lto_priv", false}, {".llvm", false},      {".localalias", true}, {".__uniq", false},
};

static bool ends_with(const char *name, size_t length, const char *end)
{
    size_t size = strlen(end);
    return length > size && memcmp(name + length - size, end, size) == 0;
}

/* Length without one mark at the end, or the same. */
static size_t cut_mark(const char *name, size_t length)
{
    size_t stem = length;
    while (stem && isdigit((unsigned char) name[stem - 1]))
        stem--;
    bool numbered = stem < length && stem && name[stem - 1] == '.';
    stem = numbered ? stem - 1 : length;
    for (size_t i = 0; i < SL_COUNT_OF(marks); i++)
        if ((numbered || marks[i].bare) && ends_with(name, stem, marks[i].text))
            return stem - strlen(marks[i].text);
    return length;
}

static bool is_word(char c)
{
    return isalnum((unsigned char) c) || c == '_' || c == '.';
}

/* The same as demanglers write it: " [clone .isra.0]", " (.llvm.7)". */
static size_t cut_spelt_mark(const char *name, size_t length)
{
    static const char *const forms[][2] = {{" [clone .", "]"}, {" (.", ")"}};

    for (size_t i = 0; i < SL_COUNT_OF(forms); i++) {
        if (!ends_with(name, length, forms[i][1]))
            continue;
        size_t at = length - 1;
        while (at && is_word(name[at - 1]))
            at--;
        if (at < length && name[at] == '.' && ends_with(name, at + 1, forms[i][0]))
            return at + 1 - strlen(forms[i][0]);
    }
    return length;
}

static size_t cut_rust_hash(const char *name, size_t length)
{
    static const size_t size = 3 + 16; /* "::h" and the digits */

    if (length <= size || memcmp(name + length - size, "::h", 3) != 0)
        return length;
    for (size_t i = length - 16; i < length; i++)
        if (!isdigit((unsigned char) name[i]) && (name[i] < 'a' || name[i] > 'f'))
            return length;
    return length - size;
}

/* One or two '@' and the name of a version, which is no number: "_call@8" has none. */
static size_t cut_version(const char *name, size_t length)
{
    size_t at = length;
    while (at && is_word(name[at - 1]))
        at--;
    if (!at || name[at - 1] != '@' || at == length || isdigit((unsigned char) name[at]))
        return length;
    at -= at > 1 && name[at - 2] == '@' ? 2 : 1;
    return at ? at : length;
}

size_t sl_function_name_length(const char *name)
{
    size_t length = cut_version(name, strlen(name)), before;

    do {
        before = length;
        length = cut_rust_hash(name, cut_spelt_mark(name, cut_mark(name, length)));
    } while (length < before);
    return length;
}
