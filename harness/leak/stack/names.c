/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/leak/stack/names.h"

#include <string.h>

#include "harness/model/function_name.h"

#define PART_MARK ".part."

struct stack_name names_function(const char *function)
{
    return function ? (struct stack_name){function, sl_function_name_length(function)}
                    : (struct stack_name){"", 0};
}

struct stack_name names_module(const char *module)
{
    static const char deleted[] = " (deleted)";
    const char *text = sl_path_base(module);
    size_t size = strlen(text), deleted_size = sizeof deleted - 1;

    if (size > deleted_size && strcmp(text + size - deleted_size, deleted) == 0)
        size -= deleted_size;
    const char *version = strstr(text, ".so.");
    if (version) {
        version += strlen(".so.");
        size = (size_t) (version - text) + strspn(version, "0123456789");
    }
    return (struct stack_name){text, size};
}

bool names_equal(struct stack_name a, struct stack_name b)
{
    return a.size == b.size && memcmp(a.text, b.text, a.size) == 0;
}

bool names_module_is(const char *module, const char *prefix)
{
    return strncmp(sl_path_base(module), prefix, strlen(prefix)) == 0;
}

bool names_is(struct stack_name name, const char *text)
{
    return names_equal(name, (struct stack_name){text, strlen(text)});
}

struct stack_name names_bare(struct stack_name name)
{
    if (name.size > 5 && strncmp(name.text, "__GI_", 5) == 0)
        name = (struct stack_name){name.text + 5, name.size - 5};
    while (name.size > 1 && *name.text == '_')
        name = (struct stack_name){name.text + 1, name.size - 1};
    return name;
}

bool names_is_part(const struct sl_frame *frame)
{
    return frame->function &&
           strstr(frame->function + sl_function_name_length(frame->function), PART_MARK);
}
