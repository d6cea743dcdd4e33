/* SPDX-License-Identifier: Apache-2.0 */
/* How the tables of a layout are written down; for the files that hold such tables. */
#ifndef SL_JSON_LAYOUT_MACROS_H
#define SL_JSON_LAYOUT_MACROS_H

#include <stddef.h>

#include "base/macros.h"
#include "base/value.h"
#include "json/layout.h"

/* The C type behind each kind.  A table line whose member has another type does not compile. */
typedef struct sl_value type_VALUE;
typedef struct sl_real type_REAL;
typedef uint32_t type_COUNT;
typedef uint64_t type_U64;
typedef uint32_t type_U32;
typedef int32_t type_INT;
typedef int64_t type_I64;
typedef bool type_BOOL;
typedef enum sl_maybe type_MAYBE;
typedef const char *type_NAME;
typedef const char *type_TEXT;
typedef uint64_t type_HEX;
typedef uint64_t type_DECIMAL;

#define MEMBER(type, member) (((type *) 0)->member)
#define IS_TYPE(value, wanted)                                                                     \
    (0 * sizeof(char[__builtin_types_compatible_p(__typeof__(value), wanted) ? 1 : -1]))
#define HAS_TYPE(type, member, wanted) IS_TYPE(MEMBER(type, member), wanted)

#define KEYED(kind_, type, key_, member)                                                           \
    .key = (key_), .kind = SL_FIELD_##kind_,                                                       \
    .offset = offsetof(type, member) + HAS_TYPE(type, member, type_##kind_)
#define SCALAR(kind_, type, member)                                                                \
    {                                                                                              \
        KEYED(kind_, type, #member, member)                                                        \
    }
#define LATE(kind_, type, member)                                                                  \
    {                                                                                              \
        KEYED(kind_, type, #member, member), .late = true                                          \
    }
#define ENUM(type, key_, member, words_)                                                           \
    {                                                                                              \
        .key = (key_), .kind = SL_FIELD_WORD, .offset = offsetof(type, member), .words = &(words_) \
    }
#define CHARS(type, key_, member)                                                                  \
    {                                                                                              \
        .key = (key_), .kind = SL_FIELD_CHARS, .offset = offsetof(type, member),                   \
        .size = sizeof MEMBER(type, member)                                                        \
    }
#define IDS(type, key_, member, count)                                                             \
    {                                                                                              \
        .key = (key_), .kind = SL_FIELD_IDS,                                                       \
        .offset = offsetof(type, member) + IS_TYPE(*MEMBER(type, member), uint64_t),               \
        .other = offsetof(type, count) + HAS_TYPE(type, count, uint32_t),                          \
        .size = sizeof MEMBER(type, member)                                                        \
    }
#define LIST(type, key_, member, count, object_)                                                   \
    {                                                                                              \
        .key = (key_), .kind = SL_FIELD_LIST, .offset = offsetof(type, member),                    \
        .other = offsetof(type, count) + HAS_TYPE(type, count, size_t),                            \
        .size = sizeof *MEMBER(type, member), .object = &(object_)                                 \
    }
#define LATE_LIST(type, key_, member, count, object_)                                              \
    {                                                                                              \
        .key = (key_), .kind = SL_FIELD_LIST, .offset = offsetof(type, member),                    \
        .other = offsetof(type, count) + HAS_TYPE(type, count, size_t),                            \
        .size = sizeof *MEMBER(type, member), .object = &(object_), .late = true                   \
    }
#define NAMES(type, key_, member, count)                                                           \
    {                                                                                              \
        .key = (key_), .kind = SL_FIELD_NAMES,                                                     \
        .offset = offsetof(type, member) + IS_TYPE(**MEMBER(type, member), char),                  \
        .other = offsetof(type, count) + HAS_TYPE(type, count, size_t)                             \
    }
#define NUMBERS(type, key_, member, count)                                                         \
    {                                                                                              \
        .key = (key_), .kind = SL_FIELD_NUMBERS,                                                   \
        .offset = offsetof(type, member) + IS_TYPE(*MEMBER(type, member), const uint64_t),         \
        .other = offsetof(type, count) + HAS_TYPE(type, count, size_t)                             \
    }
#define OBJECT(type, key_, member, object_)                                                        \
    {                                                                                              \
        .key = (key_), .kind = SL_FIELD_OBJECT, .offset = offsetof(type, member),                  \
        .object = &(object_)                                                                       \
    }
#define LATE_NAMES(type, key_, member, count)                                                      \
    {                                                                                              \
        .key = (key_), .kind = SL_FIELD_NAMES,                                                     \
        .offset = offsetof(type, member) + IS_TYPE(**MEMBER(type, member), char),                  \
        .other = offsetof(type, count) + HAS_TYPE(type, count, size_t), .late = true               \
    }
#define LATE_OBJECT(type, key_, member, object_)                                                   \
    {                                                                                              \
        .key = (key_), .kind = SL_FIELD_OBJECT, .offset = offsetof(type, member),                  \
        .object = &(object_), .late = true                                                         \
    }
/* An object of the file whose members lie in the parent's struct. */
#define PART(key_, object_)                                                                        \
    {                                                                                              \
        .key = (key_), .kind = SL_FIELD_OBJECT, .object = &(object_)                               \
    }
/* The fields of another table of the same struct. */
#define INLINE(object_) PART(NULL, object_)
/* An object that the struct points to; without a key, its fields. */
#define POINTER(type, key_, member, object_)                                                       \
    {                                                                                              \
        .key = (key_), .kind = SL_FIELD_POINTER, .offset = offsetof(type, member),                 \
        .size = sizeof *MEMBER(type, member), .object = &(object_)                                 \
    }
/* The name and version of the document. */
#define SCHEMA                                                                                     \
    {                                                                                              \
        .key = "schema", .kind = SL_FIELD_SCHEMA                                                   \
    }
#define FIELDS(array) .fields = (array), .n_fields = SL_COUNT_OF(array)

#endif
