/* SPDX-License-Identifier: Apache-2.0 */
#include "bus/envelope/json_text.h"

#include <string.h>

#include "base/utf8.h"

/* Containers that are open around a value. */
struct nesting {
    unsigned depth;
    char closer[JSON_TEXT_MAX_DEPTH]; /* the byte that ends each */
};

static bool fail(struct json_text *text, const char *flaw)
{
    text->flaw = text->at < text->size ? flaw : "the text ends too early";
    return false;
}

/* The next byte; 0, which JSON has nowhere, at the end. */
static unsigned char peek(const struct json_text *text)
{
    return text->at < text->size ? (unsigned char) text->data[text->at] : 0;
}

void json_text_skip_blanks(struct json_text *text)
{
    while (peek(text) == ' ' || peek(text) == '\t' || peek(text) == '\n' || peek(text) == '\r')
        text->at++;
}

bool json_text_take(struct json_text *text, char byte)
{
    if (peek(text) != (unsigned char) byte)
        return false;
    text->at++;
    return true;
}

static bool is_digit(unsigned char byte)
{
    return byte >= '0' && byte <= '9';
}

static bool is_hex_digit(unsigned char byte)
{
    return is_digit(byte) || ((byte | 0x20) >= 'a' && (byte | 0x20) <= 'f');
}

static bool skip_escape(struct json_text *text)
{
    text->at++;
    unsigned char kind = peek(text);
    if (kind == 0 || !strchr("\"\\/bfnrtu", kind))
        return fail(text, "no such escape");
    text->at++;
    for (unsigned i = 0; kind == 'u' && i < 4; i++, text->at++) {
        if (!is_hex_digit(peek(text)))
            return fail(text, "an escape needs four hexadecimal digits");
    }
    return true;
}

bool json_text_skip_string(struct json_text *text)
{
    if (!json_text_take(text, '"'))
        return fail(text, "a string is expected");
    while (!json_text_take(text, '"')) {
        unsigned char byte = peek(text);
        if (byte < ' ')
            return fail(text, "control character in a string");
        if (byte == '\\') {
            if (!skip_escape(text))
                return false;
            continue;
        }
        size_t length =
            utf8_length((const unsigned char *) text->data + text->at, text->size - text->at);
        if (length == 0)
            return fail(text, "no UTF-8");
        text->at += length;
    }
    return true;
}

static bool skip_digits(struct json_text *text)
{
    if (!is_digit(peek(text)))
        return fail(text, "a digit is expected");
    while (is_digit(peek(text)))
        text->at++;
    return true;
}

static bool skip_number(struct json_text *text)
{
    (void) json_text_take(text, '-');
    if (!json_text_take(text, '0') && !skip_digits(text))
        return false;
    if (json_text_take(text, '.') && !skip_digits(text))
        return false;
    if (!json_text_take(text, 'e') && !json_text_take(text, 'E'))
        return true;
    if (!json_text_take(text, '+'))
        (void) json_text_take(text, '-');
    return skip_digits(text);
}

static bool skip_word(struct json_text *text, const char *word)
{
    for (; *word; word++) {
        if (!json_text_take(text, *word))
            return fail(text, "a value is expected");
    }
    return true;
}

static bool skip_scalar(struct json_text *text)
{
    switch (peek(text)) {
    case '"':
        return json_text_skip_string(text);
    case 't':
        return skip_word(text, "true");
    case 'f':
        return skip_word(text, "false");
    case 'n':
        return skip_word(text, "null");
    default:
        if (peek(text) == '-' || is_digit(peek(text)))
            return skip_number(text);
        return fail(text, "a value is expected");
    }
}

/* The name of a member and its colon. */
static bool skip_name(struct json_text *text)
{
    json_text_skip_blanks(text);
    if (!json_text_skip_string(text))
        return false;
    json_text_skip_blanks(text);
    return json_text_take(text, ':') || fail(text, "a colon is expected");
}

/* Into a container, up to its first value.  @return false when malformed; *ret_empty: behind it */
static bool open_container(struct json_text *text, struct nesting *nesting, bool *ret_empty)
{
    char closer = peek(text) == '{' ? '}' : ']';
    if (nesting->depth == JSON_TEXT_MAX_DEPTH)
        return fail(text, "nested too deeply");
    text->at++;
    json_text_skip_blanks(text);
    *ret_empty = json_text_take(text, closer);
    if (*ret_empty)
        return true;
    nesting->closer[nesting->depth++] = closer;
    return closer == ']' || skip_name(text);
}

/* Behind a value, up to the next one in its container, or behind all containers that end here. */
static bool go_on(struct json_text *text, struct nesting *nesting)
{
    while (nesting->depth > 0) {
        char closer = nesting->closer[nesting->depth - 1];
        json_text_skip_blanks(text);
        if (json_text_take(text, ','))
            return closer == ']' || skip_name(text);
        if (!json_text_take(text, closer))
            return fail(text, closer == '}' ? "a comma or '}' is expected"
                                            : "a comma or ']' is expected");
        nesting->depth--;
    }
    return true;
}

bool json_text_skip_value(struct json_text *text)
{
    struct nesting nesting = {.depth = 0};
    do {
        if (nesting.depth > 0)
            json_text_skip_blanks(text);
        bool whole = true;
        if (peek(text) == '{' || peek(text) == '[') {
            if (!open_container(text, &nesting, &whole))
                return false;
        } else if (!skip_scalar(text)) {
            return false;
        }
        if (whole && !go_on(text, &nesting))
            return false;
    } while (nesting.depth > 0);
    return true;
}
