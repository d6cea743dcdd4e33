/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One pass over the name for each degree of shortening: a bracket that closes takes back what was
 * written since its opening one.  Names are a target's and may have megabytes of brackets, so
 * nothing here goes back over the name.
 */
#include "base/short_name.h"

#include <ctype.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/macros.h"
#include "base/utf8.h"

#define MAX_DEPTH 64 /* brackets further in go with those around them */
#define DOTS      "..."
#define N_DOTS    (sizeof DOTS - 1)

/* What is left out; each leaves out what those before it do. */
enum degree { NO_ARGUMENTS, NO_PARAMETERS, NO_QUALIFIED, N_DEGREES };

struct bracket {
    char closing;
    enum degree degree; /* that leaves out what it encloses; N_DEGREES: none does */
    size_t start;       /* of what it encloses, in the text that is written */
};

struct brackets {
    struct bracket open[MAX_DEPTH];
    size_t n, too_deep;
};

static bool starts_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static bool is_word(char c)
{
    return isalnum((unsigned char) c) || c == '_' || c == '$';
}

/* Bytes of the character, or of the signs that look like brackets and are none, at `at`. */
static size_t token_length(const char *name, const char *at)
{
    static const char *const operators[] = {
        "<=>", "<<=", ">>=", "->*", "<<", ">>", "<=", ">=", "->", "()", "[]", "<", ">"};
    static const char sign[] = "operator", anonymous[] = "(anonymous namespace)";

    if (starts_with(at, "->"))
        return 2;
    if (starts_with(at, anonymous))
        return sizeof anonymous - 1;
    if (starts_with(at, DOTS))
        return N_DOTS;
    if (starts_with(at, sign) && (at == name || !is_word(at[-1]))) {
        for (size_t i = 0; i < SL_COUNT_OF(operators); i++)
            if (starts_with(at + sizeof sign - 1, operators[i]))
                return sizeof sign - 1 + strlen(operators[i]);
    }
    return SL_MAX(sl_utf8_length(at), 1);
}

static char closing_of(char opening)
{
    static const char pairs[] = "<>()[]{}";
    for (const char *pair = pairs; *pair; pair += 2)
        if (*pair == opening)
            return pair[1];
    return '\0';
}

/* "Pool<int>", Go's "Pool[int]", "wait(int)", and what are no arguments: Rust's "<T as Trait>",
 * Go's ".(*Pool)". */
static enum degree degree_of(const char *name, const char *at)
{
    char before = at == name ? '\0' : at[-1];

    if (*at == '<')
        return before && !strchr("<(,&* [", before) ? NO_ARGUMENTS : NO_QUALIFIED;
    if (*at == '[')
        return is_word(before) ? NO_ARGUMENTS : N_DEGREES;
    return *at == '(' && before != '.' ? NO_PARAMETERS : N_DEGREES;
}

static void open_bracket(struct brackets *brackets, const char *name, const char *at, size_t start)
{
    if (brackets->n == MAX_DEPTH)
        brackets->too_deep++;
    else
        brackets->open[brackets->n++] =
            (struct bracket){closing_of(*at), degree_of(name, at), start};
}

/* @return the bracket that is closed; NULL: none, it is a sign like that of "(a > b)" */
static const struct bracket *close_bracket(struct brackets *brackets, char closing)
{
    size_t n = brackets->n;

    if (!strchr(">)]}", closing))
        return NULL;
    if (brackets->too_deep) {
        brackets->too_deep--;
        return NULL;
    }
    while (n && brackets->open[n - 1].closing == '>' && closing != '>')
        n--; /* it was the sign of "(a < b)" */
    if (!n || brackets->open[n - 1].closing != closing)
        return NULL;
    brackets->n = n - 1;
    return &brackets->open[n - 1];
}

/* Up to the end of the buffer, and counted beyond it.  @return where the text ends now */
static size_t append(char buffer[SL_SHORT_NAME_MAX], size_t n, const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++, n++)
        if (n < SL_SHORT_NAME_MAX)
            buffer[n] = text[i];
    return n;
}

/* @return whether it fits; otherwise the buffer has the beginning */
static bool elide(const char *name, enum degree degree, char buffer[SL_SHORT_NAME_MAX])
{
    struct brackets brackets = {.n = 0};
    size_t n = 0, length;

    for (const char *at = name; *at; at += length) {
        length = token_length(name, at);
        const struct bracket *closed = length == 1 ? close_bracket(&brackets, *at) : NULL;
        if (closed && closed->degree <= degree && n - closed->start > N_DOTS)
            n = append(buffer, closed->start, DOTS, N_DOTS);
        n = append(buffer, n, at, length);
        if (length == 1 && closing_of(*at))
            open_bracket(&brackets, name, at, n);
    }
    buffer[SL_MIN(n, SL_SHORT_NAME_MAX - 1)] = '\0';
    /* What does not fit into the buffer has more columns, for none has more than four bytes. */
    return n < SL_SHORT_NAME_MAX && sl_utf8_print(buffer, NULL) <= SL_SHORT_NAME_COLUMNS;
}

static size_t columns_of(const char *token, size_t length)
{
    char text[32] = "";
    memcpy(text, token, SL_MIN(length, sizeof text - 1));
    return sl_utf8_print(text, NULL);
}

/* The beginning of what is in the buffer, dots, and what closes the brackets that are open there.
 */
static void cut(char buffer[SL_SHORT_NAME_MAX])
{
    struct brackets brackets = {.n = 0}, kept = brackets;
    size_t columns = 0, end = 0, length;

    for (size_t at = 0; buffer[at]; at += length) {
        bool dots = starts_with(buffer + at, DOTS);
        length = token_length(buffer, buffer + at);
        columns += columns_of(buffer + at, length);
        if (length == 1 && !close_bracket(&brackets, buffer[at]) && closing_of(buffer[at]))
            open_bracket(&brackets, buffer, buffer + at, 0);
        if (columns + N_DOTS > SL_SHORT_NAME_COLUMNS)
            break;
        if (!dots && columns + N_DOTS + brackets.n <= SL_SHORT_NAME_COLUMNS) {
            end = at + length;
            kept = brackets;
        }
    }
    end = append(buffer, end, DOTS, N_DOTS);
    while (kept.n)
        end = append(buffer, end, &kept.open[--kept.n].closing, 1);
    buffer[end] = '\0';
}

const char *sl_short_name(const char *name, char buffer[SL_SHORT_NAME_MAX])
{
    if (sl_utf8_print(name, NULL) <= SL_SHORT_NAME_COLUMNS)
        return name;
    for (enum degree degree = NO_ARGUMENTS; degree < N_DEGREES; degree++)
        if (elide(name, degree, buffer))
            return buffer;
    cut(buffer);
    return buffer;
}
