/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON text from arbitrary bytes, against a JSON library.  What the library reads is
 * well-formed here too, to its last byte; what is well-formed here and the library
 * refuses is beyond a limit of the library's: a number too large, an escaped surrogate
 * without its pair.
 */
#include <stdint.h>
#include <string.h>

#include <jansson.h>

#include "bus/envelope/json_text.h"
#include "require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_limit(const json_error_t *error)
{
    return strstr(error->text, "overflow") || strstr(error->text, "too big") ||
           strstr(error->text, "invalid Unicode");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct json_text text = {.data = (const char *) data, .size = size};
    json_error_t error;

    json_text_skip_blanks(&text);
    bool whole = json_text_skip_value(&text);
    require(text.at <= size, "the place is in the input");
    require(whole == !text.flaw, "a failure has a reason");
    json_text_skip_blanks(&text);
    whole = whole && text.at == size;
    if (memchr(data, 0, size)) { /* at the end, the library overlooks it */
        require(!whole, "a zero byte is in no text");
        return 0;
    }
    json_auto_t *value =
        json_loadb((const char *) data, size,
                   JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, &error);
    if (value && !whole)
        require(text.flaw && strcmp(text.flaw, "nested too deeply") == 0, "only depth is limited");
    if (!value && whole)
        require(is_limit(&error), error.text);
    return 0;
}
